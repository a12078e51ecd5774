import type { Backend } from "../backend.ts";
import { RetuneError } from "../errors.ts";
import { GpuDevice } from "./webgpu/device.ts";
import { GpuExecutable } from "./webgpu/executable.ts";
import { tuneTiles, type TuneResult } from "./webgpu/tune.ts";
import { buildOf, SOFTWARE_TILES, tilesOf } from "./webgpu/tiles.ts";

export interface WebGpuOptions {
  /** A kernel build from a run's record (`Backend.build`): its tiles are taken without a search. */
  readonly tiles?: string;
  readonly watchdogMs?: number; // no progress for this long is a hang; 20 s
  readonly submitMs?: number; // of work in one submit at most; 50
  readonly bindingBytes?: number; // of a storage binding at most, where that is less than the adapter allows
  /** `Backend.halfStorage`; default: on hardware with shader-f16. The kernels unpack halves themselves and run anywhere. */
  readonly halfStorage?: boolean;
}

/** What an adapter says about itself, and whether it computes without hardware. */
export interface AdapterFacts {
  readonly label: string;
  readonly software: boolean;
}

const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|softpipe|warp|basic render|software/i;

export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const names = [description, device, architecture, vendor].filter((name) => name !== "");
  const software = isFallbackAdapter || SOFTWARE_NAMES.test(names.join(" "));
  const swiftShader = /swiftshader/i.test(names.join(" "));
  return { label: swiftShader ? "SwiftShader" : (names[0] ?? "unnamed GPU"), software };
}

/**
 * Opens a WebGPU device with the adapter's own limits.
 * @param gpu navigator.gpu, or Dawn's
 * Throws "no-webgpu" where there is no adapter.
 */
export async function openWebGpu(gpu: GPU, options: WebGpuOptions = {}): Promise<Backend> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    const next = "take the CPU backend, or start the browser with a GPU driver (Linux: a Vulkan one)";
    throw new RetuneError("no-webgpu", `WebGPU: no adapter answers; ${next}`);
  }
  const facts = adapterFacts(adapter);
  const device = new GpuDevice(await requestDevice(adapter), facts.software, options);
  const { tiles, flopsPerMs } = await tilesFor(device, options);
  const { software, bindingBytes } = device;
  const gpuOptions = { tiles, software, bindingBytes, flopsPerMs, submitMs: options.submitMs };
  return {
    kind: "webgpu",
    ...facts,
    bindingBytes,
    halfStorage: options.halfStorage ?? (!software && adapter.features.has("shader-f16")),
    build: buildOf(tiles),
    prepare: (plan, sharing) => GpuExecutable.prepare(device, plan, gpuOptions, sharing),
    dispose: () => device.dispose(),
  };
}

const SOFTWARE_FLOPS_PER_MS = 6e6;
const UNMEASURED_FLOPS_PER_MS = 1e8; // a small integrated GPU

/** The stored choice, the fixed one of software adapters, or the winner of a search. */
async function tilesFor(device: GpuDevice, { tiles }: WebGpuOptions): Promise<TuneResult> {
  const flopsPerMs = device.software ? SOFTWARE_FLOPS_PER_MS : UNMEASURED_FLOPS_PER_MS;
  if (tiles !== undefined) return { tiles: tilesOf(tiles), flopsPerMs };
  if (device.software) return { tiles: SOFTWARE_TILES, flopsPerMs };
  return await tuneTiles(device);
}

/** WebGPU's defaults are a fraction of what most adapters can do, so what the adapter has is asked for. */
async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits } = adapter;
  const requiredLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  };
  return await adapter.requestDevice({ label: "retune", requiredLimits });
}
