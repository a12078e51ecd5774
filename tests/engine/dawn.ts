import type { Backend } from "../../src/engine/backend.ts";
import { openWebGpu, type WebGpuOptions } from "../../src/engine/backends/webgpu.ts";

let gpu: Promise<GPU> | undefined; // Dawn lives as long as its one object is referenced, and crashes once it is not

/** Dawn's WebGPU in Node. No adapter is a failure of the machine, never a reason to skip. */
export function dawn(): Promise<GPU> {
  gpu ??= load();
  return gpu;
}

async function load(): Promise<GPU> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  return create([]);
}

export async function openDawn(options: WebGpuOptions = {}): Promise<Backend> {
  return await openWebGpu(await dawn(), options);
}
