import type { Dataset } from "../../src/domain/data/dataset.ts";
import type { ScoreThreshold } from "../../src/domain/eval/advice-types.ts";
import { cosineScores } from "../../src/domain/eval/dense.ts";
import { scoredQuestions, thresholdOf } from "../../src/domain/eval/threshold.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { RetuneError } from "../../src/engine/errors.ts";

const PRECISION = 0.9;

/** From which cosine on first hits are right in nine of ten cases, on the judged file; null where it is too small. */
export function searchThreshold(
  dataset: Dataset,
  { queries, corpus }: { readonly queries: Matrix; readonly corpus: Matrix },
  seed: number,
): ScoreThreshold | null {
  const questions = scoredQuestions(dataset, cosineScores(queries, corpus));
  try {
    return thresholdOf(questions, { score: "cosine", basis: "test", target: PRECISION, seed });
  } catch (error) {
    if (error instanceof RetuneError && error.code === "too-little-data") return null;
    throw error;
  }
}
