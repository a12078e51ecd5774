import type { Tensor } from "../graph.ts";

/**
 * torch.nn.utils.clip_grad_norm_: norm = √ Σ‖g‖² over all gradients; g · min(1, maxNorm / (norm + 1e-6)).
 * The norm [] is the one before clipping. Given to `adamw`, clipping costs no launch of its own.
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
): { readonly gradients: readonly Tensor[]; readonly norm: Tensor } {
  const { graph } = gradients[0]!;
  const norm = graph.add({ kind: "globalNorm" }, gradients, [], undefined);
  const clipped = gradients.map((gradient) =>
    graph.add({ kind: "clip", maxNorm }, [gradient, norm], gradient.shape, undefined),
  );
  return { gradients: clipped, norm };
}
