/**
 * The CPU backend: plans run in the calling thread on WASM SIMD kernels over one linear memory, where every storage of
 * a plan is a range. On a machine without a GPU it trains adapters many times faster than a software WebGPU.
 */
import type { Backend, Executable, Feeds } from "../backend.ts";
import { storageBytes, type Launch, type Plan, type StorageSpec } from "../plan.ts";
import { chooseBuild, type Kernels, type WasmBuild, type WasmBytes } from "../wasm/kernels.ts";
import { bindLaunch } from "./cpu-launches.ts";
import { CpuMemory } from "./cpu-memory.ts";
import { ScratchPool, type Borrowed } from "./cpu-scratch.ts";
import { singleRunner, type TaskRunner } from "./cpu-tasks.ts";
import { threadedRunner, type CpuThreads } from "./cpu-threads.ts";
import { HostExecutable, type HostArray, type HostMachine, type HostStorage } from "./host.ts";

const LABELS: Readonly<Record<WasmBuild, string>> = {
  "wasm-simd": "WASM SIMD",
  "wasm-relaxed-simd": "WASM relaxed SIMD",
};

export interface CpuOptions {
  /** The build a resumed run must use: the two round differently. Default: relaxed SIMD where the engine has it. */
  readonly build?: WasmBuild;
  /** Helper threads for large launches; needs `threaded` builds and SharedArrayBuffer. Bits do not depend on it. */
  readonly threads?: CpuThreads;
  /** Called after every launch with its milliseconds of wall time, for measurements. */
  readonly observe?: (launch: Launch, milliseconds: number) => void;
}

class CpuStorage implements HostStorage {
  readonly address: number;
  readonly #memory: CpuMemory;
  readonly #spec: StorageSpec;
  readonly #borrowed: Borrowed | undefined;

  /** @param borrowed where it lies, if not in memory of its own */
  constructor(memory: CpuMemory, spec: StorageSpec, borrowed?: Borrowed) {
    this.#memory = memory;
    this.#spec = spec;
    this.#borrowed = borrowed;
    this.address = borrowed ? borrowed.at : memory.allocate(storageBytes(spec));
  }

