import { RetuneError } from "../../errors.ts";
import { ALIGNMENT, type BufferId, type Plan, type StorageSpec } from "../../plan.ts";
import { outOfMemory, type GpuDevice } from "./device.ts";
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
  readonly #buffers: readonly GPUBuffer[]; // by storage

  private constructor(plan: Plan, buffers: readonly GPUBuffer[], own: GPUBuffer[]) {
    this.#plan = plan;
    this.#buffers = buffers;
    this.#own = own;
  }

  /** Throws "out-of-memory" where a storage passes the adapter's limits or the device refuses it. */
  static async allocate(gpu: GpuDevice, plan: Plan, store: GpuStore): Promise<GpuMemory> {
    checkLimits(gpu, plan);
    const own: GPUBuffer[] = [];
    const added: string[] = [];
    const create = (): GPUBuffer[] =>
      plan.storages.map((spec) => {
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
    return new GpuMemory(plan, await gpu.allocating(plan.peakBytes, create, undo), own);
  }

  storage(id: number): GPUBuffer {
    return this.#buffers[id]!;
  }

  /** A buffer of the plan as a binding. Sizes are rounded up to vec4s; storages are long enough for that. */
  binding(buffer: BufferId): GPUBufferBinding {
    const { storage, offset, elements } = this.#plan.buffers[buffer]!;
    const size = Math.ceil(elements / 4) * 16;
    return { buffer: this.#buffers[storage]!, offset: offset * 4, size };
  }

  /** The whole storage that a buffer lies in. */
  whole(buffer: BufferId): GPUBufferBinding {
    return { buffer: this.#buffers[this.#plan.buffers[buffer]!.storage]! };
  }

  dispose(): void {
    for (const buffer of this.#own) buffer.destroy();
  }
}

function createStorage(gpu: GpuDevice, { name, elements }: StorageSpec): GPUBuffer {
  const size = Math.ceil(elements / ALIGNMENT) * ALIGNMENT * 4;
  const { storage, uniform, copySource, copyTarget } = BUFFER_USAGE;
  return gpu.device.createBuffer({ label: name, size, usage: storage | uniform | copySource | copyTarget });
}

function checkLimits({ device }: GpuDevice, plan: Plan): void {
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  for (const { name, elements } of plan.storages) {
    const limit = `"${name}" alone is larger than the ${(most / 2 ** 20).toFixed(0)} MB this adapter allows a buffer`;
    if (elements * 4 > most) throw outOfMemory(elements * 4, limit);
  }
}

export function wrongBackend(): RetuneError {
  return new RetuneError(
    "unsupported",
    "compile: `sharing` names an executable of another backend; prepare both on one",
  );
}
