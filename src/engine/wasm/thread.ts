/** What a helper thread of the CPU backend is started with; all of it can be posted to a worker. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory; // shared
  readonly control: number; // address of the control block
  readonly helper: number; // from 0
}

/**
 * The control block in 32-bit words: what `serveThread` and the backend agree on. From `job` on, 16 words for each
 * helper: layout (0 NT, 1 NN, 2 TN, 3 TT), then the arguments of the matmul kernels.
 */
export const CONTROL = { generation: 0, pending: 1, stop: 2, ready: 3, job: 16, jobWords: 16 } as const;

/**
 * The whole life of a helper: blocks the calling worker and computes its part of every large product, until the backend
 * is disposed of. It spins for a moment after a product, for the next is near, and then sleeps. A worker entry calls it
 * with what it was posted, and closes itself afterwards. Uses nothing outside itself, so that Node can start it from its
 * text.
 */
export function serveThread({ module, memory, control, helper }: ThreadStart): void {
  const [generation, pending, stop, ready, job, jobWords, spins] = [0, 1, 2, 3, 16, 16, 2000];
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const layouts = ["matmulNT", "matmulNN", "matmulTN", "matmulTT"].map(
    (name) => exports[name] as (...values: number[]) => void,
  );
  const words = new Int32Array(memory.buffer, control, job + jobWords * (helper + 1));
  const own = words.subarray(job + jobWords * helper);
  let seen = Atomics.load(words, generation);
  Atomics.add(words, ready, 1);
  for (;;) {
    for (let spin = 0; spin < spins && Atomics.load(words, generation) === seen; spin++);
    Atomics.wait(words, generation, seen);
    if (Atomics.load(words, stop) === 1) return;
    if (Atomics.load(words, generation) === seen) continue; // woken for nothing
    seen = Atomics.load(words, generation);
    layouts[own[0]!]!(...own.subarray(1, 12));
    if (Atomics.sub(words, pending, 1) === 1) Atomics.notify(words, pending);
  }
}
