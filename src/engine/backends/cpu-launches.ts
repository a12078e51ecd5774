/** Binds launches to kernels: addresses are resolved once, the returned function is called at every step. */
import type {
  AdamWLaunch,
  BufferId,
  ElementwiseLaunch,
  GatherLaunch,
  Launch,
  MatmulLaunch,
  Operand,
  Reduction,
  ScatterLaunch,
  SoftmaxRowsLaunch,
  Step,
} from "../plan.ts";
import type { Kernels } from "../wasm/kernels.ts";
import { BROADCAST_CODES, encodeChain, operandsOf, ignoresShape } from "./cpu-chain.ts";
import type { CpuMemory } from "./cpu-memory.ts";

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const STRIP_BYTES = 1024; // workspace of runChain

/** C = A·B with the packing workspace at `workspace`: what a product on one or several threads has in common. */
export type Multiply = (
  sizes: MatmulLaunch,
  a: number,
  b: number,
  c: number,
  strideC: number,
  workspace: number,
) => void;

/** What binding needs of the machine. Addresses are bytes. */
export interface CpuBinding {
  readonly kernels: Kernels;
  /** How to multiply for this launch, and the workspace it takes. */
  readonly multiplier: (launch: MatmulLaunch) => { multiply: Multiply; workspaceBytes: number };
  readonly memory: CpuMemory;
  readonly address: (buffer: BufferId) => number;
  /** At least `bytes` of workspace from now on; the address may change until a step runs. */
  reserve(bytes: number): void;
  workspace(): number;
  /** Memory for words that stay, freed with the executable. */
  keep(words: Uint32Array): number;
}

export function bindLaunch(launch: Launch, binding: CpuBinding): () => void {
  const { kernels, address } = binding;
  switch (launch.kind) {
    case "gather":
      return bindGather(launch, binding);
    case "scatter":
      return bindScatter(launch, binding);
    case "matmul":
      return bindMatmul(launch, binding);
    case "elementwise":
      return bindElementwise(launch, binding);
    case "reduce": {
      const parts = launch.reductions.map((reduction) => bindReduction(reduction, binding));
      return () => parts.forEach((part) => part());
    }
    case "rowNormalize": {
      const [source, out] = [address(launch.source), address(launch.out)];
      return () => kernels.normalizeRows(source, out, launch.rows, launch.columns);
    }
    case "rowNormalizeGradient": {
      const [source, upstream, out] = [address(launch.source), address(launch.upstream), address(launch.out)];
      return () => kernels.normalizeRowsGradient(source, upstream, out, launch.rows, launch.columns);
    }
    case "softmaxRows":
      return bindSoftmaxRows(launch, binding);
    case "sumSquares": {
      const [source, partials] = [address(launch.source), address(launch.partials)];
      return () => kernels.sumSquares(source, launch.elements, launch.chunk, launch.count, partials);
    }
    case "adamw":
      return bindAdamW(launch, binding);
  }
}

function bindGather({ copies }: GatherLaunch, { kernels, address }: CpuBinding): () => void {
  const bound = copies.map((copy) => ({
    ...copy,
    table: address(copy.table),
    indices: address(copy.indices),
    out: address(copy.out),
  }));
  return () => {
    for (const { table, tableRows, indices, out, rows, columns } of bound) {
      kernels.gatherRows(table, tableRows, indices, out, rows, columns);
    }
  };
}

function bindScatter(launch: ScatterLaunch, { kernels, address }: CpuBinding): () => void {
  const [source, indices, out] = [address(launch.source), address(launch.indices), address(launch.out)];
  return () => kernels.scatterRows(source, indices, out, launch.rows, launch.tableRows, launch.columns);
}

/**
 * The product is written to the result and the steps run over it; where a step reads the memory of the result itself
 * (out = product + out), the product goes to workspace first.
 */
function bindMatmul(launch: MatmulLaunch, binding: CpuBinding): () => void {
  const { address } = binding;
  const { m, n, strideOut, steps } = launch;
  const [a, b, out] = [address(launch.a), address(launch.b), address(launch.out)];
  const { multiply, workspaceBytes } = binding.multiplier(launch);
  const detour = readsResult(launch, binding);
  binding.reserve(workspaceBytes + (detour ? m * n * FLOAT : 0));
  if (steps.length === 0) return () => multiply(launch, a, b, out, strideOut, binding.workspace());
  const stride = detour ? n : strideOut;
  const result = { steps, out: launch.out, rows: m, columns: n, strideOut };
  const chain = bindChain(result, "full", stride, binding);
  return () => {
    const workspace = binding.workspace();
    const product = detour ? workspace + workspaceBytes : out;
    multiply(launch, a, b, product, stride, workspace);
    chain(product);
  };
}

/** What a chain writes. */
interface ChainResult {
  readonly steps: readonly Step[];
  readonly out: BufferId;
  readonly rows: number;
  readonly columns: number;
  readonly strideOut: number;
}

function readsResult({ steps, out }: Pick<ChainResult, "steps" | "out">, { address }: CpuBinding): boolean {
  return operandsOf(steps).some((buffer) => address(buffer) === address(out));
}

