import type { Executable, Feeds, Leaf, LogRow } from "../backend.ts";
import { RetuneError } from "../errors.ts";
import {
  biasCorrections,
  eachFeed,
  leafOf,
  logRow,
  notFinite,
  readable,
  writable,
  type Written,
} from "../feeds.ts";
import { isStored, matrixShape, type StoredType } from "../graph.ts";
import {
  summaryOf,
  type Launch,
  type ParameterLayout,
  type Plan,
  type PlanSummary,
  type StorageSpec,
} from "../plan.ts";
import { decoded, storedStride } from "../stored.ts";

export type HostArray = Float32Array | Float64Array | Uint32Array;

/** One allocation of a machine. `values` is asked for anew at each use: a growing memory moves its views. */
export interface HostStorage {
  values(): HostArray;
  free(): void;
}

/** What differs between the backends that compute where JavaScript runs. */
export interface HostMachine {
  /** Zero-filled. u32 storages hold Uint32Array; f16, q8 and q4 ones the words of stored.ts, or the floats they stand for. */
  allocate(spec: StorageSpec): HostStorage;
  /** Everything a launch needs, resolved once; the result is called at every step. */
  bind(launch: Launch, plan: Plan, storages: readonly HostStorage[]): () => void;
}

/** Storages that outlive a run, shared by the executables that were compiled over one another. */
class HostStore {
  readonly storages = new Map<string, HostStorage>();
  step = 0; // optimizer steps taken
  residentVersion = 0;
  users = 0;
}

const PERSISTENT = new Set<StorageSpec["kind"]>(["parameters", "moments", "state", "resident"]);

/** Executes plans step by step in the calling thread. */
export class HostExecutable implements Executable {
  readonly plan: PlanSummary;
  readonly layout: ParameterLayout;
  readonly #plan: Plan;
  readonly #store: HostStore;
  readonly #own: HostStorage[] = [];
  readonly #storages: HostStorage[];
  readonly #prologue: readonly (() => void)[];
  readonly #launches: readonly (() => void)[];
  #prologueVersion = -1;
  #rows: LogRow[] = [];
  #latest: LogRow = {};
  #skipped = 0;

  constructor(machine: HostMachine, plan: Plan, sharing: Executable | undefined) {
    if (sharing && !(sharing instanceof HostExecutable)) {
      throw new RetuneError(
        "unsupported",
        "compile: `sharing` names an executable of another backend; prepare both on one",
      );
    }
    this.#plan = plan;
    this.plan = summaryOf(plan);
    this.layout = plan.layout;
    this.#store = sharing ? sharing.#store : new HostStore();
    this.#store.users++;
    this.#storages = plan.storages.map((spec) => this.#storageOf(machine, spec));
    this.#prologue = plan.prologue.map((launch) => machine.bind(launch, plan, this.#storages));
    this.#launches = plan.launches.map((launch) => machine.bind(launch, plan, this.#storages));
    for (const { buffer, value } of plan.constants) this.#view(buffer)[0] = value;
  }

  get latest(): LogRow {
    return this.#latest;
  }

  leaf(name: string): Leaf | undefined {
    return leafOf(this.#plan, name);
  }

  write(name: string, values: Float32Array | Uint32Array): void {
    if (name === "step") {
      this.#store.step = values[0]!;
      return;
    }
    const written = writable(this.#plan, name, values);
    const { buffer } = written;
    const storage = this.#storages[buffer.storage]!.values();
    storage.set(storage instanceof Uint32Array ? written.values : asFloats(written), buffer.offset);
    if (this.#plan.residents[name]) this.#store.residentVersion++;
  }

  read(name: string): Promise<Float32Array> {
    return new Promise((resolve) => resolve(Float32Array.from(this.values(name))));
  }

  /** As `read`, at once and in the machine's own precision. */
  values(name: string): HostArray {
    if (name === "step") return Float32Array.of(this.#store.step);
    const { buffer, elements } = readable(this.#plan, name);
    return this.#storages[buffer.storage]!.values().slice(buffer.offset, buffer.offset + elements);
  }

  run(feeds: Feeds): void {
    eachFeed(this.#plan, feeds, (target, values) => {
      const storage = this.#storages[target.storage]!.values();
      if (typeof values === "number") storage[target.offset] = values;
      else storage.set(values, target.offset);
    });
    this.#feedCorrections();
    if (this.#prologueVersion !== this.#store.residentVersion) {
      for (const launch of this.#prologue) launch();
      this.#prologueVersion = this.#store.residentVersion;
    }
    for (const launch of this.#launches) launch();
    this.#collectLog();
  }

  log(): Promise<readonly LogRow[]> {
    const rows = this.#rows;
    this.#rows = [];
    return Promise.resolve(rows);
  }

  settle(): Promise<void> {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped > 0 ? Promise.reject(notFinite(skipped)) : Promise.resolve();
  }

  dispose(): void {
    for (const storage of this.#own) storage.free();
    this.#own.length = 0;
    if (--this.#store.users > 0) return;
    for (const storage of this.#store.storages.values()) storage.free();
    this.#store.storages.clear();
  }

  #storageOf(machine: HostMachine, spec: StorageSpec): HostStorage {
    if (!PERSISTENT.has(spec.kind)) {
      const storage = machine.allocate(spec);
      this.#own.push(storage);
      return storage;
    }
    const known = this.#store.storages.get(spec.name);
    if (known) return known;
    const storage = machine.allocate(spec);
    this.#store.storages.set(spec.name, storage);
    return storage;
  }

  #view(buffer: number): HostArray {
    const { storage, offset, elements } = this.#plan.buffers[buffer]!;
    return this.#storages[storage]!.values().subarray(offset, offset + elements);
  }

  #feedCorrections(): void {
    const { optimizer } = this.#plan;
    if (!optimizer) return;
    const corrections = biasCorrections(optimizer.betas, ++this.#store.step);
    optimizer.corrections.forEach((buffer, index) => {
      this.#view(buffer)[0] = corrections[index]!;
    });
  }

  #collectLog(): void {
    const { names, buffer } = this.#plan.log;
    const values = this.#view(buffer);
    if (values[0] === 1) this.#skipped++;
    if (names.length === 0) return;
    this.#latest = logRow(names, values);
    this.#rows.push(this.#latest);
  }
}

/** Values as floats: what is stored in fewer bits as it decodes, rows as far apart as they are stored. */
function asFloats({ leaf: { dtype, shape }, values }: Written): Float32Array | Uint32Array {
  return isStored(dtype) ? spreadRows(dtype, shape, values as Uint32Array) : values;
}

function spreadRows(dtype: StoredType, shape: readonly number[], words: Uint32Array): Float32Array {
  const floats = decoded(dtype, shape, words);
  const { rows, columns } = matrixShape(shape);
  const stride = storedStride(dtype, columns);
  if (stride === columns) return floats;
  const spread = new Float32Array(rows * stride);
  for (let row = 0; row < rows; row++)
    spread.set(floats.subarray(row * columns, (row + 1) * columns), row * stride);
  return spread;
}
