/**
 * Sums in a fixed order.
 *   reduceAll, reduceRows, reduceColumns   out = finish(scale · factor[0] · Σ source · times), finish = √ where `root`
 *   sumSquares   partials[p] = Σ source² over elements [p·chunk, (p + 1)·chunk)
 *
 * Plan: a sum over many values is made of blocks of 256 values in f32 (dot of rows.ts), and the blocks are added in
 * float64, so that rounding does not grow with the length. Columns: four columns at a time down the rows.
 * `times` and `factor` are addresses, 0 where absent.
 */
import { dot } from "./rows";
import { loadPartial, multiplyAdd, storePartial, sumLanes } from "./vector";

const BLOCK: usize = 256;

/** Σ x over one block. */
function blockSum(x: usize, count: usize): f32 {
  let sums = f32x4.splat(0);
  const whole = (count & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) sums = f32x4.add(sums, v128.load(x + i));
  const rest = <u32>(count & 3);
  if (rest) sums = f32x4.add(sums, loadPartial(x + whole, rest));
  return sumLanes(sums);
}

/** Σ x·y over any length, x alone where y is 0. */
export function longSum(x: usize, y: usize, count: usize): f64 {
  let total: f64 = 0;
  for (let from: usize = 0; from < count; from += BLOCK) {
    const length = min(BLOCK, count - from);
    const at = from << 2;
    total += y ? dot(x + at, y + at, length) : blockSum(x + at, length);
  }
  return total;
}

@inline
function finish(sum: f64, scale: f32, factor: usize, root: bool): f32 {
  let value = sum * scale;
  if (factor) value *= load<f32>(factor);
  return <f32>(root ? sqrt(value) : value);
}

/** One sum a row: out[row]. With rows = 1 and columns = all elements, the sum over everything. */
export function reduceRows(
  source: usize, times: usize, rows: usize, columns: usize, scale: f32, factor: usize, root: bool, out: usize,
): void {
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; row++) {
    const sum = longSum(source + row * bytes, times ? times + row * bytes : 0, columns);
    store<f32>(out + (row << 2), finish(sum, scale, factor, root));
  }
}

@inline
function columnSums(source: usize, times: usize, rows: usize, bytes: usize): v128 {
  let sums = f32x4.splat(0);
  for (let row: usize = 0, at: usize = 0; row < rows; row++, at += bytes) {
    const value = v128.load(source + at);
    sums = times ? multiplyAdd(value, v128.load(times + at), sums) : f32x4.add(sums, value);
  }
  return sums;
}

/** One sum a column: out[column]. Loads of the last 1 to 3 columns may run past the matrix, never past memory. */
export function reduceColumns(
  source: usize, times: usize, rows: usize, columns: usize, scale: f32, factor: usize, root: bool, out: usize,
): void {
  const bytes = columns << 2;
  const multiplier = f32x4.splat(factor ? scale * load<f32>(factor) : scale);
  for (let column: usize = 0; column < columns; column += 4) {
    const at = column << 2;
    let value = f32x4.mul(columnSums(source + at, times ? times + at : 0, rows, bytes), multiplier);
    if (root) value = f32x4.sqrt(value);
    if (column + 4 <= columns) v128.store(out + at, value);
    else storePartial(out + at, value, <u32>(columns - column));
  }
}

export function sumSquares(source: usize, elements: usize, chunk: usize, count: usize, partials: usize): void {
  for (let p: usize = 0; p < count; p++) {
    const from = p * chunk;
    const length = from < elements ? min(chunk, elements - from) : 0;
    const at = source + (from << 2);
    store<f32>(partials + (p << 2), <f32>longSum(at, at, length));
  }
}
