import type { Tensor } from "../../../engine/graph.ts";
import { dropout } from "../../../engine/ops/dropout.ts";
import { randomBits } from "../../../engine/random.ts";

/** Dropout of one training run: equal seed and counter drop the same values, on every backend and after a resume. */
export interface DropoutSource {
  readonly seed: number; // u32, of the run
  readonly counter: Tensor; // u32 [1], fed at every run: the step
}

/** A place of its own for every dropout of a model. */
export const PLACE = {
  embeddings: 0,
  classifier: 1,
  attention: (layer: number): number => 16 + 16 * layer,
  attentionOutput: (layer: number): number => 17 + 16 * layer,
  output: (layer: number): number => 18 + 16 * layer,
  lora: (layer: number, linear: number): number => 20 + 16 * layer + linear,
} as const;

export function placeSeed(source: DropoutSource, place: number): number {
  return randomBits(source.seed >>> 0, place, 0x64726f70);
}

/** x with values dropped at `rate`, or x itself where nothing drops (no source: inference, or rate 0). */
export function dropped(x: Tensor, rate: number, source: DropoutSource | undefined, place: number): Tensor {
  if (!source || rate === 0) return x;
  return dropout(x, { rate, seed: placeSeed(source, place), counter: source.counter });
}
