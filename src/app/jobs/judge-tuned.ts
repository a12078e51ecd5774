import type { Dataset } from "../../domain/data/dataset.ts";
import { MINING_DEFAULTS, type MiningSettings } from "../../domain/data/mining/settings.ts";
import { mineNegatives, negativesOf, rerankDatasetFrom } from "../../domain/data/negatives.ts";
import type { RerankDataset, RerankPair } from "../../domain/data/rerank-dataset.ts";
import { rerankDatasetOf } from "../../domain/data/rerank-dataset.ts";
import { LexicalIndex } from "../../domain/eval/bm25.ts";
import { candidatesOf } from "../../domain/eval/candidates.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { evaluate } from "../../domain/eval/evaluate.ts";
import type { JudgedVectors } from "../../domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../../domain/eval/fusion.ts";
import { rerankReport } from "../../domain/eval/rerank.ts";
import type { RerankReport } from "../../domain/eval/rerank.ts";
import type { EvaluationReport, Fusion } from "../../domain/eval/report.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import type { RunControl } from "../../domain/ports.ts";
import { scoreCandidates } from "../../domain/recipes/cross-encoder/rerank.ts";
import type { Backend } from "../../engine/backend.ts";
import type { JudgedSide } from "./evaluate.ts";

// Judging of encoders and re-rankers, the same for the page and headless.

/** Base against tuned encoder; `instruction`: both had it before their questions. */
export function judgeEncoder(
  side: JudgedSide,
  tuned: { readonly queries: Matrix; readonly corpus: Matrix },
  fusion: { readonly base: Fusion; readonly tuned: Fusion },
  settings: { readonly instruction: boolean; readonly seed: number },
): EvaluationReport {
  return evaluate(side.dataset, side.vectors, { ...settings, fusion, tuned });
}

export interface RerankJudging {
  readonly depth: number; // passages the first search hands over
  readonly forceGold: boolean;
  readonly seed: number;
}

export const RERANK_JUDGING = { depth: 100, forceGold: false } as const;

/** Scores of the first search: the hybrid with equal weights, else BM25 alone. */
export function firstSearch(dataset: Dataset, vectors: JudgedVectors | null): Matrix {
  const lexical = new LexicalIndex(dataset.passages.map(({ text }) => text)).scores(
    dataset.queries.map(({ text }) => text),
  );
  if (!vectors) return lexical;
  const own = vectors.queriesInstruction ?? vectors.queries;
  return fuse(cosineScores(own, vectors.corpus), lexical, fusionOf(EQUAL_WEIGHTS));
}

/**
 * Pairs to train a re-ranker on: those given, else positives with the questions' own negatives and, where a question has
 * none, mined and random ones of the first search.
 */
export function rerankTrainingSet(
  dataset: Dataset,
  first: () => Matrix,
  pairs: readonly RerankPair[],
  seed: number,
  mining: MiningSettings = { ...MINING_DEFAULTS, seed },
): RerankDataset {
  if (pairs.length > 0) return rerankDatasetOf(pairs);
  return rerankDatasetFrom(
    dataset,
    negativesOf(dataset, () => mineNegatives(dataset, first(), mining)),
  );
}

/** The first `depth` of the first search re-ranked by the base (where it is one) and by the tuned cross-encoder. */
export async function judgeReranker(
  backend: Backend,
  dataset: Dataset,
  retrieved: Matrix,
  models: { readonly base?: CrossEncoderModel | EncoderModel; readonly tuned: CrossEncoderModel },
  settings: RerankJudging,
  control: RunControl = {},
): Promise<RerankReport> {
  const { depth, forceGold } = settings;
  const candidates = candidatesOf(dataset, retrieved, { depth, forceGold });
  const scoresOf = (model: CrossEncoderModel) =>
    scoreCandidates(backend, model, dataset, candidates, control);
  const tuned = await scoresOf(models.tuned);
  const before = models.base;
  const base = !before || "pooling" in before ? {} : { base: await scoresOf(before) };
  return rerankReport(dataset, retrieved, candidates, { ...base, tuned }, settings);
}
