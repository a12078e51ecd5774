import type { Executable, Feeds, Leaf, LogRow } from "../../backend.ts";
import { biasCorrections, eachFeed, leafOf, logRow, notFinite, readable, writable } from "../../feeds.ts";
import {
  ELEMENT_BYTES,
  summaryOf,
  type Launch,
  type ParameterLayout,
  type Plan,
  type PlanSummary,
} from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import type { CodeOptions, LaunchCode } from "./code.ts";
import { dispatchOf, encode, scratchOf, type Dispatch } from "./dispatch.ts";
import { launchCodes } from "./launch-code.ts";
import { shareChains } from "./share-chains.ts";
import { GpuMemory, GpuStore, wrongBackend } from "./memory.ts";
import { costOf, Pace } from "./pace.ts";
import { ReadBack } from "./read-back.ts";

export interface GpuOptions extends CodeOptions {
  readonly flopsPerMs: number; // of a product, as a first estimate
  readonly submitMs: number | undefined; // of work in one submit at most; 50
}

/** Replays a plan: pipelines, buffers and bind groups are made once, a step is one command buffer. */
export class GpuExecutable implements Executable {
  readonly plan: PlanSummary;
  readonly layout: ParameterLayout;
  readonly #gpu: GpuDevice;
  readonly #plan: Plan;
  readonly #store: GpuStore;
  readonly #memory: GpuMemory;
  readonly #constants: readonly GPUBuffer[]; // settings and tables of launches
  readonly #prologue: readonly Dispatch[];
  readonly #dispatches: readonly Dispatch[];
  readonly #pace: Pace;
  readonly #readBack: ReadBack;
  readonly #scalars: Float32Array<ArrayBuffer>; // mirror of the scalars storage, written whole at every run
  readonly #scalarsStorage: number;
  #prologueVersion = -1;
  #rows: LogRow[] = [];
  #latest: LogRow = {};
  #skipped = 0;
  #watched = 0; // steps whose end is waited for
  #disposed = false;

  private constructor(gpu: GpuDevice, plan: Plan, store: GpuStore, memory: GpuMemory, prepared: Prepared) {
    this.#gpu = gpu;
    this.#plan = plan;
    this.plan = summaryOf(plan);
    this.layout = plan.layout;
    this.#store = store;
    this.#memory = memory;
    this.#constants = prepared.constants;
    this.#prologue = prepared.prologue;
    this.#dispatches = prepared.dispatches;
    this.#pace = prepared.pace;
    const scalars = plan.storages.find(({ kind }) => kind === "scalars")!;
    this.#scalarsStorage = scalars.id;
    this.#scalars = new Float32Array(scalars.elements);
    for (const { buffer, value } of plan.constants) this.#scalars[plan.buffers[buffer]!.offset] = value;
    const row = plan.storages[plan.buffers[plan.log.buffer]!.storage]!;
    this.#readBack = new ReadBack(gpu, row.elements, (values) => this.#receive(values));
  }

  /** Compiles and allocates at once; the pipelines of a device are kept for the next executable. */
  static async prepare(
    gpu: GpuDevice,
    plan: Plan,
    options: GpuOptions,
    sharing: Executable | undefined,
  ): Promise<GpuExecutable> {
    if (sharing && !(sharing instanceof GpuExecutable)) throw wrongBackend();
    const codesOf = (launches: readonly Launch[]): LaunchCode[] =>
      launches.flatMap((launch) => launchCodes(launch, options, plan));
    const first = codesOf(plan.prologue);
    const codes = shareChains([...first, ...codesOf(plan.launches)]);
    const compiled = Promise.all(codes.map(({ kernel, constants }) => gpu.pipeline(kernel, constants)));
    compiled.catch(() => undefined); // awaited below; an allocation that fails first must not leave it unheard
    const store = sharing ? sharing.#store : new GpuStore();
    const memory = await GpuMemory.allocate(gpu, plan, store, {
      scratch: scratchOf(codes),
      bindingBytes: options.bindingBytes,
    });
    const pipelines = await gpu.waitPatiently(compiled);
    store.users++;
    const constants: GPUBuffer[] = [];
    const dispatches = codes.map((code, index) =>
      dispatchOf(gpu, memory, code, pipelines[index]!, constants),
    );
    const costs = codes.slice(first.length).map(costOf);
    return new GpuExecutable(gpu, plan, store, memory, {
      constants,
      prologue: dispatches.slice(0, first.length),
      dispatches: dispatches.slice(first.length),
      pace: new Pace(costs, options.flopsPerMs, options.submitMs),
    });
  }

