/**
 * Row numbers and row lengths.
 *   gatherRows        out[r, :] = table[min(indices[r], tableRows − 1), :]
 *   scatterRows       out[t, :] = Σ_{r: min(indices[r], tableRows − 1) = t} source[r, :], r ascending
 *   normalizeRows     y = x / max(‖x‖, 1e-12)                       (torch.nn.functional.normalize)
 *   normalizeRowsGradient   dX = (dY − ŷ·(ŷ·dY)) / ‖x‖; where ‖x‖ ≤ 1e-12, dX = dY·1e12
 *
 * Plan: one row after the other, two vector accumulators for a dot product, folded in a fixed order. 4-byte words are
 * copied as they are, so gatherRows serves f32 and u32. Edges: 1 to 3 last columns by partial loads and stores.
 */
import { loadPartial, multiplyAdd, storePartial, sumLanes } from "./vector";

export const SMALLEST_NORM: f32 = 1e-12;

export function gatherRows(
  table: usize,
  tableRows: usize,
  indices: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  const bytes = columns << 2;
  const last = <u32>tableRows - 1;
  for (let row: usize = 0; row < rows; row++) {
    const index = min(load<u32>(indices + (row << 2)), last);
    memory.copy(out + row * bytes, table + <usize>index * bytes, bytes);
  }
}

/** Columns [firstColumn, endColumn) of the table: cleared, then every source row added to its own, r ascending. */
export function scatterRows(
  source: usize,
  indices: usize,
  out: usize,
  rows: usize,
  tableRows: usize,
  columns: usize,
  firstColumn: usize,
  endColumn: usize,
): void {
  const bytes = columns << 2, from = firstColumn << 2;
  const count = endColumn - firstColumn;
  const last = <u32>tableRows - 1;
  if (count === columns) memory.fill(out, 0, tableRows * bytes);
  else for (let row: usize = 0; row < tableRows; row++) memory.fill(out + row * bytes + from, 0, count << 2);
  for (let row: usize = 0; row < rows; row++) {
    const index = min(load<u32>(indices + (row << 2)), last);
    addRow(out + <usize>index * bytes + from, source + row * bytes + from, count);
  }
}

function addRow(target: usize, source: usize, columns: usize): void {
  const whole = (columns & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    v128.store(target + i, f32x4.add(v128.load(target + i), v128.load(source + i)));
  }
  for (let i = whole; i < columns << 2; i += 4)
    store<f32>(target + i, load<f32>(target + i) + load<f32>(source + i));
}

/** x · y over `count` floats: two accumulators of four lanes, then the rest. */
export function dot(x: usize, y: usize, count: usize): f32 {
  let first = f32x4.splat(0),
    second = f32x4.splat(0);
  const pairs = (count & ~7) << 2;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    first = multiplyAdd(v128.load(x + i), v128.load(y + i), first);
    second = multiplyAdd(v128.load(x + i, 16), v128.load(y + i, 16), second);
  }
  if (count & 4) {
    first = multiplyAdd(v128.load(x + i), v128.load(y + i), first);
    i += 16;
  }
  const rest = <u32>(count & 3);
  if (rest) second = multiplyAdd(loadPartial(x + i, rest), loadPartial(y + i, rest), second);
  return sumLanes(f32x4.add(first, second));
}

export function normalizeRows(source: usize, out: usize, rows: usize, columns: usize): void {
  const bytes = columns << 2,
    whole = (columns & ~3) << 2;
  for (let row: usize = 0; row < rows; row++, source += bytes, out += bytes) {
    const inverse = f32x4.splat(1 / max(sqrt(dot(source, source, columns)), SMALLEST_NORM));
    for (let i: usize = 0; i < whole; i += 16) v128.store(out + i, f32x4.mul(v128.load(source + i), inverse));
    const rest = <u32>(columns & 3);
    if (rest) storePartial(out + whole, f32x4.mul(loadPartial(source + whole, rest), inverse), rest);
  }
}

export function normalizeRowsGradient(
  source: usize,
  upstream: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  const bytes = columns << 2,
    whole = (columns & ~3) << 2;
  for (let row: usize = 0; row < rows; row++, source += bytes, upstream += bytes, out += bytes) {
    const norm = sqrt(dot(source, source, columns));
    const constant = norm <= SMALLEST_NORM;
    const inverse: f32 = 1 / max(norm, SMALLEST_NORM);
    const along: f32 = constant ? 0 : -dot(source, upstream, columns) * inverse * inverse;
    const factor = f32x4.splat(along),
      scale = f32x4.splat(inverse);
    for (let i: usize = 0; i < whole; i += 16) {
      const value = multiplyAdd(factor, v128.load(source + i), v128.load(upstream + i));
      v128.store(out + i, f32x4.mul(value, scale));
    }
    const rest = <u32>(columns & 3);
    if (rest) {
      const value = multiplyAdd(
        factor,
        loadPartial(source + whole, rest),
        loadPartial(upstream + whole, rest),
      );
      storePartial(out + whole, f32x4.mul(value, scale), rest);
    }
  }
}
