import { RetuneError } from "../errors.ts";
import { elementCount, showShape, type Tensor } from "../graph.ts";

export interface DropoutOptions {
  readonly rate: number; // share of values set to 0; 0 ≤ rate < 1
  readonly seed: number; // u32; give every dropout of a model its own
  readonly counter: Tensor; // u32 [1], fed at every run: the step. Equal counters drop the same values.
}

/**
 * y = x / (1 − rate) where the generator keeps, else 0. What is kept depends on (element, counter, seed) alone, so it
 * is the same on every backend and again after a resume (`random.ts`). dX = the same choice applied to dY.
 */
export function dropout(x: Tensor, { rate, seed, counter }: DropoutOptions): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RetuneError("shape", `dropout: expected 0 ≤ rate < 1, got ${rate}`);
  }
  if (counter.dtype !== "u32" || elementCount(counter.shape) !== 1) {
    const got = `${counter.dtype} ${showShape(counter.shape)}`;
    throw new RetuneError("shape", `dropout: expected a counter u32 [1], fed at every run, got ${got}`);
  }
  if (rate === 0) return x;
  const derivative = (upstream: Tensor) => [dropout(upstream, { rate, seed, counter }), undefined];
  return x.graph.add({ kind: "dropout", rate, seed: seed >>> 0 }, [x, counter], x.shape, derivative);
}