  get latest(): LogRow {
    return this.#latest;
  }

  leaf(name: string): Leaf | undefined {
    return leafOf(this.#plan, name);
  }

  write(name: string, values: Float32Array | Uint32Array): void {
    this.#gpu.check();
    if (name === "step") {
      this.#store.step = values[0]!;
      return;
    }
    const { buffer, values: kept } = writable(this.#plan, name, values);
    this.#write(buffer.storage, buffer.offset, kept);
    if (this.#plan.residents[name]) this.#store.residentVersion++;
  }

  async read(name: string): Promise<Float32Array> {
    if (name === "step") return Float32Array.of(this.#store.step);
    const { buffer, elements } = readable(this.#plan, name);
    const storage = this.#memory.storage(buffer.storage);
    return new Float32Array(await this.#gpu.read(storage, buffer.offset * 4, elements * 4));
  }

  run(feeds: Feeds): void {
    this.#gpu.check();
    eachFeed(this.#plan, feeds, (target, values) => {
      if (target.storage === this.#scalarsStorage) this.#scalars[target.offset] = values as number;
      else
        this.#write(
          target.storage,
          target.offset,
          typeof values === "number" ? Float32Array.of(values) : values,
        );
    });
    this.#feedCorrections();
    this.#write(this.#scalarsStorage, 0, this.#scalars);
    this.#submit();
    this.#readBack.submitted();
  }

  async log(): Promise<readonly LogRow[]> {
    await this.#readBack.complete();
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  async settle(): Promise<void> {
    await this.#readBack.complete();
    const skipped = this.#skipped;
    this.#skipped = 0;
    if (skipped > 0) throw notFinite(skipped);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#readBack.dispose();
    this.#memory.dispose();
    for (const buffer of this.#constants) buffer.destroy();
    this.#store.release();
  }

  #submit(): void {
    const { device } = this.#gpu;
    const { cuts } = this.#pace;
    const ends: Promise<number>[] = [];
    const watches = cuts.length > 1 || this.#watched === 0;
    cuts.forEach(([first, end], index) => {
      const encoder = device.createCommandEncoder();
      if (index === 0 && this.#prologueVersion !== this.#store.residentVersion) {
        encode(encoder, this.#prologue);
        this.#prologueVersion = this.#store.residentVersion;
      }
      encode(encoder, this.#dispatches.slice(first, end));
      if (index === cuts.length - 1) {
        const row = this.#plan.buffers[this.#plan.log.buffer]!.storage;
        this.#readBack.append(encoder, this.#memory.storage(row));
      }
      device.queue.submit([encoder.finish()]);
      if (watches) ends.push(this.#end(performance.now()));
    });
    if (watches) this.#watch(ends);
  }

  /** The milliseconds of the submit just made. Each that ends is a sign of life: a long step is no hang. */
  async #end(submittedAt: number): Promise<number> {
    await this.#gpu.device.queue.onSubmittedWorkDone();
    this.#gpu.watchdog.progress();
    return this.#pace.done(submittedAt, performance.now());
  }

  #watch(ends: readonly Promise<number>[]): void {
    this.#watched++;
    Promise.all(ends)
      .then((times) => this.#pace.measured(times.reduce((sum, ms) => sum + ms, 0)))
      .catch(() => undefined) // a lost device is told to those who wait for results
      .finally(() => this.#watched--)
      .catch(() => undefined);
  }

  #feedCorrections(): void {
    const { optimizer, buffers } = this.#plan;
    if (!optimizer) return;
    const corrections = biasCorrections(optimizer.betas, ++this.#store.step);
    optimizer.corrections.forEach((buffer, index) => {
      this.#scalars[buffers[buffer]!.offset] = corrections[index]!;
    });
  }

  #write(storage: number, offset: number, values: Float32Array | Uint32Array): void {
    const at = offset * ELEMENT_BYTES[this.#plan.storages[storage]!.dtype];
    const data = values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
    this.#gpu.device.queue.writeBuffer(this.#memory.storage(storage), at, data);
  }

  #receive(values: Float32Array): void {
    if (values[0] === 1) this.#skipped++;
    const { names } = this.#plan.log;
    if (names.length === 0) return;
    this.#latest = logRow(names, values);
    this.#rows.push(this.#latest);
  }
}

interface Prepared {
  readonly constants: readonly GPUBuffer[];
  readonly prologue: readonly Dispatch[];
  readonly dispatches: readonly Dispatch[];
  readonly pace: Pace;
}
