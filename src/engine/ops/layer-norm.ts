// Layer normalisation (Ba, Kiros & Hinton 2016; torch.nn.LayerNorm), over the columns of each row:
//   x̂ = (x − mean) / √(variance + ε),  y = x̂·γ + β        the variance is the biased one, Σ(x − mean)²/C
//   dX = (g − mean(g) − x̂·mean(g·x̂)) / √(variance + ε),  g = dY·γ;   dγ = Σ_rows dY·x̂;   dβ = Σ_rows dY
// Nothing is kept for the gradient but x itself: mean and variance are computed again.
import { RetuneError } from "../errors.ts";
import { showShape, type Tensor } from "../graph.ts";
import { columnSums } from "./reductions.ts";

export interface LayerNormOptions {
  readonly epsilon: number; // BERT's is 1e-12, torch's default 1e-5
}

/** x [R, C], gamma [C], beta [C] → [R, C]. Throws "shape" unless they fit. */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, { epsilon }: LayerNormOptions): Tensor {
  const columns = x.shape[1];
  const fits = [gamma, beta].every((tensor) => tensor.shape.length === 1 && tensor.shape[0] === columns);
  if (x.shape.length !== 2 || !fits || [x, gamma, beta].some(({ dtype }) => dtype !== "f32")) {
    const got = [x, gamma, beta].map(({ shape }) => showShape(shape)).join(", ");
    throw new RetuneError("shape", `layerNorm: expected x [R, C], gamma [C] and beta [C], got ${got}`);
  }
  const { graph } = x;
  const centred = true;
  return graph.add({ kind: "layerNorm", epsilon, centred }, [x, gamma, beta], x.shape, (upstream) => [
    graph.add({ kind: "layerNormGradient", epsilon, centred }, [upstream, x, gamma], x.shape, undefined),
    graph.add({ kind: "layerNormGamma", epsilon, centred }, [upstream, x], gamma.shape, undefined),
    columnSums(upstream),
  ]);
}
