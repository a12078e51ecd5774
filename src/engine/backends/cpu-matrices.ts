/** Binds products, chains and sums to kernels, cut into calls by rows, columns or elements. */
import type { BufferId, ElementwiseLaunch, MatmulLaunch, Operand, Reduction, Step } from "../plan.ts";
import { callOf, type Kernels, type PartCall } from "../wasm/kernels.ts";
import { FLOAT, optionalAddress, STORED_CODES, type CpuBinding } from "./cpu-binding.ts";
import { BROADCAST_CODES, encodeChain, ignoresShape, operandsOf } from "./cpu-chain.ts";
import { piecesOf, rangesOf } from "./cpu-tasks.ts";

const STRIP_BYTES = 1024; // workspace of runChain
const LAYOUT_CODES = { NT: 0, NN: 1, TN: 2, TT: 3 } as const;
const BLOCKED_FLOPS = 4e6; // of a product: below that, copying the operands shows
const FEW_ROWS = 16; // of NT: B is met too few times to be worth copying (tokens that are generated)
const PART_ROWS = 240; // with 384 columns what a part reads and writes stays in L2
const PART_COLUMNS = 384;
const WIDEST_PART = 1536; // where rows alone make enough parts
const ENOUGH_PARTS = 8;
const TILE_ROWS = 5;
const GRAIN = 240; // a multiple of tiles' 5 and 4 rows and 8 columns
const STEP_FLOPS = 8; // a chain's step on one value, roughly

/** A product and its steps, part by part; where a step reads the memory of the result, by a detour. */
export function matmulCalls(launch: MatmulLaunch, binding: CpuBinding): PartCall[] {
  const { address, kernels } = binding;
  const { layout, m, n, k, strideA, strideB, strideOut, steps, typeB } = launch;
  const [a, b, out] = [address(launch.a), address(launch.b), address(launch.out)];
  const detour = readsResult(launch, binding);
  const few = layout === "NT" && m <= FEW_ROWS;
  const blocked = !few && (typeB !== undefined || 2 * m * n * k >= BLOCKED_FLOPS);
  const parts = blocked ? partsOf(launch) : few ? columnParts(launch) : [[0, m, 0, n] as const];
  const productBytes = aligned(workspaceBytes(launch, blocked, parts, kernels));
  const largest = Math.max(...parts.map(([r0, r1, c0, c1]) => (r1 - r0) * (c1 - c0)));
  binding.reserve(productBytes + STRIP_BYTES + (detour ? largest * FLOAT : 0));
  const words = steps.length > 0 ? binding.keep(encodeChain(steps, n, address)) : 0;
  const direct = n % 4 === 0 && !detour;
  const how = [LAYOUT_CODES[layout], blocked ? 1 : 0] as const;
  const matrices = [a, strideA, b, strideB, out, strideOut, n, k] as const;
  const rest = [words, steps.length, detour ? 1 : 0, direct ? 1 : 0, productBytes] as const;
  return parts.map((part) => {
    if (!typeB) return callOf("matmulPart", ...how, ...matrices, ...part, ...rest);
    const rowsOfB = layout.endsWith("T") ? n : k;
    return callOf("matmulStoredPart", ...how, STORED_CODES[typeB], rowsOfB, ...matrices, ...part, ...rest);
  });
}

function workspaceBytes(
  { layout, m, k, typeB }: MatmulLaunch,
  blocked: boolean,
  parts: readonly Part[],
  kernels: Kernels,
): number {
  if (blocked) return kernels.blockedWorkspaceBytes(Math.max(...parts.map(([from, to]) => to - from)));
  return typeB ? kernels.storedWorkspaceBytes() : kernels.matmulWorkspaceBytes(layout === "TT" ? m * k : 0);
}

type Part = readonly [firstRow: number, endRow: number, firstColumn: number, endColumn: number];

/** The result in blocks of rows of about equal size, and of columns where that makes too few parts for many threads. */
function partsOf({ m, n }: MatmulLaunch): readonly Part[] {
  const share = m / Math.ceil(m / PART_ROWS);
  const rows = rangesOf(m, Math.ceil(share / TILE_ROWS) * TILE_ROWS);
  const columns = rangesOf(n, rows.length >= ENOUGH_PARTS ? WIDEST_PART : PART_COLUMNS);
  return rows.flatMap(([r0, r1]) => columns.map(([c0, c1]): Part => [r0, r1, c0, c1]));
}

/** All rows at once, by columns: B is read once and is most of what is read. */
function columnParts({ m, n, k }: MatmulLaunch): readonly Part[] {
  return piecesOf(n, 2 * m * k, 32).map(([from, to]): Part => [0, m, from, to]);
}

function aligned(bytes: number): number {
  return Math.ceil((bytes >>> 0) / 64) * 64;
}

function readsResult(
  { steps, out }: { readonly steps: readonly Step[]; readonly out: BufferId },
  { address }: CpuBinding,
): boolean {
  return operandsOf(steps).some((buffer) => address(buffer) === address(out));
}

/** A chain over a source; where no step looks at rows or columns, over the elements as one long row. */
export function elementwiseCalls(launch: ElementwiseLaunch, binding: CpuBinding): PartCall[] {
  const { source, steps, rows, columns } = launch;
  const [from, out] = [binding.address(source.buffer), binding.address(launch.out)];
  const words = binding.keep(encodeChain(steps, columns, binding.address));
  binding.reserve(STRIP_BYTES);
  const flat = isSpread(source.broadcast) && ignoresShape(steps);
  const length = flat ? rows * columns : columns;
  const direct = length % 4 === 0 && !readsResult(launch, binding);
  const code = BROADCAST_CODES[source.broadcast];
  const call = ([r0, r1, c0, c1]: Part): PartCall => {
    const rest = [length, from, code, length, out, length, words, steps.length, direct ? 1 : 0] as const;
    return callOf("runChain", r0, r1, c0, c1, ...rest);
  };
  const each = STEP_FLOPS * (1 + steps.length);
  if (flat) return piecesOf(length, each, GRAIN * 4).map(([c0, c1]) => call([0, 1, c0, c1]));
  return piecesOf(rows, each * columns).map(([r0, r1]) => call([r0, r1, 0, columns]));
}

function isSpread(broadcast: Operand["broadcast"]): boolean {
  return broadcast === "scalar" || broadcast === "full";
}

export function reductionCalls(reduction: Reduction, binding: CpuBinding): PartCall[] {
  const { axis, scale, rows, columns } = reduction;
  const source = binding.address(reduction.source);
  const [times, factor] = [reduction.times, reduction.factor].map((id) => optionalAddress(binding, id));
  const out = binding.address(reduction.out) + reduction.at * FLOAT;
  const root = reduction.root ? 1 : 0;
  if (axis === "all")
    return [callOf("reduceRows", source, times!, 1, rows * columns, scale, factor!, root, out)];
  if (axis === "columns") {
    binding.reserve(STRIP_BYTES);
    return piecesOf(columns, 4 * rows, 64).map(([from, to]) =>
      callOf("reduceColumns", source, times!, rows, columns, from, to, scale, factor!, root, out),
    );
  }
  return piecesOf(rows, 4 * columns).map(([from, to]) => {
    const at = from * columns * FLOAT;
    const other = times ? times + at : 0;
    const target = out + from * FLOAT;
    return callOf("reduceRows", source + at, other, to - from, columns, scale, factor!, root, target);
  });
}