  values(): HostArray {
    const { dtype } = this.#spec;
    const words = storageBytes(this.#spec) / 4;
    return dtype === "f32"
      ? this.#memory.floats(this.address, words)
      : this.#memory.words(this.address, words);
  }

  free(): void {
    if (this.#borrowed) this.#borrowed.giveBack();
    else this.#memory.free(this.address, storageBytes(this.#spec));
  }
}

/** What no run leaves to the next: executables, which run one after the other, lay theirs over each other. */
const TRANSIENT = new Set<StorageSpec["kind"]>(["slot", "gradients"]);

function observed(launch: Launch, run: () => void, observe: NonNullable<CpuOptions["observe"]>): () => void {
  return () => {
    const started = performance.now();
    run();
    observe(launch, performance.now() - started);
  };
}

type Range = { readonly at: number; readonly bytes: number };

/** What an executable has of the machine's memory beside its storages. */
interface Held {
  readonly kept: Range[]; // words of launches
  readonly gradients: Range[]; // borrowed; expected to be 0 where this executable writes nothing
}

/** Memory and kernels of one backend; all its executables share them and one workspace. */
class CpuMachine {
  readonly memory: CpuMemory;
  readonly kernels: Kernels;
  readonly runner: TaskRunner;
  readonly #scratch: ScratchPool;
  readonly #observe: CpuOptions["observe"];
  #workspace: Range = { at: 0, bytes: 0 };
  #latest: Held | undefined;

  constructor(memory: CpuMemory, kernels: Kernels, runner: TaskRunner, { observe }: CpuOptions) {
    this.memory = memory;
    this.kernels = kernels;
    this.runner = runner;
    this.#scratch = new ScratchPool(memory);
    this.#observe = observe;
  }

  /** What an executable is prepared with; what it holds is noted in `held`. */
  bindingFor(held: Held): HostMachine {
    const scratch = this.#scratch.borrower();
    return {
      allocate: (spec) => {
        if (!TRANSIENT.has(spec.kind)) return new CpuStorage(this.memory, spec);
        const storage = new CpuStorage(this.memory, spec, scratch.borrow(spec.elements * 4));
        if (spec.kind === "gradients") held.gradients.push({ at: storage.address, bytes: spec.elements * 4 });
        return storage;
      },
      bind: (launch, plan, storages) => {
        const run = this.#bind(launch, plan, storages as readonly CpuStorage[], held.kept);
        return this.#observe ? observed(launch, run, this.#observe) : run;
      },
    };
  }

  /** Before each run: clears gradients where another executable ran in the meantime. */
  enter(held: Held): void {
    if (this.#latest === held) return;
    this.#latest = held;
    for (const { at, bytes } of held.gradients) new Uint8Array(this.memory.memory.buffer, at, bytes).fill(0);
  }

  #bind(launch: Launch, plan: Plan, storages: readonly CpuStorage[], kept: Range[]): () => void {
    const { memory, kernels } = this;
    return bindLaunch(launch, {
      kernels,
      memory,
      address: (buffer) => {
        const { storage, offset } = plan.buffers[buffer]!;
        return storages[storage]!.address + offset * 4;
      },
      reserve: (bytes) => this.#reserve(bytes),
      compute: (calls) => this.runner.bind(calls, () => this.#workspace),
      keep: (words) => {
        const range = { at: memory.allocate(words.byteLength), bytes: words.byteLength };
        kept.push(range);
        memory.words(range.at, words.length).set(words);
        return range.at;
      },
    });
  }

  /** One range for each thread, side by side. */
  #reserve(asked: number): void {
    const bytes = Math.ceil(asked / 64) * 64;
    const { threads } = this.runner;
    if (bytes <= this.#workspace.bytes) return;
    if (this.#workspace.at) this.memory.free(this.#workspace.at, this.#workspace.bytes * threads);
    this.#workspace = { at: this.memory.allocate(bytes * threads), bytes };
  }
}

class CpuExecutable extends HostExecutable {
  readonly #machine: CpuMachine;
  readonly #held: Held;

  constructor(machine: CpuMachine, plan: Plan, sharing: Executable | undefined) {
    const held: Held = { kept: [], gradients: [] };
    super(machine.bindingFor(held), plan, sharing);
    this.#machine = machine;
    this.#held = held;
  }

  override run(feeds: Feeds): void {
    this.#machine.enter(this.#held);
    super.run(feeds);
  }

  override dispose(): void {
    super.dispose();
    for (const { at, bytes } of this.#held.kept.splice(0)) this.#machine.memory.free(at, bytes);
  }
}

/**
 * Opens the CPU backend on the compiled kernels; the caller decides how to load their bytes (a `?url` import and fetch
 * in a page, a file in Node). Throws "unsupported" where WASM SIMD, or the build asked for, is missing.
 */
export async function openCpu(wasm: WasmBytes, options: CpuOptions = {}): Promise<Backend> {
  const threads = usableThreads(wasm, options);
  const { build, bytes } = chooseBuild(threads ? wasm.threaded! : wasm, options.build);
  const memory = new CpuMemory(threads !== undefined);
  const module = await WebAssembly.compile(bytes);
  const { exports } = await WebAssembly.instantiate(module, { env: { memory: memory.memory } });
  const kernels = exports as unknown as Kernels;
  const runner = threads ? threadedRunner(kernels, module, memory, threads) : singleRunner(kernels);
  const machine = new CpuMachine(memory, kernels, runner, options);
  return {
    kind: "cpu",
    label: LABELS[build] + (threads ? `, ${threads.count} threads` : ""),
    build,
    software: false,
    halfStorage: false, // decoding costs a little more than reading floats
    bindingBytes: 2 ** 31, // half of what WebAssembly reaches
    prepare: (plan, sharing) => Promise.resolve(new CpuExecutable(machine, plan, sharing)),
    dispose: () => runner.dispose(), // memory goes with the last reference
  };
}

/** Threads where they were asked for and can be had. */
function usableThreads(wasm: WasmBytes, { threads }: CpuOptions): CpuThreads | undefined {
  const shared = typeof SharedArrayBuffer !== "undefined"; // in a page only where it is cross-origin isolated
  return threads && threads.count > 1 && wasm.threaded && shared ? threads : undefined;
}
