//   L = Σ_m weight[m] · L₀( e[:, :dimension[m]] / ‖e[:, :dimension[m]]‖ )
//
// Kusupati et al. 2022, sentence-transformers' MatryoshkaLoss over any loss L₀: the first coordinates learn to stand alone,
// so that vectors may be cut to save room. L starts near Σ weight · L₀'s first value, the shorter prefixes being worse. The
// classic mistake: leaving the full width out of the list, which is then trained by nothing.
import { RetuneError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/graph.ts";
import { add, scaleBy } from "../../engine/ops/elementwise.ts";
import { l2Normalize } from "../../engine/ops/rows.ts";
import { columns } from "../../engine/ops/slices.ts";

export interface MatryoshkaOptions {
  readonly dimensions: readonly number[];
  readonly weights?: readonly number[]; // one a dimension, default 1
}

/** embeddings [S, W], and what the loss of such embeddings is → scalar. Throws "usage" for impossible dimensions. */
export function matryoshkaLoss(
  embeddings: Tensor,
  lossOf: (embeddings: Tensor) => Tensor,
  { dimensions, weights }: MatryoshkaOptions,
): Tensor {
  checkDimensions(dimensions, weights, embeddings.shape[1]!);
  const parts = dimensions.map((dimension, index) =>
    scaleBy(lossOf(l2Normalize(columns(embeddings, 0, dimension))), weights?.[index] ?? 1),
  );
  return parts.reduce((total, part) => add(total, part));
}

/** Rejects what no vectors of this width can be cut to. */
export function checkDimensions(
  dimensions: readonly number[],
  weights: readonly number[] | undefined,
  width: number,
): void {
  const wrong = dimensions.find((size) => !Number.isInteger(size) || size < 1 || size > width);
  if (dimensions.length === 0 || wrong !== undefined) {
    const got = `[${dimensions.join(", ")}]`;
    throw new RetuneError("usage", `matryoshka: dimensions ${got}; give whole numbers from 1 to ${width}`);
  }
  if (weights && weights.length !== dimensions.length) {
    const got = `${weights.length} weights for ${dimensions.length} dimensions`;
    throw new RetuneError("usage", `matryoshka: ${got}; give one weight a dimension, or none`);
  }
}
