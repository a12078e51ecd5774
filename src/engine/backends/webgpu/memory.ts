import { RetuneError } from "../../errors.ts";
import {
  ALIGNMENT,
  ELEMENT_BYTES,
  storageBytes,
  type BufferId,
  type Plan,
  type StorageSpec,
} from "../../plan.ts";
import { outOfMemory, type GpuDevice } from "./device.ts";
import type { Region } from "./code.ts";
import { BUFFER_USAGE } from "./flags.ts";
import { GpuPool } from "./pool.ts";

/** What outlives a run, shared by the executables that were compiled over one another. */
export class GpuStore {
  readonly buffers = new Map<string, GPUBuffer>();
  step = 0; // optimizer steps taken
  residentVersion = 0;
  users = 0;
  readonly pool = new GpuPool();

  release(): void {
    if (--this.users > 0) return;
    this.pool.destroy();
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }
}

const SHARED = new Set<StorageSpec["kind"]>([
  ...(["parameters", "moments", "state", "resident", "derived", "gradients"] as const),
]);

/** What an allocation has made so far, to be taken back where the device turns out to have refused it. */
class Draft {
  readonly own: GPUBuffer[] = [];
  readonly #gpu: GpuDevice;
  readonly #store: GpuStore;
  readonly #named: string[] = [];
  readonly #pooled: GPUBuffer[] = [];

  constructor(gpu: GpuDevice, store: GpuStore) {
    this.#gpu = gpu;
    this.#store = store;
  }

  buffersOf(specs: readonly StorageSpec[], plan: Plan): GPUBuffer[] {
    const inTurn = specs.filter(({ kind }) => kind === "slot");
    const pooled = this.#store.pool.take(inTurn.map(bytesOf), (bytes) => {
      const buffer = createBuffer(this.#gpu, "temporaries", bytes);
      this.#pooled.push(buffer);
      return buffer;
    });
    return specs.map((spec) => {
      if (spec.kind === "slot") return pooled[inTurn.indexOf(spec)]!;
      const name = spec.kind === "gradients" ? gradientsName(spec, plan) : spec.name;
      return this.#bufferOf(spec, SHARED.has(spec.kind) ? name : undefined);
    });
  }

  undo(): void {
    for (const buffer of [...this.own, ...this.#pooled]) buffer.destroy();
    this.#store.pool.forget(this.#pooled);
    for (const name of this.#named) {
      this.#store.buffers.get(name)!.destroy();
      this.#store.buffers.delete(name);
    }
  }

  /** @param name under which other executables find it; undefined for one of this executable's own */
  #bufferOf(spec: StorageSpec, name: string | undefined): GPUBuffer {
    const known = name === undefined ? undefined : this.#store.buffers.get(name);
    if (known) return known;
    const buffer = createBuffer(this.#gpu, spec.name, bytesOf(spec));
    if (name === undefined) {
      this.own.push(buffer);
    } else {
      this.#store.buffers.set(name, buffer);
      this.#named.push(name);
    }
    return buffer;
  }
}

/**
 * Gradients are written anew in every run, but the norm reads the whole arena: executables share one only where they
 * write the same regions, so that nothing of the others' is left in it.
 */
function gradientsName({ id, name, elements }: StorageSpec, { buffers }: Plan): string {
  const regions = buffers.filter(({ storage }) => storage === id);
  return `${name} ${elements} ${regions.map((region) => `${region.offset}+${region.elements}`).join(" ")}`;
}

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
    const draft = new Draft(gpu, store);
    const create = (): GPUBuffer[] => draft.buffersOf([...plan.storages, scratch], plan);
    const bytes = plan.peakBytes + space.scratch * 4;
    const buffers = await gpu.allocating(bytes, create, () => draft.undo());
    return new GpuMemory(plan, buffers, draft.own, space.bindingBytes);
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
    const bytes = ELEMENT_BYTES[this.#plan.storages[storage]!.dtype];
    return this.#bound(this.#buffers[storage]!, (offset + from) * bytes, elements * bytes, name);
  }

  scratch(elements: number): GPUBufferBinding {
    return this.#bound(this.#buffers.at(-1)!, 0, elements * 4, "scratch");
  }

  dispose(): void {
    for (const buffer of this.#own) buffer.destroy();
  }

  #bound(buffer: GPUBuffer, offset: number, bytes: number, name: string): GPUBufferBinding {
    const size = Math.ceil(bytes / 16) * 16;
    if (size > this.#most) throw tooLarge(size, `"${name}"`, this.#most, "a binding");
    return { buffer, offset, size };
  }
}

/** What an executable needs beside its plan's storages, and what one of its bindings may cover. */
export interface Space {
  readonly scratch: number; // elements
  readonly bindingBytes: number;
}

/** Whole blocks of ALIGNMENT words, so that kernels may read and write vec4s at the end of a buffer. */
function bytesOf({ elements, dtype }: StorageSpec): number {
  const words = storageBytes({ elements, dtype }) / 4;
  return Math.ceil(words / ALIGNMENT) * ALIGNMENT * 4;
}

function createBuffer(gpu: GpuDevice, label: string, size: number): GPUBuffer {
  const { storage, uniform, copySource, copyTarget } = BUFFER_USAGE;
  return gpu.device.createBuffer({ label, size, usage: storage | uniform | copySource | copyTarget });
}

function checkLimits({ device }: GpuDevice, plan: Plan): void {
  const most = device.limits.maxBufferSize;
  for (const spec of plan.storages) {
    if (bytesOf(spec) > most) throw tooLarge(bytesOf(spec), `"${spec.name}"`, most, "a buffer");
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
