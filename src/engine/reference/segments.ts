/** The twins of pooling over sequences and of slices; the formulas stand at the launches in plan-sequence.ts. */
import type { BlockLaunch, SegmentMeanGradientLaunch, SegmentMeanLaunch } from "../plan-sequence.ts";
import type { Buffers } from "./buffers.ts";

export function segmentMean(launch: SegmentMeanLaunch, buffers: Buffers): void {
  const { segments, columns } = launch;
  const [source, spans] = [buffers(launch.source), buffers(launch.spans)];
  const means = new Float64Array(segments * columns);
  for (let segment = 0; segment < segments; segment++) {
    const [first, end] = [spans[2 * segment]!, spans[2 * segment + 1]!];
    for (let row = first; row < end; row++) {
      for (let c = 0; c < columns; c++) {
        means[segment * columns + c]! += source[row * columns + c]! / (end - first);
      }
    }
  }
  buffers(launch.out).set(means);
}

export function segmentMeanGradient(launch: SegmentMeanGradientLaunch, buffers: Buffers): void {
  const { rows, segments, columns } = launch;
  const [upstream, spans, out] = [launch.upstream, launch.spans, launch.out].map(buffers);
  out!.fill(0, 0, rows * columns);
  for (let segment = 0; segment < segments; segment++) {
    const [first, end] = [spans![2 * segment]!, spans![2 * segment + 1]!];
    for (let row = first; row < end; row++) {
      for (let c = 0; c < columns; c++) {
        out![row * columns + c] = upstream![segment * columns + c]! / (end - first);
      }
    }
  }
}

export function block(launch: BlockLaunch, buffers: Buffers): void {
  const { rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset } = launch;
  const [source, out] = [buffers(launch.source), buffers(launch.out)];
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      const [fromRow, fromColumn] = [row + rowOffset, c + columnOffset];
      const inside = fromRow >= 0 && fromRow < sourceRows && fromColumn >= 0 && fromColumn < sourceColumns;
      out[row * columns + c] = inside ? source[fromRow * sourceColumns + fromColumn]! : 0;
    }
  }
}
