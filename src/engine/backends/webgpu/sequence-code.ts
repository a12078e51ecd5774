import type {
  BlockLaunch,
  LayerNormGammaLaunch,
  LayerNormGradientLaunch,
  LayerNormLaunch,
  RotaryLaunch,
  SegmentMeanGradientLaunch,
  SegmentMeanLaunch,
} from "../../plan-sequence.ts";
import {
  groupsFor,
  integers,
  lanesOf,
  MOST_GROUPS,
  withFloats,
  type Binding,
  type CodeOptions,
  type LaunchCode,
} from "./code.ts";
import { partialSumsCode } from "./reduce-code.ts";

/** Threads of a layer norm across a row and rows in a workgroup; one SIMD group on a software adapter. */
const NORM_THREADS = { hardware: { ACROSS: 16, DOWN: 4 }, software: { ACROSS: 4, DOWN: 1 } };
const GAMMA_BLOCK = 32; // rows that one workgroup sums

export function layerNormCode(launch: LayerNormLaunch, options: CodeOptions): LaunchCode {
  const { source, gamma, beta, out } = launch;
  return { ...normCode(launch, options), kernel: "layerNorm", bindings: [source, gamma, beta, out] };
}

export function layerNormGradientCode(launch: LayerNormGradientLaunch, options: CodeOptions): LaunchCode {
  const { source, gamma, upstream, out } = launch;
  const bindings = [source, gamma, upstream, out];
  return { ...normCode(launch, options), kernel: "layerNormGradient", bindings };
}

function normCode(
  { rows, columns, epsilon, centred }: LayerNormLaunch | LayerNormGradientLaunch,
  { software }: CodeOptions,
): Omit<LaunchCode, "kernel" | "bindings"> {
  const constants = { ...NORM_THREADS[software ? "software" : "hardware"], CENTRED: centred ? 1 : 0 };
  return {
    constants,
    settings: withFloats(integers([rows, columns, 0]), [[2, epsilon]]),
    groups: [Math.min(MOST_GROUPS, Math.ceil(rows / constants.DOWN)), 1],
    flops: 8 * rows * columns,
  };
}

/** Blocks of rows, then their partial sums; one dispatch where one block is all. */
export function layerNormGammaCodes(launch: LayerNormGammaLaunch, options: CodeOptions): LaunchCode[] {
  const { rows, columns, epsilon, centred, source, upstream, out } = launch;
  const blocks = Math.ceil(rows / GAMMA_BLOCK);
  const partials: Binding = blocks === 1 ? out : { scratch: blocks * columns };
  const first: LaunchCode = {
    kernel: "layerNormGamma",
    constants: { LANES: lanesOf(options), BLOCK: GAMMA_BLOCK, CENTRED: centred ? 1 : 0 },
    settings: withFloats(integers([rows, columns, 0]), [[2, epsilon]]),
    bindings: [source, upstream, partials],
    groups: [blocks, 1],
    flops: 8 * rows * columns,
  };
  return blocks === 1 ? [first] : [first, partialSumsCode(blocks, columns, out, options)];
}

export function rotaryCode(launch: RotaryLaunch): LaunchCode {
  const { rows, heads, headSize, turn, source, positions, table, tableRows, out } = launch;
  const pairs = (rows * heads * headSize) / 2;
  return {
    kernel: "rotary",
    constants: {},
    settings: withFloats(integers([rows, heads, headSize / 2, tableRows, 0]), [[4, turn]]),
    bindings: [source, positions, table, out],
    groups: [groupsFor(pairs), 1],
    flops: 6 * pairs,
  };
}

const SEGMENT_COLUMNS = 64; // a workgroup's

export function segmentMeanCode({ segments, columns, source, spans, out }: SegmentMeanLaunch): LaunchCode {
  return {
    kernel: "segmentMean",
    constants: {},
    settings: integers([segments, columns]),
    bindings: [source, spans, out],
    groups: [Math.min(MOST_GROUPS, segments), Math.ceil(columns / SEGMENT_COLUMNS)],
    flops: segments * columns,
  };
}

export function segmentMeanGradientCode(
  { rows, segments, columns, upstream, spans, out }: SegmentMeanGradientLaunch,
  options: CodeOptions,
): LaunchCode {
  return {
    kernel: "segmentMeanGradient",
    constants: { LANES: lanesOf(options) },
    settings: integers([rows, segments, columns]),
    bindings: [upstream, spans, out],
    groups: [Math.min(MOST_GROUPS, rows), 1],
    flops: rows * (columns + segments),
  };
}

const BLOCK_TURNS = 8; // columns that a thread copies, about

export function blockCode(launch: BlockLaunch, options: CodeOptions): LaunchCode {
  const { rows, columns, source, sourceRows, sourceColumns, rowOffset, columnOffset, out } = launch;
  const LANES = lanesOf(options);
  return {
    kernel: "block",
    constants: { LANES },
    settings: integers([rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset]),
    bindings: [source, out],
    groups: [Math.min(MOST_GROUPS, rows), Math.min(MOST_GROUPS, Math.ceil(columns / LANES / BLOCK_TURNS))],
    flops: rows * columns,
  };
}