/** The chain as a function of its source's address. */
function bindChain(
  result: ChainResult,
  broadcast: Operand["broadcast"],
  stride: number,
  binding: CpuBinding,
): (source: number) => void {
  const { steps, rows, columns, strideOut } = result;
  const out = binding.address(result.out);
  const words = binding.keep(encodeChain(steps, columns, binding.address));
  binding.reserve(STRIP_BYTES);
  const spread = broadcast === "scalar" || (broadcast === "full" && stride === columns);
  const flat = spread && strideOut === columns && ignoresShape(steps);
  const [lines, length] = flat ? [1, rows * columns] : [rows, columns];
  const direct = length % 4 === 0 && !readsResult(result, binding);
  const code = BROADCAST_CODES[broadcast];
  return (source) => {
    const workspace = direct ? 0 : binding.workspace();
    const { runChain } = binding.kernels;
    runChain(lines, length, source, code, stride, out, strideOut, words, steps.length, workspace);
  };
}

function bindElementwise(launch: ElementwiseLaunch, binding: CpuBinding): () => void {
  const { columns, source } = launch;
  const chain = bindChain({ ...launch, strideOut: columns }, source.broadcast, columns, binding);
  const from = binding.address(source.buffer);
  return () => chain(from);
}

function bindReduction(reduction: Reduction, { kernels, address }: CpuBinding): () => void {
  const source = address(reduction.source);
  const times = reduction.times === undefined ? 0 : address(reduction.times);
  const factor = reduction.factor === undefined ? 0 : address(reduction.factor);
  const out = address(reduction.out) + reduction.at * FLOAT;
  const { axis, scale } = reduction;
  const root = reduction.root ? 1 : 0;
  const sum = axis === "columns" ? kernels.reduceColumns : kernels.reduceRows;
  const rows = axis === "all" ? 1 : reduction.rows;
  const columns = axis === "all" ? reduction.rows * reduction.columns : reduction.columns;
  return () => sum(source, times, rows, columns, scale, factor, root, out);
}

function bindSoftmaxRows(launch: SoftmaxRowsLaunch, binding: CpuBinding): () => void {
  const { kernels, address } = binding;
  const { rows, columns, stride, scale } = launch;
  const optional = (buffer: BufferId | undefined): number => (buffer === undefined ? 0 : address(buffer));
  const [logits, loss] = [address(launch.logits), address(launch.loss)];
  const [queries, beta] = [optional(launch.queries?.buffer), optional(launch.queries?.beta)];
  const width = launch.queries?.width ?? 0;
  const positives = optional(launch.positives?.buffer);
  const perRow = launch.positives?.perRow ?? 0;
  const [rowGroups, columnGroups] = [optional(launch.groups?.rows), optional(launch.groups?.columns)];
  const coefficients = optional(launch.coefficients);
  binding.reserve((columns + 8) * FLOAT);
  return () =>
    kernels.softmaxRows(
      rows,
      columns,
      stride,
      scale,
      logits,
      queries,
      width,
      beta,
      positives,
      perRow,
      rowGroups,
      columnGroups,
      loss,
      coefficients,
      binding.workspace(),
    );
}

/** The whole optimizer step: norm, guard, clip factor and log row here, one kernel call for each segment. */
function bindAdamW(launch: AdamWLaunch, binding: CpuBinding): () => void {
  const { memory, address } = binding;
  const [partials, log] = [address(launch.partials), address(launch.log)];
  const { maxNorm, normAt, loss } = launch;
  const rows = loss && address(loss.rows);
  const logSize = 1 + Math.max(normAt ?? 0, loss?.at ?? 0);
  const update = bindUpdate(launch, binding);
  return () => {
    const squares = Math.fround(sum(memory.floats(partials, launch.partialCount)));
    const norm = Math.sqrt(squares);
    const finite = Number.isFinite(squares); // the sum itself, before any minimum could hide it
    const row = memory.floats(log, logSize);
    row[0] = finite ? 0 : 1;
    if (finite) update(Math.min(1, maxNorm / (norm + 1e-6)));
    if (normAt !== undefined) row[normAt] = norm;
    if (loss && rows !== undefined) row[loss.at] = loss.scale * sum(memory.floats(rows, loss.count));
  };
}

function bindUpdate(launch: AdamWLaunch, { kernels, memory, address }: CpuBinding): (clip: number) => void {
  const [weights, gradients, moments] = [
    address(launch.weights),
    address(launch.gradients),
    address(launch.moments),
  ];
  const second = moments + launch.elements * FLOAT;
  const [beta1, beta2] = launch.betas;
  const scalars = [launch.learningRate, ...launch.corrections].map(address);
  return (clip) => {
    const [rate, first, other] = scalars.map((at) => memory.floats(at, 1)[0]!) as [number, number, number];
    for (const { offset, elements, weightDecay } of launch.segments) {
      const at = offset * FLOAT;
      kernels.adamw(
        weights + at,
        gradients + at,
        moments + at,
        second + at,
        elements,
        clip,
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        1 - rate * weightDecay,
        rate,
        first,
        other,
        launch.epsilon,
      );
    }
  };
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
