import type { BufferId, ScatterLaunch } from "../../plan.ts";
import { groupsFor, integers, MOST_GROUPS, type CodeOptions, type LaunchCode } from "./code.ts";
import { partialSumsCode } from "./reduce-code.ts";

const LANES = 64;
const COLUMNS = 4 * LANES; // a workgroup's
const FEW_GROUPS = 64; // fewer leave a device idle
const PART_ROWS = 256; // rows of the source that one part of a small table sums

/** How a table's gradient is shared out; the reasons stand in kernels/scatter.wgsl. */
export function scatterCodes(launch: ScatterLaunch, options: CodeOptions): LaunchCode[] {
  const { rows, tableRows, columns, source, indices, out } = launch;
  const bySource = tableRows > rows;
  const across = Math.ceil(columns / COLUMNS);
  const small = !bySource && tableRows * across < FEW_GROUPS && rows > PART_ROWS;
  const parts = small ? Math.ceil(rows / PART_ROWS) : 1;
  const settings = integers([rows, tableRows, columns, bySource ? 1 : 0, small ? PART_ROWS : rows]);
  const size = tableRows * columns;
  const sum: LaunchCode = {
    kernel: "scatter",
    constants: { LANES },
    settings,
    bindings: [source, indices, small ? { scratch: parts * size } : out],
    groups: [Math.min(MOST_GROUPS, bySource ? rows : tableRows), across, parts],
    flops: rows * columns + Math.min(tableRows, rows) * rows,
  };
  if (small) return [sum, partialSumsCode(parts, size, out, options)];
  return bySource ? [clearCode(size, out), sum] : [sum];
}

const CLEAR_BLOCKS = 8; // vec4s of a thread, about

function clearCode(elements: number, out: BufferId): LaunchCode {
  const blocks = Math.ceil(elements / 4);
  return {
    kernel: "clear",
    constants: {},
    settings: integers([blocks]),
    bindings: [out],
    groups: [groupsFor(blocks / CLEAR_BLOCKS), 1],
    flops: elements,
  };
}
