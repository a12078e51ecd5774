import type { AttentionGradientLaunch, AttentionLaunch, AttentionReads } from "../../plan-sequence.ts";
import { dropThreshold } from "../../random.ts";
import { groupsFor, integers, withFloats, type CodeOptions, type LaunchCode, type Scratch } from "./code.ts";

const TILE = 32; // rows, keys and columns that a workgroup takes at a time: fixed by the kernels
const ROWS = 4; // and a thread of the kernels without workgroup memory
const ROWS_LANES = 4; // threads in their workgroup: one SIMD group of a software adapter

export function attentionCode(launch: AttentionLaunch, options: CodeOptions): LaunchCode {
  const { queries, keys, values, ranges, dropout, out, logSumExp } = launch;
  return {
    kernel: byRows(launch, options) ? "attentionRows" : "attention",
    settings: settingsOf(launch, logSumExp === undefined ? 0 : 1),
    bindings: [dropout?.counter, queries, keys, values, ranges, out, logSumExp],
    ...gridOf(launch, options),
    flops: 2 * pairsOf(launch),
  };
}

/** Per row what both halves need, then the gradient of the queries, then that of keys and values. */
export function attentionGradientCodes(launch: AttentionGradientLaunch, options: CodeOptions): LaunchCode[] {
  const { rows, heads, keyHeads, headSize, queries, keys, values, ranges, dropout } = launch;
  const { out, logSumExp, upstream, dQueries, dKeys, dValues } = launch;
  const stats: Scratch = { scratch: 2 * rows * heads };
  const reads = [dropout?.counter, queries, keys, values, ranges, stats, upstream];
  const shared = { settings: settingsOf(launch, 0), ...gridOf(launch, options) };
  const rowwise = byRows(launch, options);
  return [
    {
      kernel: "attentionDelta",
      constants: {},
      settings: integers([rows, heads, headSize]),
      bindings: [out, upstream, logSumExp, stats],
      groups: [groupsFor(rows * heads), 1],
      flops: 2 * rows * heads * headSize,
    },
    {
      ...shared,
      kernel: rowwise ? "attentionRowsGradientQueries" : "attentionGradientQueries",
      bindings: [...reads, dQueries],
      flops: 3 * pairsOf(launch),
    },
    {
      ...shared,
      groups: [shared.groups[0], keyHeads, ...shared.groups.slice(2)] as [number, number, number?],
      kernel: rowwise ? "attentionRowsGradientKeys" : "attentionGradientKeys",
      bindings: [...reads, dKeys, dValues],
      flops: 4 * pairsOf(launch),
    },
  ];
}

/** Workgroup memory costs a software adapter more than it saves. */
function byRows({ headSize }: AttentionReads, { software }: CodeOptions): boolean {
  return software && headSize % 4 === 0;
}

function gridOf(launch: AttentionReads, options: CodeOptions): Pick<LaunchCode, "groups" | "constants"> {
  const { rows, heads, headSize } = launch;
  if (byRows(launch, options)) {
    const groups = [Math.ceil(rows / ROWS / ROWS_LANES), heads] as const;
    return { groups, constants: { LANES: ROWS_LANES } };
  }
  return { groups: [Math.ceil(rows / TILE), heads, Math.ceil(headSize / TILE)], constants: {} };
}

/** FLOPs of one product of all rows with all they attend to, were all sequences of the longest's length. */
function pairsOf({ rows, heads, headSize, longest }: AttentionReads): number {
  return 2 * rows * Math.min(rows, longest) * heads * headSize;
}

function settingsOf(launch: AttentionReads, saves: number): ArrayBuffer {
  const { rows, heads, keyHeads, headSize, causal, scale, dropout } = launch;
  const rate = dropout?.rate ?? 0;
  const chunks = Math.ceil(headSize / TILE);
  const words = [
    rows,
    heads * headSize,
    headSize,
    chunks,
    0,
    dropThreshold(rate),
    0,
    dropout?.seed ?? 0,
    saves,
    keyHeads * headSize,
    heads / keyHeads,
    causal ? 1 : 0,
  ];
  return withFloats(integers(words), [
    [4, scale],
    [6, 1 / (1 - rate)],
  ]);
}
