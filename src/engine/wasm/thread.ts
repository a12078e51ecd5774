/** What a helper thread of the CPU backend is started with; all of it can be posted to a worker. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory; // shared
  readonly control: number; // address of the control block
  readonly helper: number; // from 1; 0 is the calling thread
  readonly kernels: readonly string[]; // by the number that calls name them with
}

/**
 * The control block in 32-bit words: what `serveThread` and the backend agree on. The calls of the launch in progress
 * stand from `calls` on (within the block, so that helpers need no view of memory that grew); whoever takes `next` down by one from v > 0 computes call v − 1, and then takes `pending` down.
 * Since `pending` reaches 0 only when every call is done, the list cannot change under a thread that has taken one.
 */
export const CONTROL = {
  generation: 0, // counts launches; helpers sleep on it
  pending: 1,
  stop: 2,
  next: 3,
  workspace: 4, // address of thread 0's
  workspaceBytes: 5, // from one thread's to the next
  failed: 6, // a helper's kernel trapped
  ready: 7, // helpers that are up
  calls: 16,
} as const;

/** A call: float64 words, the kernel's number, how many values, the values. */
export const CALL_WORDS = 24;
export const MOST_CALLS = 256;
export const CONTROL_WORDS = CONTROL.calls + 2 * CALL_WORDS * MOST_CALLS;

/**
 * The whole life of a helper: blocks the calling worker and computes calls of every large launch, until the backend is
 * disposed of. It spins for a moment after a launch, for the next is near, and then sleeps. A worker entry calls it
 * with what it was posted, and closes itself afterwards. Uses nothing outside itself, so that Node can start it from its
 * text.
 */
export function serveThread({ module, memory, control, helper, kernels }: ThreadStart): void {
  const [generation, pending, stop, next, workspace, workspaceBytes, failed, ready] = [
    0, 1, 2, 3, 4, 5, 6, 7,
  ];
  const [firstCall, callWords, mostCalls, spins] = [8, 24, 256, 2000];
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const run = kernels.map((name) => exports[name] as (...values: number[]) => void);
  const words = new Int32Array(memory.buffer, control, 16);
  const calls = new Float64Array(memory.buffer, control, firstCall + callWords * mostCalls);
  const compute = (index: number): void => {
    const at = firstCall + index * callWords;
    const scratch = (words[workspace]! >>> 0) + helper * (words[workspaceBytes]! >>> 0);
    try {
      run[calls[at]!]!(...calls.subarray(at + 2, at + 2 + calls[at + 1]!), scratch);
    } catch {
      Atomics.store(words, failed, 1);
    }
    if (Atomics.sub(words, pending, 1) === 1) Atomics.notify(words, pending);
  };
  Atomics.add(words, ready, 1);
  for (let idle = 0; Atomics.load(words, stop) === 0;) {
    const seen = Atomics.load(words, generation);
    const ticket = Atomics.load(words, next) > 0 ? Atomics.sub(words, next, 1) : 0;
    if (ticket > 0) {
      compute(ticket - 1);
      idle = 0;
    } else if (++idle > spins) {
      Atomics.wait(words, generation, seen);
      idle = 0;
    }
  }
}
