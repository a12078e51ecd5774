//   L = (1/B) Σᵢ max( δ(q[i], p[i]) − δ(q[i], n[i]) + margin, 0 )          δ = ‖a − b‖, or 1 − cos(a, b)
//
// Schroff et al. 2015, Hermans et al. 2017; sentence-transformers' TripletLoss (Euclid, margin 5). Unit vectors lie at most 2
// apart, so with its default margin every triplet counts and L starts near 5; a margin below 2 lets learnt ones rest. The
// classic mistake: the root has no slope at 0; here the length is √(‖a − b‖² + 10⁻¹²).
import type { Tensor } from "../../engine/graph.ts";
import { relu, sqrt } from "../../engine/ops/activations.ts";
import { add, multiply, scaleBy, subtract } from "../../engine/ops/elementwise.ts";
import { rowSums } from "../../engine/ops/reductions.ts";
import { l2Normalize } from "../../engine/ops/rows.ts";
import { rowMean } from "./row-mean.ts";

export interface TripletOptions {
  readonly distance?: "euclidean" | "cosine"; // euclidean
  readonly margin?: number; // 5
  readonly shares?: Tensor; // [B, 1], row-mean.ts
}

/** queries, positives, negatives [B, W] → scalar. */
export function tripletLoss(
  queries: Tensor,
  positives: Tensor,
  negatives: Tensor,
  { distance = "euclidean", margin = 5, shares }: TripletOptions = {},
): Tensor {
  const between = distance === "euclidean" ? euclideanDistance : cosineDistance;
  const excess = subtract(between(queries, positives), between(queries, negatives));
  return rowMean(relu(add(excess, queries.graph.constant(margin))), shares);
}

/** ‖a[i] − b[i]‖, [B, 1] */
function euclideanDistance(a: Tensor, b: Tensor): Tensor {
  const difference = subtract(a, b);
  return sqrt(add(rowSums(multiply(difference, difference)), a.graph.constant(1e-12)));
}

/** −cos(a[i], b[i]), [B, 1]: the 1 of 1 − cos cancels in the difference of two. */
function cosineDistance(a: Tensor, b: Tensor): Tensor {
  return scaleBy(rowSums(multiply(l2Normalize(a), l2Normalize(b))), -1);
}
