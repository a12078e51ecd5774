import { Worker } from "node:worker_threads";
import type { CpuThreads } from "../../src/engine/backends/cpu-threads.ts";
import { serveThread } from "../../src/engine/wasm/thread.ts";

/** Helper threads for the CPU backend in Node; they do not keep the process alive. */
export function nodeThreads(count: number): CpuThreads {
  // As text, because the program is one bundle and has no file for a worker to load.
  const source = `(${serveThread.toString()})(require("node:worker_threads").workerData)`;
  return { count, start: (start) => new Worker(source, { eval: true, workerData: start }).unref() };
}
