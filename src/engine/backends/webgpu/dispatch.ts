import type { LaunchCode } from "./code.ts";
import type { GpuDevice } from "./device.ts";
import { BUFFER_USAGE } from "./flags.ts";
import { KERNELS, type KernelName } from "./kernel-table.ts";
import type { GpuMemory } from "./memory.ts";

/** A dispatch with everything bound. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly groups: LaunchCode["groups"];
}

/** Records dispatches as one pass. */
export function encode(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
  if (dispatches.length === 0) return;
  const pass = encoder.beginComputePass();
  for (const { pipeline, bindGroup, groups } of dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...groups);
  }
  pass.end();
}

/** Elements that the hungriest launch hands from dispatch to dispatch. */
export function scratchOf(codes: readonly LaunchCode[]): number {
  const sizes = codes.flatMap(({ bindings }) =>
    bindings.map((binding) => (typeof binding === "object" && "scratch" in binding ? binding.scratch : 0)),
  );
  return Math.max(0, ...sizes);
}

export function dispatchOf(
  gpu: GpuDevice,
  memory: GpuMemory,
  code: LaunchCode,
  pipeline: GPUComputePipeline,
  constants: GPUBuffer[],
): Dispatch {
  const settings = { buffer: constantBuffer(gpu, code.settings, constants) };
  const resources = code.bindings.map((binding, index): GPUBufferBinding => {
    if (binding === undefined) return spare(gpu, code.kernel, index + 1);
    if (typeof binding === "number") return memory.binding(binding);
    if ("buffer" in binding && !(binding instanceof Float32Array)) return memory.region(binding);
    if ("scratch" in binding) return memory.scratch(binding.scratch);
    return { buffer: constantBuffer(gpu, binding.buffer as ArrayBuffer, constants) };
  });
  const entries = [settings, ...resources].map((resource, binding) => ({ binding, resource }));
  const bindGroup = gpu.device.createBindGroup({ layout: gpu.layout(code.kernel), entries });
  return { pipeline, bindGroup, groups: code.groups };
}

/** A place of its own for every binding: two writable bindings may not overlap. */
function spare(gpu: GpuDevice, kernel: KernelName, binding: number): GPUBufferBinding {
  const writes = KERNELS[kernel].bindings[binding] === "w";
  return { buffer: writes ? gpu.spareWrite : gpu.spareRead, offset: binding * 256, size: 256 };
}

function constantBuffer(gpu: GpuDevice, data: ArrayBuffer, constants: GPUBuffer[]): GPUBuffer {
  const { uniform, storage, copyTarget } = BUFFER_USAGE;
  const size = Math.max(16, Math.ceil(data.byteLength / 16) * 16);
  const buffer = gpu.device.createBuffer({ size, usage: uniform | storage | copyTarget });
  gpu.device.queue.writeBuffer(buffer, 0, data);
  constants.push(buffer);
  return buffer;
}
