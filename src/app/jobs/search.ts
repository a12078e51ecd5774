import type { Dataset, Passage } from "../../domain/data/dataset.ts";
import { LexicalIndex } from "../../domain/eval/bm25.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../domain/eval/fusion.ts";
import { idOrder, rankOf } from "../../domain/eval/metrics.ts";
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
  readonly corpus: Matrix | null; // null where nothing is embedded yet
}

export function searchGround(dataset: Dataset, corpus: Matrix | null): SearchGround {
  const { passages } = dataset;
  const lexical = new LexicalIndex(passages.map((passage) => passage.text));
  return { dataset, lexical, order: idOrder(passages.map((passage) => passage.id)), corpus };
}

/** The adapter beside what it needs to be compared fairly. */
export interface TunedSide {
  readonly kept: KeptAdapter;
  readonly instructed: boolean; // then base uses the instruction too
}

/** One question in one view, base beside tuned. Vectors must be given where the view is dense or hybrid. */
export function searchSideBySide(
  ground: SearchGround,
  request: SearchRequest,
  vectors: QueryVectors,
  tuned: TunedSide | null,
): SearchAnswer {
  const started = performance.now();
  const lexical = ground.lexical.scores([request.text]);
  const own = (tuned?.instructed ? vectors.instruction : undefined) ?? vectors.plain;
  const scoresOf = (adapter: KeptAdapter | null): Matrix => {
    if (request.view === "lexical") return lexical;
    const dense = cosineScores(adapted(own!, adapter), ground.corpus!);
    if (request.view === "dense") return dense;
    const fusion = (adapter ? tuned?.kept.fusion.tuned : tuned?.kept.fusion.base) ?? fusionOf(EQUAL_WEIGHTS);
    return fuse(dense, lexical, fusion);
  };
  const base = ranksOf(scoresOf(null), ground);
  const after = tuned ? ranksOf(scoresOf(tuned.kept), ground) : null;
  return {
    base: topHits(base, after, request.top, ground.dataset.passages),
    tuned: after ? topHits(after, base, request.top, ground.dataset.passages) : [],
    reranked: [],
    milliseconds: performance.now() - started,
    latency: { embed: null, search: performance.now() - started, rerank: null, reranked: 0 },
  };
}

function adapted(vector: Float32Array, adapter: KeptAdapter | null): Matrix {
  const query: Matrix = { rows: 1, columns: vector.length, values: vector };
  return adapter ? applyAdapter(adapter.config, adapter.weights, query) : query;
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
  const sorted = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || order[a]! - order[b]!);
  return sorted.slice(0, top).map((index): SearchHit => {
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
