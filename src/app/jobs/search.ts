import type { Dataset, Passage } from "../../domain/data/dataset.ts";
import { LexicalIndex } from "../../domain/eval/bm25.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../domain/eval/fusion.ts";
import { idOrder, rankOf } from "../../domain/eval/metrics.ts";
import { topColumns } from "../../domain/eval/ranking.ts";
import type { Fusion } from "../../domain/eval/report.ts";
import { VectorSearch } from "../../domain/eval/vector-search.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import type { QueryVectors } from "../protocol/calls.ts";
import type { SearchAnswer, SearchHit, SearchRequest } from "../studio-playground.ts";
import type { KeptAdapter } from "./result-store.ts";

/** A corpus that is ready to be searched. */
export interface SearchGround {
  readonly dataset: Dataset;
  readonly lexical: LexicalIndex;
  readonly order: Uint32Array; // of equal scores
  readonly corpus: VectorSearch | null; // null where nothing is embedded yet
}

export function searchGround(dataset: Dataset, corpus: Matrix | null): SearchGround {
  const { passages } = dataset;
  const lexical = new LexicalIndex(passages.map((passage) => passage.text));
  const order = idOrder(passages.map((passage) => passage.id));
  return { dataset, lexical, order, corpus: corpus && new VectorSearch(corpus) };
}

/** What is compared with the base, beside what it needs to be compared fairly. */
export interface TunedSide {
  readonly instructed: boolean; // then base uses the instruction too
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  /** An adapter over the base's vectors, or a tuned encoder's own vectors of question and passages. */
  readonly by:
    | { readonly kind: "adapter"; readonly kept: KeptAdapter }
    | { readonly kind: "encoder"; readonly query: Float32Array; readonly corpus: VectorSearch };
}

/** One question in one view, base beside tuned. Vectors must be given where the view is dense or hybrid. */
export function searchSideBySide(
  ground: SearchGround,
  request: SearchRequest,
  vectors: QueryVectors,
  tuned: TunedSide | null,
): SearchAnswer {
  const started = performance.now();
  let lexical: Matrix | undefined;
  const byWords = (): Matrix => (lexical ??= ground.lexical.scores([request.text]));
  const own = (tuned?.instructed ? vectors.instruction : undefined) ?? vectors.plain;
  const scoresOf = (side: TunedSide["by"] | null): Matrix => {
    if (request.view === "lexical") return byWords();
    const dense = denseScores(side, own!, ground.corpus!);
    if (request.view === "dense") return dense;
    const fusion = (side ? tuned?.fusion.tuned : tuned?.fusion.base) ?? fusionOf(EQUAL_WEIGHTS);
    return fuse(dense, byWords(), fusion);
  };
  const base = ranksOf(scoresOf(null), ground);
  const after = tuned ? ranksOf(scoresOf(tuned.by), ground) : null;
  return {
    base: topHits(base, after, request.top, ground.dataset.passages),
    tuned: after ? topHits(after, base, request.top, ground.dataset.passages) : [],
    reranked: [],
    milliseconds: performance.now() - started,
    latency: { embed: null, search: performance.now() - started, rerank: null, reranked: 0 },
  };
}

function denseScores(side: TunedSide["by"] | null, vector: Float32Array, corpus: VectorSearch): Matrix {
  if (side?.kind === "encoder") return oneRow(side.corpus.scores(side.query));
  if (!side) return oneRow(corpus.scores(vector));
  const { config, weights } = side.kept;
  return oneRow(corpus.scores(applyAdapter(config, weights, oneRow(vector)).values));
}

function oneRow(values: Float32Array): Matrix {
  return { rows: 1, columns: values.length, values };
}

interface Ranking {
  readonly scores: Float32Array;
  readonly order: Uint32Array;
}

function ranksOf(scores: Matrix, { order }: SearchGround): Ranking {
  return { scores: scores.values, order };
}

function topHits(
  ranking: Ranking,
  other: Ranking | null,
  top: number,
  passages: readonly Passage[],
): readonly SearchHit[] {
  const { scores, order } = ranking;
  return Array.from(topColumns(scores, order, top), (index): SearchHit => {
    const { id, text, document } = passages[index]!;
    return {
      passageId: id,
      text,
      ...(document === undefined ? {} : { document }),
      score: scores[index]!,
      otherRank: other ? rankOf(other.scores, index, other.order) : null,
    };
  });
}
