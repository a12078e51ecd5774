/** One table of signatures, which is why it is long.
 *
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

/** What attention and its gradient begin with. */
type AttentionReads = [
  rows: number,
  heads: number,
  keyHeads: number,
  width: number,
  causal: Flag,
  scale: number,
  queries: Address,
  keys: Address,
  values: Address,
  ranges: Address,
];

/** How they drop, and which part of how many they compute. `counter` 0: no dropout. */
type AttentionParts = [
  threshold: number,
  kept: number,
  counter: Address,
  seed: number,
  part: number,
  parts: number,
];

/**
 * Kernels that compute a part of a launch, so that threads can share it: some of its rows, columns or elements. Whoever
 * runs one adds the address of a workspace as last argument; those that need none ignore it.
 */
export interface PartKernels {
  matmulPart(
    layout: number,
    blocked: Flag,
    a: Address,
    strideA: number,
    b: Address,
    strideB: number,
    out: Address,
    strideOut: number,
    columns: number,
    k: number,
    firstRow: number,
    endRow: number,
    firstColumn: number,
    endColumn: number,
    steps: Address,
    count: number,
    detour: Flag,
    direct: Flag,
    productBytes: number,
  ): void;
  matmulStoredPart(
    layout: number,
    blocked: Flag,
    typeB: number, // HALVES 1, Q8 2, Q4 3
    rowsOfB: number,
    a: Address,
    strideA: number,
    b: Address,
    strideB: number,
    out: Address,
    strideOut: number,
    columns: number,
    k: number,
    firstRow: number,
    endRow: number,
    firstColumn: number,
    endColumn: number,
    steps: Address,
    count: number,
    detour: Flag,
    direct: Flag,
    productBytes: number,
  ): void;
  runChain(
    firstRow: number,
    endRow: number,
    firstColumn: number,
    endColumn: number,
    columns: number,
    source: Address,
    sourceBroadcast: number,
    sourceStride: number,
    out: Address,
    outStride: number,
    steps: Address,
    count: number,
    direct: Flag,
  ): void;
  reduceRows(
    source: Address,
    times: Address,
    rows: number,
    columns: number,
    scale: number,
    factor: Address,
    root: Flag,
    out: Address,
  ): void;
  reduceColumns(
    source: Address,
    times: Address,
    rows: number,
    columns: number,
    firstColumn: number,
    endColumn: number,
    scale: number,
    factor: Address,
    root: Flag,
    out: Address,
  ): void;
  sumSquares(
    source: Address,
    elements: number,
    chunk: number,
    firstPartial: number,
    endPartial: number,
    partials: Address,
  ): void;
  accumulate(source: Address, target: Address, elements: number): void;
  gatherRows(
    table: Address,
    tableRows: number,
    indices: Address,
    out: Address,
    rows: number,
    columns: number,
  ): void;
  gatherStored(
    type: number,
    table: Address,
    tableRows: number,
    stride: number,
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
    firstColumn: number,
    endColumn: number,
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
    targets: Address,
    rowGroups: Address,
    columnGroups: Address,
    loss: Address,
    coefficients: Address,
  ): void;
  adamw(
    weights: Address,
    gradients: Address,
    first: Address,
    second: Address,
    elements: number,
    scalars: Address,
    keepWeight: Address,
  ): void;
  layerNorm(
    firstRow: number,
    endRow: number,
    columns: number,
    epsilon: number,
    centred: Flag,
    source: Address,
    gamma: Address,
    beta: Address, // 0 where not centred
    out: Address,
  ): void;
  layerNormGradient(
    firstRow: number,
    endRow: number,
    columns: number,
    epsilon: number,
    centred: Flag,
    source: Address,
    gamma: Address,
    upstream: Address,
    out: Address,
  ): void;
  layerNormGamma(
    rows: number,
    columns: number,
    firstColumn: number,
    endColumn: number,
    epsilon: number,
    centred: Flag,
    source: Address,
    upstream: Address,
    out: Address,
  ): void;
  rotary(
    firstRow: number,
    endRow: number,
    heads: number,
    headSize: number,
    turn: number,
    source: Address,
    positions: Address,
    table: Address,
    tableRows: number,
    out: Address,
  ): void;
  attention(...all: [...AttentionReads, out: Address, logSumExp: Address, ...AttentionParts]): void;
  attentionGradient(
    ...all: [
      ...AttentionReads,
      out: Address,
      logSumExp: Address,
      upstream: Address,
      dQueries: Address,
      dKeys: Address,
      dValues: Address,
      ...AttentionParts,
    ]
  ): void;
  storeRows(
    rows: number,
    columns: number,
    storeRows: number,
    source: Address,
    places: Address,
    store: Address,
  ): void;
  cachedAttention(
    firstUnit: number,
    endUnit: number,
    heads: number,
    keyHeads: number,
    width: number,
    scale: number,
    queries: Address,
    keys: Address,
    values: Address,
    ranges: Address,
    out: Address,
  ): void;
  segmentMean(segments: number, columns: number, source: Address, spans: Address, out: Address): void;
  segmentMeanGradient(
    rows: number,
    segments: number,
    columns: number,
    upstream: Address,
    spans: Address,
    out: Address,
  ): void;
  copyBlock(
    rows: number,
    columns: number,
    source: Address,
    sourceRows: number,
    sourceColumns: number,
    rowOffset: number,
    columnOffset: number,
    out: Address,
  ): void;
}

export interface Kernels extends PartKernels {
  readonly matmulNT: Matmul;
  readonly matmulNN: Matmul;
  readonly matmulTN: Matmul;
  readonly matmulTT: Matmul;
  matmulWorkspaceBytes(transposed: number): number; // m·k for TT, else 0
  blockedWorkspaceBytes(rows: number): number; // of a blocked product's part
  storedWorkspaceBytes(): number; // of a product of few rows with a stored B
  attentionWorkspaceBytes(longest: number, width: number): number;
  attentionGradientWorkspaceBytes(longest: number, width: number): number;
  cachedAttentionWorkspaceBytes(cached: number): number;
}

/** A call of a kernel without its workspace. */
export interface PartCall {
  readonly kernel: keyof PartKernels;
  readonly values: readonly number[];
}

export function callOf<Name extends keyof PartKernels>(
  kernel: Name,
  ...values: Parameters<PartKernels[Name]>
): PartCall {
  return { kernel, values };
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
