import type { Backend, Executable } from "../../src/engine/backend.ts";
import type { HostExecutable } from "../../src/engine/backends/host.ts";
import type { DType, StoredType } from "../../src/engine/graph.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import {
  ALIGNMENT,
  type BufferSpec,
  type Launch,
  type NamedBuffer,
  type Plan,
  type StorageSpec,
} from "../../src/engine/plan.ts";
import { storedElements } from "../../src/engine/stored.ts";
import { expectClose, type Tolerance } from "../close.ts";

export type BufferValues = Float32Array | Uint32Array;

/** Launches under test with the buffers they use: a plan of its own, without a graph. */
export class LaunchBench {
  readonly #values: BufferValues[] = [];
  readonly #stored = new Map<number, { readonly dtype: StoredType; readonly shape: readonly number[] }>();
  readonly #launches: Launch[] = [];
  readonly #checks: {
    readonly buffer: number;
    readonly name: string;
    readonly ignore: (index: number) => boolean;
  }[] = [];

  /** A buffer with values; its id. */
  buffer(values: BufferValues): number {
    return this.#values.push(values) - 1;
  }

  /** A buffer of a matrix that is stored in fewer bits. */
  stored(values: Float32Array, dtype: StoredType, shape: readonly number[]): number {
    const buffer = this.buffer(values);
    this.#stored.set(buffer, { dtype, shape });
    return buffer;
  }

  /** A result: starts as −7, so that what is never written shows. */
  result(elements: number, name: string, ignore: (index: number) => boolean = () => false): number {
    const buffer = this.buffer(new Float32Array(elements).fill(-7));
    this.#checks.push({ buffer, name, ignore });
    return buffer;
  }

  /** A buffer that a launch changes in place. */
  inPlace(values: Float32Array, name: string): number {
    const buffer = this.buffer(values);
    this.#checks.push({ buffer, name, ignore: () => false });
    return buffer;
  }

  launch(launch: Launch): void {
    this.#launches.push(launch);
  }

  /** Runs everything on `backend` and on the float64 twins; every result must agree. */
  async expectTwins(backend: Backend, tolerance: Tolerance): Promise<void> {
    const plan = this.#plan();
    const [tested, twin] = await Promise.all([backend.prepare(plan), openReference().prepare(plan)]);
    for (const executable of [tested, twin]) this.#fill(executable);
    for (const executable of [tested, twin]) executable.run({});
    for (const { buffer, name, ignore } of this.#checks)
      await expectBuffer(tested, twin, buffer, name, ignore, tolerance);
    tested.dispose();
    twin.dispose();
  }

  /** What the launches leave on `backend`, result by result. */
  async results(backend: Backend): Promise<Float32Array[]> {
    const executable = await this.prepared(backend);
    executable.run({});
    const results: Float32Array[] = [];
    for (const { buffer } of this.#checks) results.push(await executable.read(nameOf(buffer)));
    executable.dispose();
    return results;
  }

  /** The launches ready to run, their buffers filled. */
  async prepared(backend: Backend): Promise<Executable> {
    const executable = await backend.prepare(this.#plan());
    this.#fill(executable);
    return executable;
  }

  #typeOf(buffer: number): DType {
    return this.#stored.get(buffer)?.dtype ?? this.#floatsOrWords(buffer);
  }

  #floatsOrWords(buffer: number): DType {
    return this.#values[buffer] instanceof Uint32Array ? "u32" : "f32";
  }

  #elements(buffer: number, values: BufferValues): number {
    const stored = this.#stored.get(buffer);
    return stored ? storedElements(stored.dtype, stored.shape) : values.length;
  }

  #fill(executable: Executable): void {
    this.#values.forEach((values, index) => executable.write(nameOf(index), values));
  }

  #plan(): Plan {
    const storages: StorageSpec[] = this.#values.map((values, id) => {
      const dtype = this.#typeOf(id);
      return {
        id,
        kind: "state",
        name: nameOf(id),
        dtype,
        elements: Math.ceil(this.#elements(id, values) / ALIGNMENT) * ALIGNMENT,
      };
    });
    const buffers: BufferSpec[] = this.#values.map((values, id) => ({
      ...{ id, storage: id, offset: 0, elements: this.#elements(id, values), name: nameOf(id) },
    }));
    const named = this.#values.map((values, buffer): [string, NamedBuffer] => {
      const dtype = this.#typeOf(buffer);
      const shape = this.#stored.get(buffer)?.shape ?? [values.length];
      return [nameOf(buffer), { buffer, shape, dtype }];
    });
    const extra = storages.length;
    storages.push({ id: extra, kind: "scalars", name: "scalars", dtype: "f32", elements: ALIGNMENT });
    storages.push({ id: extra + 1, kind: "log", name: "log", dtype: "f32", elements: 4 });
    buffers.push({ id: extra, storage: extra + 1, offset: 0, elements: 1, name: "log" });
    const none = {
      feeds: {},
      residents: {},
      parameters: {},
      outputs: {},
      constants: [],
      prologue: [],
      optimizer: undefined,
    };
    return {
      ...{ storages, buffers, ...none, launches: this.#launches, states: Object.fromEntries(named) },
      layout: { elements: 0, parameters: {} },
      log: { buffer: extra, names: [] },
      ...{ flops: 0, peakBytes: 0, parameterBytes: 0 },
    };
  }
}

function nameOf(buffer: number): string {
  return `buffer ${buffer}`;
}

async function expectBuffer(
  tested: Executable,
  twin: HostExecutable,
  buffer: number,
  name: string,
  ignore: (index: number) => boolean,
  tolerance: Tolerance,
): Promise<void> {
  const [got, want] = [await tested.read(nameOf(buffer)), twin.values(nameOf(buffer))];
  const counted = Array.from(want, (_, index) => index).filter((index) => !ignore(index));
  const pick = (values: ArrayLike<number>): number[] => counted.map((index) => values[index]!);
  expectClose(pick(got), pick(want), tolerance, name);
}
