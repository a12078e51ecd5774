/** The twins of stored rows and of attention over them; the formulas stand at the launches in plan-sequence.ts. */
import type { CachedAttentionLaunch, StoreRowsLaunch } from "../plan-sequence.ts";
import type { Buffers } from "./buffers.ts";

export function storeRows(launch: StoreRowsLaunch, buffers: Buffers): void {
  const { rows, columns, storeRows: limit } = launch;
  const [source, places, store] = [launch.source, launch.places, launch.store].map(buffers);
  for (let row = 0; row < rows; row++) {
    const place = places![row]!;
    if (place < limit) store!.set(source!.subarray(row * columns, (row + 1) * columns), place * columns);
  }
}

export function cachedAttention(launch: CachedAttentionLaunch, buffers: Buffers): void {
  const { rows, heads, keyHeads, headSize } = launch;
  const [values, ranges, out] = [launch.values, launch.ranges, launch.out].map(buffers);
  out!.fill(0, 0, rows * heads * headSize);
  for (let row = 0; row < rows; row++) {
    const [first, end] = [ranges![2 * row]!, ranges![2 * row + 1]!];
    for (let head = 0; head < heads; head++) {
      const keyHead = Math.floor((head * keyHeads) / heads);
      const scores = scoresOf(launch, buffers, { row, head, keyHead, first, end });
      const largest = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - largest));
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (const [index, share] of shares.entries()) {
        const from = ((first + index) * keyHeads + keyHead) * headSize;
        for (let c = 0; c < headSize; c++) {
          out![(row * heads + head) * headSize + c]! += (share / total) * values![from + c]!;
        }
      }
    }
  }
}

interface Place {
  readonly row: number;
  readonly head: number;
  readonly keyHead: number;
  readonly first: number;
  readonly end: number;
}

function scoresOf(
  { heads, keyHeads, headSize, scale, ...launch }: CachedAttentionLaunch,
  buffers: Buffers,
  { row, head, keyHead, first, end }: Place,
): Float64Array {
  const [queries, keys] = [launch.queries, launch.keys].map(buffers);
  const scores = new Float64Array(Math.max(0, end - first));
  return scores.map((_, index) => {
    const [at, from] = [(row * heads + head) * headSize, ((first + index) * keyHeads + keyHead) * headSize];
    let sum = 0;
    for (let c = 0; c < headSize; c++) sum += queries![at + c]! * keys![from + c]!;
    return scale * sum;
  });
}
