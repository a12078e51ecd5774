/**
 * The CPU kernels as TypeScript sees them: exports of src/engine/wasm/assembly/index.ts, where formulas and shapes are
 * written. Addresses and workspaces are bytes in the shared linear memory; 0 stands for "absent". Flags are 0 or 1.
 */
import { RetuneError } from "../errors.ts";

type Address = number;
type Flag = 0 | 1;

/** C (+)= A·B of one layout: addresses with row strides in floats, sizes, whether to add to C. */
type Matmul = (
  a: Address,
  strideA: number,
  b: Address,
  strideB: number,
  c: Address,
  strideC: number,
  m: number,
  n: number,
  k: number,
  add: Flag,
  workspace: Address,
) => void;

type ReduceKernel = (
  source: Address,
  times: Address,
  rows: number,
  columns: number,
  scale: number,
  factor: Address,
  root: Flag,
  out: Address,
) => void;

export interface Kernels {
  readonly matmulNT: Matmul;
  readonly matmulNN: Matmul;
  readonly matmulTN: Matmul;
  readonly matmulTT: Matmul;
  matmulWorkspaceBytes(transposed: number): number; // m·k for TT, else 0
  readonly runChain: (
    rows: number,
    columns: number,
    source: Address,
    sourceBroadcast: number,
    sourceStride: number,
    out: Address,
    outStride: number,
    steps: Address,
    count: number,
    workspace: Address,
  ) => void;
  readonly reduceRows: ReduceKernel;
  readonly reduceColumns: ReduceKernel;
  sumSquares(source: Address, elements: number, chunk: number, count: number, partials: Address): void;
  gatherRows(
    table: Address,
    tableRows: number,
    indices: Address,
    out: Address,
    rows: number,
    columns: number,
  ): void;
  scatterRows(
    source: Address,
    indices: Address,
    out: Address,
    rows: number,
    tableRows: number,
    columns: number,
  ): void;
  normalizeRows(source: Address, out: Address, rows: number, columns: number): void;
  normalizeRowsGradient(
    source: Address,
    upstream: Address,
    out: Address,
    rows: number,
    columns: number,
  ): void;
  softmaxRows(
    rows: number,
    columns: number,
    stride: number,
    scale: number,
    logits: Address,
    queries: Address,
    width: number,
    beta: Address,
    positives: Address,
    perRow: number,
    rowGroups: Address,
    columnGroups: Address,
    loss: Address,
    coefficients: Address,
    workspace: Address,
  ): void;
  adamw(
    weights: Address,
    gradients: Address,
    first: Address,
    second: Address,
    elements: number,
    clip: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    keepWeight: number,
    learningRate: number,
    correction1: number,
    correction2: number,
    epsilon: number,
  ): void;
}

/** Which build computes. They round differently, so a run's record names it and a resumed run asks for it. */
export type WasmBuild = "wasm-simd" | "wasm-relaxed-simd";

interface BuildBytes {
  readonly simd: BufferSource;
  readonly relaxed?: BufferSource;
}

/** The compiled kernels: bytes of src/engine/wasm/build/{simd,relaxed}{,-threads}.wasm (scripts/build-wasm.mjs). */
export interface WasmBytes extends BuildBytes {
  readonly threaded?: BuildBytes; // needed only where helper threads are asked for
}

/**
 * The build to use here: the asked one, else relaxed where the engine validates it (Chrome since 114; Node 20 wants
 * --experimental-wasm-relaxed-simd). Throws "unsupported" where it cannot run.
 */
export function chooseBuild(wasm: BuildBytes, asked?: WasmBuild): { build: WasmBuild; bytes: BufferSource } {
  const { simd, relaxed } = wasm;
  if (asked !== "wasm-simd" && relaxed && WebAssembly.validate(relaxed)) {
    return { build: "wasm-relaxed-simd", bytes: relaxed };
  }
  if (asked === "wasm-relaxed-simd") {
    throw new RetuneError(
      "unsupported",
      "CPU backend: this run used WASM relaxed SIMD, which is off here; in Node start with --experimental-wasm-relaxed-simd",
    );
  }
  if (!WebAssembly.validate(simd)) {
    throw new RetuneError(
      "unsupported",
      "CPU backend: this browser has no WASM SIMD; Chrome 91, Firefox 89 or Safari 16.4 do",
    );
  }
  return { build: "wasm-simd", bytes: simd };
}
