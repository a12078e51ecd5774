/** The twin of rotary positions; the formula stands at the launch in plan-sequence.ts. */
import type { RotaryLaunch } from "../plan-sequence.ts";
import type { Buffers } from "./buffers.ts";

export function rotary(launch: RotaryLaunch, buffers: Buffers): void {
  const { rows, heads, headSize, turn, tableRows } = launch;
  const [x, positions, table] = [launch.source, launch.positions, launch.table].map(buffers);
  const out = buffers(launch.out);
  const half = headSize / 2;
  for (let row = 0; row < rows; row++) {
    const angles = Math.min(positions![row]!, tableRows - 1) * headSize;
    for (let head = 0; head < heads; head++) {
      const at = (row * heads + head) * headSize;
      for (let i = 0; i < half; i++) {
        const [cosine, sine] = [table![angles + i]!, turn * table![angles + half + i]!];
        const [first, second] = [x![at + i]!, x![at + half + i]!];
        out[at + i] = first * cosine - second * sine;
        out[at + half + i] = second * cosine + first * sine;
      }
    }
  }
}
