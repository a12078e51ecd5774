import type { BufferId, Plan, ReduceLaunch, Reduction } from "../../plan.ts";
import {
  integers,
  lanesOf,
  MOST_GROUPS,
  type Binding,
  type CodeOptions,
  type LaunchCode,
  type Region,
} from "./code.ts";

const NO_SLOT = 255;
const REDUCTION_BYTES = 32;
const TALL = 256; // rows from which a column is summed in two stages, or few threads would walk a long way
const PART_ROWS = 64; // of the first stage

type Buffers = Pick<Plan, "buffers">;

/**
 * Reductions that share a launch share a dispatch, but for sums down tall columns: each is two dispatches, parts of the
 * rows and then the parts. Results may lie apart in one storage: what spans them is bound, as long as a binding can.
 */
export function reduceCodes({ reductions }: ReduceLaunch, options: CodeOptions, plan: Buffers): LaunchCode[] {
  const tall = reductions.filter(({ axis, rows }) => axis === "columns" && rows > TALL);
  const rest = reductions.filter((reduction) => !tall.includes(reduction));
  const together = rest.length === 0 ? [] : [rest];
  const groups = together.flatMap((group) =>
    spanOf(group, plan).elements * 4 <= options.bindingBytes ? [group] : group.map((one) => [one]),
  );
  return [
    ...groups.map((group) => dispatchCode(group, spanOf(group, plan), options, plan)),
    ...tall.flatMap((reduction) => tallCodes(reduction, options, plan)),
  ];
}

/** Parts of the rows, plain; then their sum, finished. */
function tallCodes(reduction: Reduction, options: CodeOptions, plan: Buffers): LaunchCode[] {
  const parts = Math.ceil(reduction.rows / PART_ROWS);
  const partials: Binding = { scratch: parts * reduction.columns };
  const second = { ...reduction, rows: parts, times: undefined };
  const sum = dispatchCode([second], spanOf([second], plan), options, plan);
  const [, ...others] = sum.bindings; // the first is the source
  return [partsCode(reduction, partials, parts, options), { ...sum, bindings: [partials, ...others] }];
}

/** Sums of PART_ROWS rows each, four columns a thread where that goes. */
function partsCode(reduction: Reduction, partials: Binding, parts: number, options: CodeOptions): LaunchCode {
  const { rows, columns, source, times } = reduction;
  const LANES = lanesOf(options);
  const shared = { constants: { LANES }, flops: rows * columns };
  if (columns % 4 === 0) {
    return {
      ...shared,
      kernel: "columnSums",
      settings: integers([rows, columns / 4, PART_ROWS, times === undefined ? 0 : 1]),
      bindings: [source, times, partials],
      groups: [Math.ceil(columns / 4 / LANES), 1, parts],
    };
  }
  const plain = { ...reduction, factor: undefined, scale: 1, root: false, at: 0 };
  const settings = new ArrayBuffer(4 * REDUCTION_BYTES);
  const sources = sourcesOf([plain]);
  writeReduction(settings, 0, plain, sources, 0, PART_ROWS);
  return {
    ...shared,
    kernel: "reduce",
    settings,
    bindings: [sources[0], sources[1], undefined, undefined, undefined, partials],
    groups: [Math.min(MOST_GROUPS, Math.ceil(columns / LANES)), 1, parts],
  };
}

/** out[c] = Σ_p scratch[p, c]: the last stage of sums that were made in parts. */
export function partialSumsCode(
  parts: number,
  columns: number,
  out: BufferId,
  options: CodeOptions,
): LaunchCode {
  const LANES = lanesOf(options);
  const settings = new ArrayBuffer(4 * REDUCTION_BYTES);
  const none = { times: undefined, factor: undefined, scale: 1, root: false, out, at: 0 };
  const partials: Reduction = { axis: "columns", rows: parts, columns, source: 0, ...none };
  writeReduction(settings, 0, partials, [0], 0, 0);
  return {
    kernel: "reduce",
    constants: { LANES },
    settings,
    bindings: [{ scratch: parts * columns }, undefined, undefined, undefined, undefined, out],
    groups: [Math.min(MOST_GROUPS, Math.ceil(columns / LANES)), 1],
    flops: parts * columns,
  };
}

function dispatchCode(
  reductions: readonly Reduction[],
  span: Region,
  options: CodeOptions,
  { buffers }: Buffers,
): LaunchCode {
  const sources = sourcesOf(reductions);
  const settings = new ArrayBuffer(4 * REDUCTION_BYTES);
  const start = buffers[span.buffer]!.offset + span.from;
  reductions.forEach((reduction, index) =>
    writeReduction(settings, index, reduction, sources, buffers[reduction.out]!.offset - start, 0),
  );
  const LANES = lanesOf(options);
  const results = reductions.map(({ axis, rows, columns }) =>
    axis === "all" ? 1 : axis === "rows" ? rows : columns,
  );
  const bindings: Binding[] = [sources[0], sources[1], sources[2], sources[3], sources[4], span];
  return {
    kernel: "reduce",
    constants: { LANES },
    settings,
    bindings,
    groups: [Math.min(MOST_GROUPS, Math.ceil(Math.max(...results) / LANES)), reductions.length],
    flops: reductions.reduce((sum, { rows, columns }) => sum + rows * columns, 0),
  };
}

function sourcesOf(reductions: readonly Reduction[]): BufferId[] {
  const all = reductions.flatMap(({ source, times, factor }) => [source, times, factor]);
  return [...new Set(all)].filter((buffer) => buffer !== undefined);
}

/** The part of the storage from the first result to the end of the last. */
function spanOf(reductions: readonly Reduction[], { buffers }: Buffers): Region {
  const results = reductions.map(({ out }) => buffers[out]!);
  const first = results[0]!;
  const start = Math.min(...results.map(({ offset }) => offset));
  const end = Math.max(...results.map(({ offset, elements }) => offset + elements));
  return { buffer: first.id, from: start - first.offset, elements: end - start };
}

/** @param start where the result's buffer begins in what is bound   @param partRows rows of a part; 0: no parts */
function writeReduction(
  settings: ArrayBuffer,
  index: number,
  { axis, rows, columns, source, times, factor, scale, root, at }: Reduction,
  sources: readonly BufferId[],
  start: number,
  partRows: number,
): void {
  const slot = (buffer: BufferId | undefined): number =>
    buffer === undefined ? NO_SLOT : sources.indexOf(buffer);
  const view = new DataView(settings, index * REDUCTION_BYTES);
  const slots = slot(source) | (slot(times) << 8) | (slot(factor) << 16);
  const code = ["all", "rows", "columns"].indexOf(axis);
  [code, rows, columns, slots].forEach((word, place) => view.setUint32(place * 4, word, true));
  view.setFloat32(16, scale, true);
  view.setUint32(20, root ? 1 : 0, true);
  view.setUint32(24, start + at, true);
  view.setUint32(28, partRows, true);
}
