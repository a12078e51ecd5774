//   L = log( 1 + Σ_{(i, j): y[i] < y[j]} exp( scale · (cos[i] − cos[j]) ) )          cos[i] = cos(a[i], b[i]), n pairs
//
// CoSENT (Su 2022; Huang et al. 2024), sentence-transformers' CoSENTLoss (scale 20): pairs with the higher label should have
// the higher cosine, whatever the labels' unit. L is log(1 + number of ordered pairs of labels) for vectors that cannot tell
// pairs apart, and 0, without a slope, where all labels are equal: the classic mistake is to train it on positives alone.
// The sum is taken as it stands: cosines differ by at most 2, so with scale ≤ 40 no term passes e⁸⁰.
import { RetuneError } from "../../engine/errors.ts";
import { showShape, type Tensor } from "../../engine/graph.ts";
import { exp, log } from "../../engine/ops/activations.ts";
import { add, multiply, scaleBy, subtract } from "../../engine/ops/elementwise.ts";
import { columnSums, repeat, rowSums, sum } from "../../engine/ops/reductions.ts";
import { l2Normalize } from "../../engine/ops/rows.ts";

const LARGEST_SCALE = 40;

export interface CosentOptions {
  readonly scale: number;
  readonly lower: Tensor; // f32 [n, n]: 1 where label i < label j, else 0
  readonly identity: Tensor; // f32 [n, n]: 1 on the diagonal
}

/** first, second [n, W] → scalar. Throws "usage" for a scale above 40. */
export function cosentLoss(first: Tensor, second: Tensor, { scale, lower, identity }: CosentOptions): Tensor {
  if (scale > LARGEST_SCALE) {
    throw new RetuneError("usage", `cosent: scale ${scale} is above ${LARGEST_SCALE}; 20 is usual`);
  }
  const pairs = first.shape[0]!;
  if (lower.shape.join() !== `${pairs},${pairs}`) {
    throw new RetuneError(
      "shape",
      `cosent: expected labels compared as [${pairs}, ${pairs}], got ${showShape(lower.shape)}`,
    );
  }
  const scores = scaleBy(rowSums(multiply(l2Normalize(first), l2Normalize(second))), scale); // [n, 1]
  const down = repeat(scores, [pairs, pairs]); // row i holds score i
  const across = columnSums(multiply(down, identity)); // [n]: column j has score j
  const terms = multiply(exp(multiply(subtract(down, across), lower)), lower);
  return log(add(sum(terms), first.graph.constant(1)));
}

/** Feeds of `lower` and `identity` for labels [n]; NaN marks a pair that takes no part. */
export function comparedLabels(labels: readonly number[]): {
  readonly lower: Float32Array;
  readonly identity: Float32Array;
} {
  const n = labels.length;
  const lower = new Float32Array(n * n);
  const identity = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    identity[i * n + i] = 1;
    for (let j = 0; j < n; j++) if (labels[i]! < labels[j]!) lower[i * n + j] = 1;
  }
  return { lower, identity };
}
