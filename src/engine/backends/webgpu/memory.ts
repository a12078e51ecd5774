import { RetuneError } from "../../errors.ts";
import { ALIGNMENT, type BufferId, type Plan, type StorageSpec } from "../../plan.ts";
import { outOfMemory, type GpuDevice } from "./device.ts";
import type { Region } from "./code.ts";
import { BUFFER_USAGE } from "./flags.ts";

/** What outlives a run, shared by the executables that were compiled over one another. */
export class GpuStore {
  readonly buffers = new Map<string, GPUBuffer>();
  step = 0; // optimizer steps taken
  residentVersion = 0;
  users = 0;

  release(): void {
    if (--this.users > 0) return;
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }
}

const PERSISTENT = new Set<StorageSpec["kind"]>(["parameters", "moments", "state", "resident", "derived"]);

/** The buffers of one executable: its own, and those of the store. */
export class GpuMemory {
  readonly #plan: Plan;
  readonly #own: GPUBuffer[] = [];
  readonly #buffers: readonly GPUBuffer[]; // by storage, then scratch
  readonly #most: number;

  private constructor(plan: Plan, buffers: readonly GPUBuffer[], own: GPUBuffer[], most: number) {
    this.#plan = plan;
    this.#buffers = buffers;
    this.#own = own;
    this.#most = most;
  }

  /** Throws "out-of-memory" where a storage passes the adapter's limits or the device refuses it. */
  static async allocate(gpu: GpuDevice, plan: Plan, store: GpuStore, space: Space): Promise<GpuMemory> {
    checkLimits(gpu, plan);
    const scratch = { ...plan.storages[0]!, kind: "slot", name: "scratch", elements: space.scratch } as const;
    const own: GPUBuffer[] = [];
    const added: string[] = [];
    const create = (): GPUBuffer[] =>
      [...plan.storages, scratch].map((spec) => {
        const known = PERSISTENT.has(spec.kind) ? store.buffers.get(spec.name) : undefined;
        if (known) return known;
        const buffer = createStorage(gpu, spec);
        if (PERSISTENT.has(spec.kind)) {
          store.buffers.set(spec.name, buffer);
          added.push(spec.name);
        } else own.push(buffer);
        return buffer;
      });
    const undo = (): void => {
      for (const buffer of own) buffer.destroy();
      for (const name of added) {
        store.buffers.get(name)!.destroy();
        store.buffers.delete(name);
      }
    };
    const bytes = plan.peakBytes + space.scratch * 4;
    return new GpuMemory(plan, await gpu.allocating(bytes, create, undo), own, space.bindingBytes);
  }

  storage(id: number): GPUBuffer {
    return this.#buffers[id]!;
  }

  /** A buffer of the plan as a binding. */
  binding(buffer: BufferId): GPUBufferBinding {
    return this.region({ buffer, from: 0, elements: this.#plan.buffers[buffer]!.elements });
  }

  /** A part of a buffer. Sizes are rounded up to vec4s; storages are long enough for that. */
  region({ buffer, from, elements }: Region): GPUBufferBinding {
    const { storage, offset, name } = this.#plan.buffers[buffer]!;
    return this.#bound(this.#buffers[storage]!, (offset + from) * 4, elements, name);
  }

  scratch(elements: number): GPUBufferBinding {
    return this.#bound(this.#buffers.at(-1)!, 0, elements, "scratch");
  }

  dispose(): void {
    for (const buffer of this.#own) buffer.destroy();
  }

  #bound(buffer: GPUBuffer, offset: number, elements: number, name: string): GPUBufferBinding {
    const size = Math.ceil(elements / 4) * 16;
    if (size > this.#most) throw tooLarge(size, `"${name}"`, this.#most, "a binding");
    return { buffer, offset, size };
  }
}

/** What an executable needs beside its plan's storages, and what one of its bindings may cover. */
export interface Space {
  readonly scratch: number; // elements
  readonly bindingBytes: number;
}

function createStorage(gpu: GpuDevice, { name, elements }: StorageSpec): GPUBuffer {
  const size = Math.ceil(elements / ALIGNMENT) * ALIGNMENT * 4;
  const { storage, uniform, copySource, copyTarget } = BUFFER_USAGE;
  return gpu.device.createBuffer({ label: name, size, usage: storage | uniform | copySource | copyTarget });
}

function checkLimits({ device }: GpuDevice, plan: Plan): void {
  const most = device.limits.maxBufferSize;
  for (const { name, elements } of plan.storages) {
    if (elements * 4 > most) throw tooLarge(elements * 4, `"${name}"`, most, "a buffer");
  }
}

function tooLarge(bytes: number, what: string, most: number, where: string): RetuneError {
  const megabytes = (most / 2 ** 20).toFixed(0);
  return outOfMemory(bytes, `${what} alone is larger than the ${megabytes} MB this adapter allows ${where}`);
}

export function wrongBackend(): RetuneError {
  return new RetuneError(
    "unsupported",
    "compile: `sharing` names an executable of another backend; prepare both on one",
  );
}
