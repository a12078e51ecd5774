import threadAddress from "../../../workers/cpu-thread.worker.ts?worker&url";
import relaxedAddress from "../../engine/wasm/build/relaxed.wasm?url";
import relaxedThreadsAddress from "../../engine/wasm/build/relaxed-threads.wasm?url";
import simdAddress from "../../engine/wasm/build/simd.wasm?url";
import simdThreadsAddress from "../../engine/wasm/build/simd-threads.wasm?url";
import type { Backend } from "../../engine/backend.ts";
import { openCpu } from "../../engine/backends/cpu.ts";
import type { CpuThreads } from "../../engine/backends/cpu-threads.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { WasmBuild, WasmBytes } from "../../engine/wasm/kernels.ts";

const MOST_THREADS = 4;

/** The CPU backend of this browser, with helper threads where the page is isolated; `build` is a saved run's. */
export async function openWasm(build: WasmBuild | undefined): Promise<Backend> {
  const threads = crossOriginIsolated ? helperThreads() : undefined;
  const options = { ...(build === undefined ? {} : { build }), ...(threads ? { threads } : {}) };
  return openCpu(await kernelBytes(threads !== undefined), options);
}

async function kernelBytes(threaded: boolean): Promise<WasmBytes> {
  const pair = async (simd: string, relaxed: string) => ({
    simd: await fetchBytes(simd),
    relaxed: await fetchBytes(relaxed),
  });
  const single = await pair(simdAddress, relaxedAddress);
  return threaded ? { ...single, threaded: await pair(simdThreadsAddress, relaxedThreadsAddress) } : single;
}

async function fetchBytes(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (response.ok) return response.arrayBuffer();
  throw new RetuneError(
    "network",
    `The kernels (${address}) could not be loaded: ${response.status}. Reload.`,
  );
}

function helperThreads(): CpuThreads {
  return {
    count: Math.min(MOST_THREADS, navigator.hardwareConcurrency),
    start(start) {
      new Worker(threadAddress, { type: "module" }).postMessage(start);
    },
  };
}
