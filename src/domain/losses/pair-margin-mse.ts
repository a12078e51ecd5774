//   L = (1/M) Σₘ ( x[pₘ] − x[nₘ] − margin[m] )²          x logits of pairs, margin = teacher(q, p) − teacher(q, n)
//
// MarginMSE for a cross-encoder (Hofstätter et al. 2020; sentence-transformers' cross-encoder MarginMSELoss): the margin
// between two passages of one question follows the teacher's. L starts near the mean square of the margins. Both are
// logits here, so unlike with unit vectors the teacher's scores need no rescaling.
//
// Logits come packed, one a pair, [P, 1]; row m of `differences` is 1 at pₘ and −1 at nₘ.
import type { Tensor } from "../../engine/graph.ts";
import { multiply, subtract } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { rowMean } from "./row-mean.ts";

export interface PairMarginMseOptions {
  readonly differences: Tensor; // f32 [M, P]
  readonly margins: Tensor; // f32 [M, 1]
  readonly shares?: Tensor; // f32 [M, 1], row-mean.ts
}

/** logits [P, 1] → scalar. */
export function pairMarginMseLoss(
  logits: Tensor,
  { differences, margins, shares }: PairMarginMseOptions,
): Tensor {
  const error = subtract(matmul(differences, logits), margins);
  return rowMean(multiply(error, error), shares);
}
