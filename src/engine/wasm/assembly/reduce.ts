/**
 * Sums in a fixed order.
 *   reduceAll, reduceRows, reduceColumns   out = finish(scale · factor[0] · Σ source · times), finish = √ where `root`
 *   accumulate   target += source
 *   sumSquares   partials[p] = Σ source² over elements [p·chunk, (p + 1)·chunk)
 *
 * Plan: a sum over many values is made of blocks of 256 values in f32 (dot of rows.ts), and the blocks are added in
 * float64, so that rounding does not grow with the length. Columns: whole rows are added to a strip of sums.
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

/** target += row (· times), over `bytes`, a multiple of 16. */
@inline
function addLine(target: usize, line: usize, times: usize, bytes: usize): void {
  if (times) {
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(target + i, multiplyAdd(v128.load(line + i), v128.load(times + i), v128.load(target + i)));
    }
  } else {
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(target + i, f32x4.add(v128.load(target + i), v128.load(line + i)));
    }
  }
}

/** target += four rows one after the other, so that target is read and written once for them. */
@inline
function addFourLines(target: usize, line: usize, stride: usize, bytes: usize): void {
  const second = line + stride, third = second + stride, fourth = third + stride;
  for (let i: usize = 0; i < bytes; i += 16) {
    let sum = f32x4.add(v128.load(target + i), v128.load(line + i));
    sum = f32x4.add(sum, v128.load(second + i));
    sum = f32x4.add(sum, v128.load(third + i));
    v128.store(target + i, f32x4.add(sum, v128.load(fourth + i)));
  }
}

/**
 * One sum a column: out[column] for columns [firstColumn, endColumn), of which the first is a multiple of 4. Rows are
 * added to a strip of 256 sums in L1, r ascending. Loads of the last 1 to 3 columns may run past the matrix, never
 * past memory. Workspace: 1 KB.
 */
export function reduceColumns(
  source: usize, times: usize, rows: usize, columns: usize, firstColumn: usize, endColumn: usize, scale: f32,
  factor: usize, root: bool, out: usize, workspace: usize,
): void {
  const stride = columns << 2;
  const multiplier = f32x4.splat(factor ? scale * load<f32>(factor) : scale);
  for (let column = firstColumn; column < endColumn; column += BLOCK) {
    const length = min(BLOCK, endColumn - column);
    const bytes = ((length + 3) & ~3) << 2;
    memory.fill(workspace, 0, bytes);
    let line = source + (column << 2), other = times ? times + (column << 2) : 0;
    let row: usize = 0;
    if (!times) for (; row + 4 <= rows; row += 4, line += 4 * stride) addFourLines(workspace, line, stride, bytes);
    for (; row < rows; row++, line += stride, other += times ? stride : 0) addLine(workspace, line, other, bytes);
    for (let i: usize = 0; i < bytes; i += 16) {
      let value = f32x4.mul(v128.load(workspace + i), multiplier);
      if (root) value = f32x4.sqrt(value);
      const left = length - (i >> 2);
      const at = out + ((column << 2) + i);
      if (left >= 4) v128.store(at, value);
      else storePartial(at, value, <u32>left);
    }
  }
}

/** target += source, elementwise in place. */
export function accumulate(source: usize, target: usize, elements: usize): void {
  const whole = (elements & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    v128.store(target + i, f32x4.add(v128.load(target + i), v128.load(source + i)));
  }
  const rest = <u32>(elements & 3);
  if (rest) storePartial(target + whole, f32x4.add(loadPartial(target + whole, rest), loadPartial(source + whole, rest)), rest);
}

/** Partials [firstPartial, endPartial). */
export function sumSquares(
  source: usize, elements: usize, chunk: usize, firstPartial: usize, endPartial: usize, partials: usize,
): void {
  for (let p = firstPartial; p < endPartial; p++) {
    const from = p * chunk;
    const length = from < elements ? min(chunk, elements - from) : 0;
    const at = source + (from << 2);
    store<f32>(partials + (p << 2), <f32>longSum(at, at, length));
  }
}
