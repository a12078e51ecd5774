import type { DType } from "./graph.ts";
import type { Plan, ParameterLayout, PlanSummary } from "./plan.ts";

/** Something that executes plans. Opened once per worker; many executables may live on it. */
export interface Backend {
  readonly kind: "webgpu" | "cpu" | "reference";
  readonly label: string; // for people: "SwiftShader", "WASM relaxed SIMD, 2 threads"
  readonly build: string; // which kernels compute, for the run's record: "wasm-simd", "wgsl nt=8x8 nn=8x8 tn=8x8"
  readonly software: boolean; // a WebGPU adapter without hardware
  /** Whether frozen matrices are worth keeping in halves here: less memory to hold and to read. Sums stay f32. */
  readonly halfStorage: boolean;
  /** Bytes that one buffer may have and be bound with; traced vocabularies are cut by it. */
  readonly bindingBytes: number;
  /** Allocates, compiles kernels and uploads nothing. With `sharing`, persistent storages of equal name are its own. */
  prepare(plan: Plan, sharing?: Executable): Promise<Executable>;
  dispose(): void;
}

export type Feeds = Readonly<Record<string, number | Float32Array | Uint32Array>>;
export type LogRow = Readonly<Record<string, number>>;

/** What an executable holds under a name. */
export interface Leaf {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A compiled step. Parameters, optimizer state and residents stay where it runs. */
export interface Executable {
  readonly plan: PlanSummary;
  readonly layout: ParameterLayout; // for executables that share these parameters
  /** Shape and type of a resident, parameter or state; undefined where this step has none of that name. */
  leaf(name: string): Leaf | undefined;
  /**
   * Writes a resident, parameter or state ("w.m", "w.v", "step"): all of its elements. A resident that is stored in f16, q8 or q4
   * takes floats, which are encoded here, or the words that `stored` makes of them.
   */
  write(name: string, values: Float32Array | Uint32Array): void;
  /** Reads a parameter, state or output after all runs so far. "step" is the number of optimizer steps taken. */
  read(name: string): Promise<Float32Array>;
  /** One step: every input and scalar by name. One submit, no waiting. */
  run(feeds: Feeds): void;
  /** The last logged values that have come back; empty before the first. */
  readonly latest: LogRow;
  /** All rows logged since the last call, complete up to the last run. */
  log(): Promise<readonly LogRow[]>;
  /**
   * Waits for the device: back-pressure, and the place where faults surface.
   * Rejects with "device-lost", "hung", "out-of-memory" or "not-finite" (a step was skipped; weights are those before it).
   */
  settle(): Promise<void>;
  /** Frees what is not shared with a living executable. */
  dispose(): void;
}
