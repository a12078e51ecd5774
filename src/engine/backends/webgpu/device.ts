import { RetuneError } from "../../errors.ts";
import { BUFFER_USAGE, COMPUTE_STAGE, MAP_READ } from "./flags.ts";
import { KERNELS, type BindingKind, type KernelName } from "./kernel-table.ts";
import { Watchdog } from "./watchdog.ts";

const WATCHDOG_MS = 20_000;
const BINDING_TYPES = { u: "uniform", r: "read-only-storage", w: "storage" } as const;

export interface DeviceOptions {
  readonly watchdogMs?: number | undefined; // no progress for this long is a hang; 20 s
  readonly bindingBytes?: number | undefined; // a limit below the adapter's
}

/**
 * A device with its pipelines and its faults. After a loss WebGPU looks healthy (submits do not throw, waiting for
 * submitted work resolves), so every wait here races `device.lost` and a watchdog.
 */
export class GpuDevice {
  readonly device: GPUDevice;
  readonly software: boolean;
  readonly watchdog: Watchdog;
  /** What one binding may cover. */
  readonly bindingBytes: number;
  /** Spare bindings for what a launch leaves out; two, because one dispatch may not read and write one buffer. */
  readonly spareRead: GPUBuffer;
  readonly spareWrite: GPUBuffer;
  readonly #failure: Promise<never>;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #modules = new Map<KernelName, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  #fault: Error | undefined;
  #closed = false;

  constructor(
    device: GPUDevice,
    software: boolean,
    { watchdogMs = WATCHDOG_MS, bindingBytes = Infinity }: DeviceOptions,
  ) {
    this.device = device;
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.bindingBytes = Math.min(bindingBytes, maxStorageBufferBindingSize, maxBufferSize);
    this.software = software;
    this.watchdog = new Watchdog(watchdogMs);
    this.#failure = device.lost.then((info) => {
      throw this.#lost(info);
    });
    this.#failure.catch(() => undefined); // seen by those who wait, and by `check`
    device.addEventListener("uncapturederror", (event) => {
      this.#fault ??= new Error(`WebGPU: ${event.error.message}`);
    });
    const spare = { size: 4096, usage: BUFFER_USAGE.storage | BUFFER_USAGE.uniform };
    this.spareRead = device.createBuffer(spare);
    this.spareWrite = device.createBuffer(spare);
  }

  /** Throws the fault that has happened, if any. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /** Waits for the device, but not for ever, and not past its loss. */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.check();
    const done = await this.watchdog.watch(
      Promise.race([work.catch((error: unknown) => this.#explain(error)), this.#failure]),
    );
    this.check();
    return done;
  }

  /** Waits as long as it takes, but not past a loss: compiling takes seconds on some drivers, and that is no hang. */
  async waitPatiently<T>(work: Promise<T>): Promise<T> {
    this.check();
    return await Promise.race([work, this.#failure]);
  }

  /** The layout and compiled pipeline of a kernel with constants; compiled once. */
  pipeline(kernel: KernelName, constants: Readonly<Record<string, number>>): Promise<GPUComputePipeline> {
    const key = `${kernel} ${JSON.stringify(constants)}`;
    const known = this.#pipelines.get(key);
    if (known) return known;
    const layout = this.device.createPipelineLayout({ bindGroupLayouts: [this.layout(kernel)] });
    const compute = { module: this.#module(kernel), entryPoint: "main", constants: { ...constants } };
    const pipeline = this.device.createComputePipelineAsync({ label: key, layout, compute });
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }

  layout(kernel: KernelName): GPUBindGroupLayout {
    const { bindings } = KERNELS[kernel];
    const known = this.#layouts.get(bindings);
    if (known) return known;
    const entries = [...bindings].map((kind, binding) => ({
      binding,
      visibility: COMPUTE_STAGE,
      buffer: { type: BINDING_TYPES[kind as BindingKind] },
    }));
    const layout = this.device.createBindGroupLayout({ entries });
    this.#layouts.set(bindings, layout);
    return layout;
  }

  /** Runs `create` and turns what the device says about memory or validity into a named error. */
  async allocating<T>(bytes: number, create: () => T, undo: (made: T) => void): Promise<T> {
    this.check();
    this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
    const made = create();
    const scopes = Promise.all([this.device.popErrorScope(), this.device.popErrorScope()]);
    const [invalid, full] = await this.wait(scopes);
    if (!invalid && !full) return made;
    undo(made);
    if (full) throw outOfMemory(bytes, full.message);
    throw new Error(`WebGPU: ${invalid!.message}`);
  }

  /** Copies a region out of a buffer once all submitted work is done. */
  async read(buffer: GPUBuffer, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    this.check();
    const size = Math.ceil(bytes / 4) * 4;
    const staging = this.device.createBuffer({ size, usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, byteOffset, staging, 0, size);
    this.device.queue.submit([encoder.finish()]);
    try {
      await this.wait(staging.mapAsync(MAP_READ));
      return staging.getMappedRange().slice(0, bytes);
    } finally {
      staging.destroy();
    }
  }

  dispose(): void {
    this.#closed = true;
    this.#fault ??= new RetuneError("device-lost", "WebGPU: the backend is closed; open another");
    this.device.destroy();
  }

  #module(kernel: KernelName): GPUShaderModule {
    const known = this.#modules.get(kernel);
    if (known) return known;
    const module = this.device.createShaderModule({ label: kernel, code: KERNELS[kernel].source });
    this.#modules.set(kernel, module);
    return module;
  }

  #lost({ reason, message }: GPUDeviceLostInfo): Error {
    if (!this.#closed) {
      const why = message || reason || "no reason given";
      this.#fault = new RetuneError(
        "device-lost",
        `WebGPU: the device was lost (${why}); resume from the last checkpoint`,
      );
    }
    return this.#fault!;
  }

  /** A read-back that fails does so because the device is gone, even if `lost` is told a moment later. */
  async #explain(error: unknown): Promise<never> {
    await Promise.race([this.#failure, new Promise((resolve) => setTimeout(resolve, 100))]);
    throw error;
  }
}

export function outOfMemory(bytes: number, detail: string): RetuneError {
  const megabytes = (bytes / 2 ** 20).toFixed(1);
  const next = "take a smaller batch or data set, or the CPU backend";
  return new RetuneError(
    "out-of-memory",
    `WebGPU: ${megabytes} MB could not be allocated (${detail}); ${next}`,
  );
}
