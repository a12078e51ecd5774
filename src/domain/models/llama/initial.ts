// Fresh weights of a small decoder, as the nano base is trained from: normal with standard deviation D^-½, embeddings too; the two
// projections that write into the residual stream (o, down) smaller by √(2·layers) (GPT-2's scheme); norms 1, biases 0.
import type { TensorData, Weights } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";
import type { LlamaConfig } from "./config.ts";
import { llamaShapes } from "./names.ts";

const INITIAL_STREAM = 29; // of the run's generator
const RESIDUAL = /\.(?:o_proj|down_proj)\.weight$/;

/** All tensors of a decoder that has learnt nothing. Equal seeds give equal weights. */
export function initialDecoder(config: LlamaConfig, seed: number): Weights {
  const random = CounterRandom.stream(seed, INITIAL_STREAM);
  const weights = new Map<string, TensorData>();
  for (const [name, shape] of llamaShapes(config)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const deviation =
      (RESIDUAL.test(name) ? 1 / Math.sqrt(2 * config.layers) : 1) / Math.sqrt(config.hiddenSize);
    if (shape.length === 2)
      for (let index = 0; index < values.length; index++) values[index] = deviation * normal(random);
    else if (!name.endsWith(".bias")) values.fill(1);
    weights.set(name, { shape, values });
  }
  return weights;
}

/** Box and Muller's transform of two uniform numbers. */
function normal(random: CounterRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}
