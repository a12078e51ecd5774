import type { CachedAttentionLaunch, StoreRowsLaunch } from "../../plan-sequence.ts";
import { integers, lanesOf, MOST_GROUPS, withFloats, type CodeOptions, type LaunchCode } from "./code.ts";

export function storeRowsCode(launch: StoreRowsLaunch, options: CodeOptions): LaunchCode {
  const { rows, columns, storeRows, source, places, store } = launch;
  return {
    kernel: "storeRows",
    constants: { LANES: lanesOf(options) },
    settings: integers([rows, columns, storeRows]),
    bindings: [source, places, store],
    groups: [Math.min(MOST_GROUPS, rows), 1],
    flops: rows * columns,
  };
}

export function cachedAttentionCode(launch: CachedAttentionLaunch, options: CodeOptions): LaunchCode {
  const { rows, heads, keyHeads, headSize, cached, scale, queries, keys, values, ranges, out } = launch;
  return {
    kernel: "cachedAttention",
    constants: { LANES: lanesOf(options) },
    settings: withFloats(integers([rows, heads, headSize, heads / keyHeads, 0]), [[4, scale]]),
    bindings: [queries, keys, values, ranges, out],
    groups: [heads, Math.min(MOST_GROUPS, rows)],
    flops: 4 * rows * cached * heads * headSize,
  };
}
