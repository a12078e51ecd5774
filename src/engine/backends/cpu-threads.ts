/**
 * Calls of one launch on several threads: each takes the next call when it is done with one, the calling thread too, so
 * that a slow or missing helper costs nothing but its speed. What a call computes does not depend on who computes it.
 */
import { RetuneError } from "../errors.ts";
import type { Kernels, PartCall, PartKernels } from "../wasm/kernels.ts";
import { CALL_WORDS, CONTROL, CONTROL_WORDS, MOST_CALLS, type ThreadStart } from "../wasm/thread.ts";
import type { CpuMemory } from "./cpu-memory.ts";
import { kernelOf, singleRunner, type TaskRunner, type Workspace } from "./cpu-tasks.ts";

const SPINS = 20_000;
const LONGEST_SLEEP_MS = 5;

/** Helper threads of the CPU backend; the caller knows how workers are started where it runs. */
export interface CpuThreads {
  readonly count: number; // threads in all, the calling one included
  /** Starts a worker that calls `serveThread(start)`. One that never comes up costs nothing but its speed. */
  readonly start: (start: ThreadStart) => void;
}

/** Launches of several calls on all threads, those of one call in the calling thread. */
export function threadedRunner(
  kernels: Kernels,
  module: WebAssembly.Module,
  memory: CpuMemory,
  { count, start }: CpuThreads,
): TaskRunner {
  const control = memory.allocate(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT);
  const block = new Int32Array(memory.memory.buffer, control, CONTROL_WORDS);
  const names = partKernelNames(kernels);
  for (let helper = 1; helper < count; helper++)
    start({ module, memory: memory.memory, control, helper, kernels: names });
  const alone = singleRunner(kernels);
  return {
    threads: count,
    bind: (calls, workspace) => {
      if (calls.length < 2) return alone.bind(calls, workspace);
      const rounds = Array.from({ length: Math.ceil(calls.length / MOST_CALLS) }, (_, round) => {
        const some = calls.slice(round * MOST_CALLS, (round + 1) * MOST_CALLS);
        const bound = some.map(({ kernel, values }) => ({ run: kernelOf(kernels, kernel), values }));
        return { bound, encoded: encodeCalls(some, names) };
      });
      return () => {
        for (const { bound, encoded } of rounds) {
          const space = workspace();
          publish(block, encoded, space, bound.length);
          for (let index = takeNext(block); index >= 0; index = takeNext(block)) {
            const { run, values } = bound[index]!;
            run(...values, space.at);
            Atomics.sub(block, CONTROL.pending, 1);
          }
          awaitOthers(block);
        }
      };
    },
    dispose: () => {
      Atomics.store(block, CONTROL.stop, 1);
      wake(block);
    },
  };
}

function partKernelNames(kernels: Kernels): readonly (keyof PartKernels)[] {
  return Object.keys(kernels)
    .filter((name) => typeof kernels[name as keyof Kernels] === "function")
    .sort() as (keyof PartKernels)[];
}

/** As words of the control block, for which two make a float64. */
function encodeCalls(calls: readonly PartCall[], names: readonly string[]): Int32Array {
  const words = new Float64Array(calls.length * CALL_WORDS);
  calls.forEach(({ kernel, values }, index) => {
    words.set([names.indexOf(kernel), values.length, ...values], index * CALL_WORDS);
  });
  return new Int32Array(words.buffer);
}

function publish(block: Int32Array, calls: Int32Array, { at, bytes }: Workspace, count: number): void {
  block.set(calls, CONTROL.calls);
  block[CONTROL.workspace] = at;
  block[CONTROL.workspaceBytes] = bytes;
  Atomics.store(block, CONTROL.pending, count);
  Atomics.store(block, CONTROL.next, count);
  wake(block);
}

/** The number of a call that is now this thread's, or −1. */
function takeNext(block: Int32Array): number {
  return Atomics.load(block, CONTROL.next) > 0 ? Atomics.sub(block, CONTROL.next, 1) - 1 : -1;
}

/** Spins for a moment, then sleeps where this thread may (anywhere but a page's main thread). */
function awaitOthers(block: Int32Array): void {
  let mustSpin = false;
  for (let spins = 0; ; spins++) {
    const pending = Atomics.load(block, CONTROL.pending);
    if (pending === 0) break;
    if (spins < SPINS || mustSpin) continue;
    try {
      Atomics.wait(block, CONTROL.pending, pending, LONGEST_SLEEP_MS);
    } catch {
      mustSpin = true; // refused: spin on
    }
  }
  if (Atomics.load(block, CONTROL.failed) === 1) {
    throw new RetuneError(
      "device-lost",
      "CPU backend: a helper thread's kernel stopped; open the backend anew",
    );
  }
}

function wake(block: Int32Array): void {
  Atomics.add(block, CONTROL.generation, 1);
  Atomics.notify(block, CONTROL.generation);
}
