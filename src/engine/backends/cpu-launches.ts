/** Binds launches to kernels: addresses are resolved once, the returned function is called at every step. */
import type {
  AccumulateLaunch,
  GatherLaunch,
  Launch,
  ScatterLaunch,
  SoftmaxRowsLaunch,
  SumSquaresLaunch,
} from "../plan.ts";
import { isStored } from "../graph.ts";
import { BLOCK, storedStride } from "../stored.ts";
import { callOf, type PartCall } from "../wasm/kernels.ts";
import { FLOAT, optionalAddress, STORED_CODES, type CpuBinding } from "./cpu-binding.ts";
import { elementwiseCalls, matmulCalls, reductionCalls } from "./cpu-matrices.ts";
import { bindAdamW } from "./cpu-optimizer.ts";
import { sequenceCalls } from "./cpu-sequence.ts";
import { piecesOf } from "./cpu-tasks.ts";

export function bindLaunch(launch: Launch, binding: CpuBinding): () => void {
  if (launch.kind === "adamw") return bindAdamW(launch, binding);
  return binding.compute(callsOf(launch, binding));
}

type Computed = Exclude<Launch, { kind: "adamw" }>;

function callsOf(launch: Computed, binding: CpuBinding): readonly PartCall[] {
  const { address } = binding;
  switch (launch.kind) {
    case "gather":
      return gatherCalls(launch, binding);
    case "scatter":
      return scatterCalls(launch, binding);
    case "matmul":
      return matmulCalls(launch, binding);
    case "elementwise":
      return elementwiseCalls(launch, binding);
    case "reduce":
      return launch.reductions.flatMap((reduction) => reductionCalls(reduction, binding));
    case "rowNormalize": {
      const [source, out] = [address(launch.source), address(launch.out)];
      return [callOf("normalizeRows", source, out, launch.rows, launch.columns)];
    }
    case "rowNormalizeGradient": {
      const [source, upstream, out] = [address(launch.source), address(launch.upstream), address(launch.out)];
      return [callOf("normalizeRowsGradient", source, upstream, out, launch.rows, launch.columns)];
    }
    case "softmaxRows":
      return [softmaxRowsCall(launch, binding)];
    case "sumSquares":
      return sumSquaresCalls(launch, binding);
    case "accumulate":
      return accumulateCalls(launch, binding);
    default:
      return sequenceCalls(launch, binding);
  }
}

function gatherCalls({ copies }: GatherLaunch, binding: CpuBinding): PartCall[] {
  const { address } = binding;
  return copies.flatMap((copy) => {
    const { tableRows, rows, columns, dtype } = copy;
    const [table, indices, out] = [address(copy.table), address(copy.indices), address(copy.out)];
    const stride = storedStride(dtype, columns);
    if (isStored(dtype)) binding.reserve((stride + BLOCK) * FLOAT);
    return piecesOf(rows, 8 * columns).map(([from, to]) => {
      const [places, target] = [indices + from * FLOAT, out + from * columns * FLOAT];
      if (!isStored(dtype)) return callOf("gatherRows", table, tableRows, places, target, to - from, columns);
      const matrix = [STORED_CODES[dtype], table, tableRows, stride] as const;
      return callOf("gatherStored", ...matrix, places, target, to - from, columns);
    });
  });
}

/** By columns: rows of a table may meet in any order, their columns never do. */
function scatterCalls(launch: ScatterLaunch, { address }: CpuBinding): PartCall[] {
  const { rows, tableRows, columns } = launch;
  const [source, indices, out] = [address(launch.source), address(launch.indices), address(launch.out)];
  const piece = 16 * 2 ** 20; // few pieces, for a strided table costs more
  return piecesOf(columns, 8 * (rows + tableRows), 64, piece).map(([from, to]) =>
    callOf("scatterRows", source, indices, out, rows, tableRows, columns, from, to),
  );
}

function softmaxRowsCall(launch: SoftmaxRowsLaunch, binding: CpuBinding): PartCall {
  const { address } = binding;
  const { rows, columns, stride, scale } = launch;
  const of = (buffer: number | undefined): number => optionalAddress(binding, buffer);
  binding.reserve((columns + 8) * FLOAT);
  return callOf(
    "softmaxRows",
    rows,
    columns,
    stride,
    scale,
    address(launch.logits),
    of(launch.queries?.buffer),
    launch.queries?.width ?? 0,
    of(launch.queries?.beta),
    of(launch.positives?.buffer),
    launch.positives?.perRow ?? 0,
    of(launch.targets),
    of(launch.groups?.rows),
    of(launch.groups?.columns),
    address(launch.loss),
    of(launch.coefficients),
  );
}

function sumSquaresCalls(launch: SumSquaresLaunch, { address }: CpuBinding): PartCall[] {
  const { elements, chunk, count } = launch;
  const [source, partials] = [address(launch.source), address(launch.partials)];
  return piecesOf(count, 8 * chunk).map(([from, to]) =>
    callOf("sumSquares", source, elements, chunk, from, to, partials),
  );
}

function accumulateCalls(launch: AccumulateLaunch, { address }: CpuBinding): PartCall[] {
  const [source, target] = [address(launch.source), address(launch.target)];
  return piecesOf(launch.elements, 8, 64).map(([from, to]) =>
    callOf("accumulate", source + from * FLOAT, target + from * FLOAT, to - from),
  );
}
