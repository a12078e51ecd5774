/**
 * Rows by spans, and parts of matrices. spans: u32 [segments, 2], half open.
 *   segmentMean           out[s, :] = the mean of source rows in span s, r ascending; 0 for an empty span
 *   segmentMeanGradient   out[r, :] = upstream[s, :] / length of s for the span s that holds row r; 0 in none
 *   copyBlock             out[r, c] = source[r + rowOffset, c + columnOffset] where that exists, else 0
 *
 * Plan: whole rows, one after the other. Edges: 1 to 3 last columns by partial loads and stores.
 */
import { loadPartial, storePartial } from "./vector";

@inline
function addRow(target: usize, source: usize, whole: usize, rest: u32): void {
  for (let i: usize = 0; i < whole; i += 16) {
    v128.store(target + i, f32x4.add(v128.load(target + i), v128.load(source + i)));
  }
  if (rest) {
    storePartial(target + whole, f32x4.add(loadPartial(target + whole, rest), loadPartial(source + whole, rest)), rest);
  }
}

@inline
function scaledRow(target: usize, source: usize, whole: usize, rest: u32, factor: f32): void {
  const f = f32x4.splat(factor);
  for (let i: usize = 0; i < whole; i += 16) v128.store(target + i, f32x4.mul(v128.load(source + i), f));
  if (rest) storePartial(target + whole, f32x4.mul(loadPartial(source + whole, rest), f), rest);
}

export function segmentMean(segments: usize, columns: usize, source: usize, spans: usize, out: usize): void {
  const bytes = columns << 2, whole = (columns & ~3) << 2;
  const rest = <u32>(columns & 3);
  for (let segment: usize = 0; segment < segments; segment++, out += bytes) {
    const first = <usize>load<u32>(spans + (segment << 3)), end = <usize>load<u32>(spans + (segment << 3), 4);
    memory.fill(out, 0, bytes);
    if (end <= first) continue;
    for (let row = first; row < end; row++) addRow(out, source + row * bytes, whole, rest);
    scaledRow(out, out, whole, rest, 1 / <f32>(end - first));
  }
}

export function segmentMeanGradient(
  rows: usize, segments: usize, columns: usize, upstream: usize, spans: usize, out: usize,
): void {
  const bytes = columns << 2, whole = (columns & ~3) << 2;
  const rest = <u32>(columns & 3);
  memory.fill(out, 0, rows * bytes);
  for (let segment: usize = 0; segment < segments; segment++, upstream += bytes) {
    const first = <usize>load<u32>(spans + (segment << 3)), end = min<usize>(load<u32>(spans + (segment << 3), 4), rows);
    if (end <= first) continue;
    const share: f32 = 1 / <f32>(end - first);
    for (let row = first; row < end; row++) scaledRow(out + row * bytes, upstream, whole, rest, share);
  }
}

/** 4-byte words of any type. */
export function copyBlock(
  rows: usize, columns: usize, source: usize, sourceRows: usize, sourceColumns: usize, rowOffset: i32,
  columnOffset: i32, out: usize,
): void {
  const before = <usize>max<i32>(0, min<i32>(-columnOffset, <i32>columns)); // columns of out left of the source
  const from = <usize>max<i32>(0, columnOffset);
  const count = from < sourceColumns ? min<usize>(columns - before, sourceColumns - from) : 0;
  const after = columns - before - count;
  for (let row: usize = 0; row < rows; row++, out += columns << 2) {
    const at = <i64>row + <i64>rowOffset;
    if (at < 0 || at >= <i64>sourceRows || count === 0) {
      memory.fill(out, 0, columns << 2);
      continue;
    }
    if (before) memory.fill(out, 0, before << 2);
    memory.copy(out + (before << 2), source + ((<usize>at * sourceColumns + from) << 2), count << 2);
    if (after) memory.fill(out + ((before + count) << 2), 0, after << 2);
  }
}
