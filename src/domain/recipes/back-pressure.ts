import type { Backend } from "../../engine/backend.ts";

/** How a run is pulled. */
export interface PullOptions {
  /** A step number whose multiples are always yielded, for checkpoints at step_100, step_200, … */
  readonly yieldAt?: number;
}

/**
 * Steps after which a run waits for its losses and yields: every step where computing happens in this thread, every tenth
 * on a GPU, where each wait costs a round trip. A run stops, pauses and saves there; results do not depend on it.
 */
export interface Rhythm {
  readonly atOnce: number;
  readonly yieldAt: number;
}

export function rhythmOf(backend: Backend, { yieldAt = Infinity }: PullOptions): Rhythm {
  return { atOnce: backend.kind === "webgpu" && !backend.software ? 10 : 1, yieldAt };
}

/** The step to yield at next when `taken` are done and a stretch ends at `end`. */
export function nextYield(taken: number, end: number, { atOnce, yieldAt }: Rhythm): number {
  const multiple = (of: number): number =>
    Number.isFinite(of) ? (Math.floor(taken / of) + 1) * of : Infinity;
  return Math.min(end, multiple(atOnce), multiple(yieldAt));
}
