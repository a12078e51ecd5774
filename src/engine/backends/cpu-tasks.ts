/**
 * How a launch is cut into calls of kernels, and who computes them. The cut depends on the launch alone and never splits
 * a sum, so the bits are the same for any number of threads.
 */
import type { Kernels, PartCall, PartKernels } from "../wasm/kernels.ts";

/** Below about this many flops (or 8 times elements touched), waking helpers costs more than they give. */
export const SMALLEST_SHARED_WORK = 1e6;

/** Where calls find their workspace: one range for each thread. */
export interface Workspace {
  readonly at: number;
  readonly bytes: number; // for each thread
}

export interface TaskRunner {
  readonly threads: number;
  /** Everything one launch computes, as a function that is called at every step. */
  readonly bind: (calls: readonly PartCall[], workspace: () => Workspace) => () => void;
  readonly dispose: () => void;
}

type Kernel = (...values: number[]) => void;

export function kernelOf(kernels: Kernels, name: keyof PartKernels): Kernel {
  return (kernels as unknown as Readonly<Record<string, Kernel>>)[name]!;
}

/** All calls in the calling thread, one after the other. */
export function singleRunner(kernels: Kernels): TaskRunner {
  return {
    threads: 1,
    bind: (calls, workspace) => {
      const bound = calls.map(({ kernel, values }) => ({ run: kernelOf(kernels, kernel), values }));
      return () => {
        const { at } = workspace();
        for (const { run, values } of bound) run(...values, at);
      };
    },
    dispose: () => undefined,
  };
}

/** [0, count) in ranges of `grain`, the last one shorter: `count` is what is shared, a row or a column each. */
export function rangesOf(count: number, grain: number): readonly (readonly [from: number, to: number])[] {
  const parts = Math.max(1, Math.ceil(count / grain));
  return Array.from({ length: parts }, (_, index) => [index * grain, Math.min(count, (index + 1) * grain)]);
}

/** The same for work of about `each` flops an item: pieces of about `piece` flops, their sizes multiples of `unit`. */
export function piecesOf(
  count: number,
  each: number,
  unit = 1,
  piece = 4 * SMALLEST_SHARED_WORK,
): readonly (readonly [from: number, to: number])[] {
  return rangesOf(count, Math.max(unit, Math.ceil(piece / Math.max(each, 1) / unit) * unit));
}
