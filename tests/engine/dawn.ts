import type { Backend } from "../../src/engine/backend.ts";
import { openWebGpu, type WebGpuOptions } from "../../src/engine/backends/webgpu.ts";

let gpu: GPU | undefined; // Dawn lives as long as this object is referenced

/** Dawn's WebGPU in Node. No adapter is a failure of the machine, never a reason to skip. */
export async function dawn(): Promise<GPU> {
  if (gpu) return gpu;
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  gpu = create([]);
  return gpu;
}

export async function openDawn(options: WebGpuOptions = {}): Promise<Backend> {
  return await openWebGpu(await dawn(), options);
}
