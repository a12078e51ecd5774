// Root-mean-square normalisation (Zhang & Sennrich 2019; transformers' LlamaRMSNorm), over stretches of C columns:
//   x̂ = x / √(Σ x²/C + ε),  y = x̂·γ
//   dX = (g − x̂·mean(g·x̂)) / √(Σ x²/C + ε),  g = dY·γ;   dγ = Σ dY·x̂
// The launches of layer normalisation without centring. One stretch a row is the norm of a layer; several, the norm of
// each head (Qwen3's q_norm and k_norm) without reshaping.
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";

export interface RmsNormOptions {
  readonly epsilon: number;
}

/** x [R, H·C], gamma [C] → [R, H·C]; H is 1 for the norm of whole rows. Throws "shape" unless C divides x's width. */
export function rmsNorm(x: Tensor, gamma: Tensor, { epsilon }: RmsNormOptions): Tensor {
  const [width, size] = [x.shape[1], gamma.shape[0]];
  const matrices =
    x.shape.length === 2 && gamma.shape.length === 1 && x.dtype === "f32" && gamma.dtype === "f32";
  if (!matrices || width! % size! !== 0) {
    const got = `${x.dtype} ${showShape(x.shape)} and ${gamma.dtype} ${showShape(gamma.shape)}`;
    throw new RetuneError("shape", `rmsNorm: expected x [R, H·C] and gamma [C], got ${got}`);
  }
  const { graph } = x;
  const centred = false;
  return graph.add({ kind: "layerNorm", epsilon, centred }, [x, gamma], x.shape, (upstream) => [
    graph.add({ kind: "layerNormGradient", epsilon, centred }, [upstream, x, gamma], x.shape, undefined),
    graph.add({ kind: "layerNormGamma", epsilon, centred }, [upstream, x], gamma.shape, undefined),
  ]);
}
