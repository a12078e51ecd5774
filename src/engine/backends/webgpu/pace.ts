import type { LaunchCode } from "./code.ts";

/** A submit holds at most this much work: longer ones make a desktop stutter, and drivers kill what takes seconds. */
export const SUBMIT_MS = 50;
const OFF = 1.5; // how far the pace may be off before a step is cut anew
const MEMORY_BOUND = 32; // FLOPs of a product in the time that other kernels take for one of theirs, about

/** What a dispatch costs, in FLOPs of a product. */
export function costOf({ kernel, flops }: Pick<LaunchCode, "kernel" | "flops">): number {
  return /^(matmul|attention)/.test(kernel) ? flops : flops * MEMORY_BOUND;
}

/** Cuts dispatches of these costs into submits of at most `budget`, a dispatch at least: [first, end) of each. */
export function cutsOf(costs: readonly number[], budget: number): [number, number][] {
  const cuts: [number, number][] = [];
  let first = 0;
  let sum = 0;
  costs.forEach((cost, index) => {
    if (index > first && sum + cost > budget) {
      cuts.push([first, index]);
      first = index;
      sum = 0;
    }
    sum += cost;
  });
  return [...cuts, [first, costs.length]];
}

/**
 * How a step is cut into submits: by an estimate first, then by what steps were seen to take on this device. A step
 * that fits is one submit. Where it is cut has no influence on its results.
 */
export class Pace {
  readonly #costs: readonly number[];
  readonly #total: number;
  readonly #submitMs: number;
  #costPerMs: number;
  #cuts: readonly (readonly [number, number])[];
  #doneAt = 0; // when the device had finished all it was known to have finished

  constructor(costs: readonly number[], costPerMs: number, submitMs = SUBMIT_MS) {
    this.#costs = costs;
    this.#total = costs.reduce((sum, cost) => sum + cost, 0);
    this.#submitMs = submitMs;
    this.#costPerMs = costPerMs;
    this.#cuts = cutsOf(costs, costPerMs * submitMs);
  }

  /** The submits of the next step. */
  get cuts(): readonly (readonly [number, number])[] {
    return this.#cuts;
  }

  /** Milliseconds that the device worked on a submit: it began when it was given or when the one before was done. */
  done(submittedAt: number, now: number): number {
    const ms = now - Math.max(this.#doneAt, submittedAt);
    this.#doneAt = now;
    return ms;
  }

  /** A whole step took so long. */
  measured(ms: number): void {
    const costPerMs = this.#total / Math.max(ms, 0.1);
    const ratio = costPerMs / this.#costPerMs;
    if (ratio < OFF && ratio > 1 / OFF) return;
    this.#costPerMs = costPerMs;
    this.#cuts = cutsOf(this.#costs, costPerMs * this.#submitMs);
  }
}
