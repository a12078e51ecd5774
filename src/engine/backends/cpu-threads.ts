/**
 * One matrix product on several threads: columns of the result are split where there are at least 16 a thread, else
 * rows; never K. Every output is summed as it would be alone, so the bits do not depend on the number of threads. The
 * calling thread computes the first part and waits for the others. As long as not all helpers are up it computes alone.
 */
import type { MatmulLaunch } from "../plan.ts";
import type { Kernels } from "../wasm/kernels.ts";
import { CONTROL, type ThreadStart } from "../wasm/thread.ts";
import type { Multiply } from "./cpu-launches.ts";
import type { CpuMemory } from "./cpu-memory.ts";

/** Below this, waking helpers costs more than they give. */
const SMALLEST_FLOPS = 1e7;
const NARROWEST = 16; // columns for each thread
const SPINS = 20_000;
const LONGEST_SLEEP_MS = 5;
const GRAIN = 8; // parts are multiples of a panel
const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const LAYOUT_CODES = { NT: 0, NN: 1, TN: 2, TT: 3 } as const;

/** Helper threads of the CPU backend; the caller knows how workers are started where it runs. */
export interface CpuThreads {
  readonly count: number; // threads in all, the calling one included
  /** Starts a worker that calls `serveThread(start)`. One that never comes up costs nothing but its speed. */
  readonly start: (start: ThreadStart) => void;
}

export interface Multiplier {
  readonly of: (launch: MatmulLaunch) => { multiply: Multiply; workspaceBytes: number };
  readonly dispose: () => void;
}

/** Products in the calling thread. */
export function singleMultiplier(kernels: Kernels): Multiplier {
  const of = (launch: MatmulLaunch) => {
    const kernel = kernels[`matmul${launch.layout}`];
    const multiply: Multiply = ({ m, n, k, strideA, strideB }, a, b, c, strideC, workspace) =>
      kernel(a, strideA, b, strideB, c, strideC, m, n, k, 0, workspace);
    return { multiply, workspaceBytes: workspaceBytes(kernels, launch) };
  };
  return { of, dispose: () => undefined };
}

/** Large products on several threads, small ones in the calling thread. */
export function threadedMultiplier(
  kernels: Kernels,
  module: WebAssembly.Module,
  memory: CpuMemory,
  { count, start }: CpuThreads,
): Multiplier {
  const words = CONTROL.job + CONTROL.jobWords * (count - 1);
  const control = memory.allocate(words * FLOAT);
  const block = new Int32Array(memory.memory.buffer, control, words);
  for (let helper = 0; helper < count - 1; helper++)
    start({ module, memory: memory.memory, control, helper });
  const single = singleMultiplier(kernels);
  const of = (launch: MatmulLaunch) => {
    const alone = single.of(launch);
    if (2 * launch.m * launch.n * launch.k < SMALLEST_FLOPS) return alone;
    const each = alone.workspaceBytes;
    const multiply: Multiply = (sizes, a, b, c, strideC, workspace) => {
      const everyone = Atomics.load(block, CONTROL.ready) === count - 1;
      if (!everyone) return alone.multiply(sizes, a, b, c, strideC, workspace);
      const parts = splitProduct(sizes, a, b, c, strideC, count);
      parts.forEach((part, index) => {
        const values = [LAYOUT_CODES[sizes.layout], ...argumentsOf(part, workspace + index * each)];
        if (index > 0) block.set(values, CONTROL.job + CONTROL.jobWords * (index - 1));
      });
      Atomics.store(block, CONTROL.pending, count - 1);
      wake(block);
      const [own] = parts;
      if (own) kernels[`matmul${sizes.layout}`](...argumentsOf(own, workspace));
      awaitOthers(block);
    };
    return { multiply, workspaceBytes: each * count };
  };
  const dispose = (): void => {
    Atomics.store(block, CONTROL.stop, 1);
    wake(block);
  };
  return { of, dispose };
}

/** Spins for a moment, then sleeps where this thread may (anywhere but a page's main thread). */
function awaitOthers(block: Int32Array): void {
  let mustSpin = false;
  for (let spins = 0; ; spins++) {
    const pending = Atomics.load(block, CONTROL.pending);
    if (pending === 0) return;
    if (spins < SPINS || mustSpin) continue;
    try {
      Atomics.wait(block, CONTROL.pending, pending, LONGEST_SLEEP_MS);
    } catch {
      mustSpin = true; // refused: spin on
    }
  }
}

function wake(block: Int32Array): void {
  Atomics.add(block, CONTROL.generation, 1);
  Atomics.notify(block, CONTROL.generation);
}

interface Part {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly strides: readonly [a: number, b: number, c: number];
  readonly sizes: readonly [m: number, n: number, k: number];
}

/** One part for each thread; the last ones may be empty. */
function splitProduct(
  { layout, m, n, k, strideA, strideB }: MatmulLaunch,
  a: number,
  b: number,
  c: number,
  strideC: number,
  count: number,
): readonly Part[] {
  const byColumns = n >= NARROWEST * count;
  const whole = byColumns ? n : m;
  const share = Math.ceil(whole / count / GRAIN) * GRAIN;
  const stepA = layout.startsWith("N") ? strideA : 1; // from a row of the result to the next
  const stepB = layout.endsWith("N") ? 1 : strideB; // from a column to the next
  return Array.from({ length: count }, (_, index) => {
    const first = Math.min(index * share, whole);
    const size = Math.min(share, whole - first);
    return {
      a: a + (byColumns ? 0 : first * stepA) * FLOAT,
      b: b + (byColumns ? first * stepB : 0) * FLOAT,
      c: c + first * (byColumns ? 1 : strideC) * FLOAT,
      strides: [strideA, strideB, strideC],
      sizes: byColumns ? [m, size, k] : [size, n, k],
    };
  });
}

type MatmulArguments = Parameters<Kernels["matmulNT"]>;

function argumentsOf({ a, b, c, strides, sizes }: Part, workspace: number): MatmulArguments {
  return [a, strides[0], b, strides[1], c, strides[2], ...sizes, 0, workspace];
}

function workspaceBytes(kernels: Kernels, { layout, m, k }: MatmulLaunch): number {
  return Math.ceil(kernels.matmulWorkspaceBytes(layout === "TT" ? m * k : 0) / 64) * 64;
}
