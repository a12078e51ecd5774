//   L = (1/P) Σᵢ [ (1 − y)·x + (1 + (w − 1)·y) · log(1 + e⁻ˣ) ]          x logits, y labels in [0, 1], w = posWeight
//
// Binary cross-entropy on logits (torch's binary_cross_entropy_with_logits), what a cross-encoder learns from judged pairs.
// L starts at ln 2 = 0.693 for logits near 0 (with w: (negatives + w · positives)/P · ln 2). With k negatives a positive,
// w = k balances them. log(1 + e⁻ˣ) is softplus(x) − x, which does not overflow.
import type { Tensor } from "../../engine/graph.ts";
import { softplus } from "../../engine/ops/activations.ts";
import { add, multiply, scaleBy, subtract } from "../../engine/ops/elementwise.ts";
import { rowMean } from "./row-mean.ts";

export interface BceOptions {
  readonly posWeight?: number; // 1
  readonly shares?: Tensor; // f32 [P, 1], row-mean.ts
}

/** logits, labels f32 [P, 1] → scalar. */
export function bceLoss(logits: Tensor, labels: Tensor, { posWeight = 1, shares }: BceOptions = {}): Tensor {
  const { graph } = logits;
  const away = subtract(softplus(logits), logits); // log(1 + e⁻ˣ)
  const weights = add(scaleBy(labels, posWeight - 1), graph.constant(1));
  const against = subtract(logits, multiply(logits, labels)); // (1 − y)·x
  return rowMean(add(against, multiply(away, weights)), shares);
}
