// One training step of bge-small's transformer layers, equal for every program: hidden states are given, the word table
// stays outside, because tfjs' wasm backend has no gradient of a gather (no UnsortedSegmentSum).
import { normalValues } from "./data.mjs";

export const WIDTH = 384;
export const HEADS = 12;
export const INNER = 1536;
export const SEQUENCES = 20; // 10 questions, then their 10 passages
export const LENGTH = 64; // tokens of each: nobody pads
export const ROWS = SEQUENCES * LENGTH;
export const EPSILON = 1e-12;
export const SCALE = 20;
export const LEARNING_RATE = 1e-4;
export const WEIGHT_DECAY = 0.01;

/** Names and shapes of what trains: the embeddings' layer norm, then 16 tensors a layer; matrices are [out, in]. */
export function shapesOf(layers) {
  const shapes = [
    ["embeddings.LayerNorm.weight", [WIDTH]],
    ["embeddings.LayerNorm.bias", [WIDTH]],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, out, inputs) => {
      const size = inputs ? [out, inputs] : [out];
      shapes.push(
        [`encoder.layer.${layer}.${name}.weight`, size],
        [`encoder.layer.${layer}.${name}.bias`, [out]],
      );
    };
    for (const name of ["query", "key", "value"]) add(`attention.self.${name}`, WIDTH, WIDTH);
    add("attention.output.dense", WIDTH, WIDTH);
    add("attention.output.LayerNorm", WIDTH);
    add("intermediate.dense", INNER, WIDTH);
    add("output.dense", WIDTH, INNER);
    add("output.LayerNorm", WIDTH);
  }
  return shapes;
}

/** Initial values of a tensor, as BERT starts: deviation 0.02, biases 0, norms 1. */
export function initialValues([name, shape], index) {
  const size = shape.reduce((product, length) => product * length, 1);
  if (name.endsWith("LayerNorm.weight")) return new Float32Array(size).fill(1);
  return name.endsWith(".bias") ? new Float32Array(size) : normalValues(size, 0.02, 100 + index);
}

/** What stands for the sum of the embeddings: [ROWS, WIDTH]. A passage's rows are near those of its question. */
export function hiddenStates() {
  const [own, noise] = [normalValues(ROWS * WIDTH, 1, 7), normalValues(ROWS * WIDTH, 1, 8)];
  const half = (ROWS * WIDTH) / 2;
  return own.map((value, at) => (at < half ? value : 0.3 * own[at - half] + noise[at]));
}

/** FLOPs of a step's products and attention: forward, and twice as much backward. */
export function flopsOf(layers) {
  const products = 2 * ROWS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER);
  const attention = 4 * ROWS * LENGTH * WIDTH;
  return 3 * layers * (products + attention);
}
