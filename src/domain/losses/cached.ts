//   dL/dθ = Σ_m d⟨E_m(θ), G_m⟩/dθ          E = (E₁ … E_M): vectors of the mini-batches,  G_m = dL/dE_m
//
// GradCache (Gao et al. 2021), sentence-transformers' CachedMultipleNegativesRankingLoss: vectors of a large batch are made
// mini-batch by mini-batch without a graph, the loss and its gradient G are computed over all of them at once, then each
// mini-batch runs again, with the same dropout, towards the surrogate ⟨E_m, G_m⟩, and gradients are added up. The gradient is
// that of the large batch, exactly; memory is that of one mini-batch plus the vectors. The value of the surrogate means
// nothing. The classic mistake: another dropout in the second pass.
import type { Tensor } from "../../engine/graph.ts";
import { multiply } from "../../engine/ops/elementwise.ts";
import { sum } from "../../engine/ops/reductions.ts";

/** embeddings [S, W] of one mini-batch, gradients [S, W] of the whole loss towards them → scalar. */
export function cachedSurrogate(embeddings: Tensor, gradients: Tensor): Tensor {
  return sum(multiply(embeddings, gradients));
}
