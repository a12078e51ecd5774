import type { Tensor } from "../../engine/graph.ts";
import { multiply } from "../../engine/ops/elementwise.ts";
import { mean, sum } from "../../engine/ops/reductions.ts";

/**
 * The mean of row losses [B, 1] (or [B, K]); with `shares` of the same shape their weighted sum: 1/b for the b rows of a
 * batch that is shorter than what was compiled, 0 for the rest.
 */
export function rowMean(losses: Tensor, shares?: Tensor): Tensor {
  return shares ? sum(multiply(losses, shares)) : mean(losses);
}
