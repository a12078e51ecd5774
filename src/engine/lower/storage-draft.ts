import type { DType } from "../graph.ts";
import { ALIGNMENT, type BufferId, type BufferSpec, type StorageSpec } from "../plan.ts";

const UNPLACED = -1;

interface DraftBuffer {
  storage: number; // UNPLACED for a temporary, until slots are assigned
  readonly offset: number;
  readonly elements: number;
  readonly name: string;
  readonly dtype: DType;
}

export function aligned(elements: number): number {
  return Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
}

/** The storages and buffers of a plan while it is made. Temporaries get their storage last, by liveness. */
export class StorageDraft {
  readonly storages: StorageSpec[] = [];
  readonly #buffers: DraftBuffer[] = [];
  readonly #scalars: { buffer: BufferId; value: number | undefined }[] = [];
  readonly #scalarsStorage: number;

  constructor() {
    this.#scalarsStorage = this.storage("scalars", "scalars", "f32", 0);
  }

  storage(kind: StorageSpec["kind"], name: string, dtype: DType, elements: number): number {
    const id = this.storages.length;
    this.storages.push({ id, kind, name, dtype, elements: Math.max(4, Math.ceil(elements / 4) * 4) });
    return id;
  }

  /** A region of a storage. */
  region(storage: number, offset: number, elements: number, name: string): BufferId {
    const { dtype } = this.storages[storage]!;
    return this.#buffers.push({ storage, offset, elements, name, dtype }) - 1;
  }

  /** A storage of its own and the buffer that fills it. */
  whole(kind: StorageSpec["kind"], name: string, dtype: DType, elements: number): BufferId {
    return this.region(this.storage(kind, name, dtype, elements), 0, elements, name);
  }

  temporary(elements: number, dtype: DType, name: string): BufferId {
    return this.#buffers.push({ storage: UNPLACED, offset: 0, elements, name, dtype }) - 1;
  }

  /** One value, fed at every run or, with `value`, constant. */
  scalar(name: string, value?: number): BufferId {
    const known = value === undefined ? undefined : this.#scalars.find((scalar) => scalar.value === value);
    if (known) return known.buffer;
    const buffer = this.region(this.#scalarsStorage, this.#scalars.length * ALIGNMENT, 1, name);
    this.#scalars.push({ buffer, value });
    const spec = this.storages[this.#scalarsStorage]!;
    this.storages[this.#scalarsStorage] = { ...spec, elements: this.#scalars.length * ALIGNMENT };
    return buffer;
  }

  constants(): { buffer: BufferId; value: number }[] {
    return this.#scalars.flatMap(({ buffer, value }) => (value === undefined ? [] : [{ buffer, value }]));
  }

  isTemporary(buffer: BufferId): boolean {
    return this.#buffers[buffer]!.storage === UNPLACED;
  }

  bufferSize(buffer: BufferId): { readonly elements: number; readonly dtype: DType } {
    return this.#buffers[buffer]!;
  }

  /** Do two buffers share a place? An arena and a region of it do. */
  overlaps(first: BufferId, second: BufferId): boolean {
    if (first === second) return true;
    const [a, b] = [this.#buffers[first]!, this.#buffers[second]!];
    if (a.storage === UNPLACED || a.storage !== b.storage) return false;
    return a.offset < b.offset + b.elements && b.offset < a.offset + a.elements;
  }

  storageOf(buffer: BufferId): number {
    return this.#buffers[buffer]!.storage;
  }

  place(buffer: BufferId, storage: number): void {
    this.#buffers[buffer]!.storage = storage;
  }

  finished(): BufferSpec[] {
    return this.#buffers.map(({ storage, offset, elements, name }, id) => ({
      id,
      storage,
      offset,
      elements,
      name,
    }));
  }
}
