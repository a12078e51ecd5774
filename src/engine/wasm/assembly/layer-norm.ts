/**
 * Layer normalisation of each row (torch.nn.LayerNorm): x̂ = (x − mean) / √(variance + ε), biased variance.
 *   layerNorm           y = x̂·γ + β
 *   layerNormGradient   dX = (g − mean(g) − x̂·mean(g·x̂)) / √(variance + ε),  g = dY·γ
 *   layerNormGamma      dγ[c] = Σ_r dY[r, c]·x̂[r, c], r ascending
 *
 * Where not `centred` (RMSNorm) the mean counts as 0, in x̂ as in dX, and there is no β.
 *
 * Plan: a row (1.5 KB at 384 columns) stays in L1 while it is swept: mean, then the mean of squared distances from it
 * (two sweeps, so that a large mean costs no digits), then the result. Gradients make mean and deviation again instead
 * of storing them. Rows are independent; layerNormGamma is split between threads by columns, which leaves its order of
 * summation as it is. Edges: 1 to 3 last columns by partial loads and stores. Results may be written over x or dY.
 */
import { loadPartial, lanesBefore, multiplyAdd, storePartial, sumLanes } from "./vector";

/** The mean of a row. */
@inline
function meanOf(x: usize, columns: usize): f32 {
  let first = f32x4.splat(0), second = f32x4.splat(0);
  const pairs = (columns & ~7) << 2;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    first = f32x4.add(first, v128.load(x + i));
    second = f32x4.add(second, v128.load(x + i, 16));
  }
  if (columns & 4) {
    first = f32x4.add(first, v128.load(x + i));
    i += 16;
  }
  const rest = <u32>(columns & 3);
  if (rest) second = f32x4.add(second, loadPartial(x + i, rest));
  return sumLanes(f32x4.add(first, second)) / <f32>columns;
}

/** 1 / √(variance + ε) of a row whose mean is known. */
@inline
function inverseDeviation(x: usize, columns: usize, mean: f32, epsilon: f32): f32 {
  const middle = f32x4.splat(mean);
  let first = f32x4.splat(0), second = f32x4.splat(0);
  const pairs = (columns & ~7) << 2;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const a = f32x4.sub(v128.load(x + i), middle), b = f32x4.sub(v128.load(x + i, 16), middle);
    first = multiplyAdd(a, a, first);
    second = multiplyAdd(b, b, second);
  }
  if (columns & 4) {
    const a = f32x4.sub(v128.load(x + i), middle);
    first = multiplyAdd(a, a, first);
    i += 16;
  }
  const rest = <u32>(columns & 3);
  if (rest) {
    const b = v128.and(f32x4.sub(loadPartial(x + i, rest), middle), lanesBefore(rest));
    second = multiplyAdd(b, b, second);
  }
  return 1 / sqrt(sumLanes(f32x4.add(first, second)) / <f32>columns + epsilon);
}

export function layerNorm(
  firstRow: usize, endRow: usize, columns: usize, epsilon: f32, centred: bool, source: usize, gamma: usize, beta: usize,
  out: usize,
): void {
  const bytes = columns << 2, whole = (columns & ~3) << 2;
  const rest = <u32>(columns & 3);
  for (let row = firstRow; row < endRow; row++) {
    const x = source + row * bytes, y = out + row * bytes;
    const mean = centred ? meanOf(x, columns) : 0;
    const scale = inverseDeviation(x, columns, mean, epsilon);
    const middle = f32x4.splat(mean), inverse = f32x4.splat(scale);
    for (let i: usize = 0; i < whole; i += 16) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + i), middle), inverse);
      const weight = v128.load(gamma + i);
      v128.store(y + i, centred ? multiplyAdd(unit, weight, v128.load(beta + i)) : f32x4.mul(unit, weight));
    }
    if (rest) {
      const unit = f32x4.mul(f32x4.sub(loadPartial(x + whole, rest), middle), inverse);
      const weight = loadPartial(gamma + whole, rest);
      const value = centred ? multiplyAdd(unit, weight, loadPartial(beta + whole, rest)) : f32x4.mul(unit, weight);
      storePartial(y + whole, value, rest);
    }
  }
}

/** dX of one row, with Σ g and Σ g·x̂ from a sweep of their own. */
@inline
function gradientOfRow(
  x: usize, gamma: usize, upstream: usize, out: usize, columns: usize, epsilon: f32, centred: bool,
): void {
  const whole = (columns & ~3) << 2;
  const rest = <u32>(columns & 3);
  const mean = centred ? meanOf(x, columns) : 0;
  const scale = inverseDeviation(x, columns, mean, epsilon);
  const middle = f32x4.splat(mean), inverse = f32x4.splat(scale);
  let sums = f32x4.splat(0), moments = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(upstream + i), v128.load(gamma + i));
    sums = f32x4.add(sums, g);
    moments = multiplyAdd(g, f32x4.mul(f32x4.sub(v128.load(x + i), middle), inverse), moments);
  }
  if (rest) {
    const g = f32x4.mul(loadPartial(upstream + whole, rest), loadPartial(gamma + whole, rest)); // 0 past the end
    sums = f32x4.add(sums, g);
    moments = multiplyAdd(g, f32x4.mul(f32x4.sub(loadPartial(x + whole, rest), middle), inverse), moments);
  }
  const meanOfG = f32x4.splat(centred ? sumLanes(sums) / <f32>columns : 0);
  const along = f32x4.splat(-sumLanes(moments) / <f32>columns);
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(upstream + i), v128.load(gamma + i));
    const unit = f32x4.mul(f32x4.sub(v128.load(x + i), middle), inverse);
    v128.store(out + i, f32x4.mul(multiplyAdd(along, unit, f32x4.sub(g, meanOfG)), inverse));
  }
  if (rest) {
    const g = f32x4.mul(loadPartial(upstream + whole, rest), loadPartial(gamma + whole, rest));
    const unit = f32x4.mul(f32x4.sub(loadPartial(x + whole, rest), middle), inverse);
    storePartial(out + whole, f32x4.mul(multiplyAdd(along, unit, f32x4.sub(g, meanOfG)), inverse), rest);
  }
}

export function layerNormGradient(
  firstRow: usize, endRow: usize, columns: usize, epsilon: f32, centred: bool, source: usize, gamma: usize,
  upstream: usize, out: usize,
): void {
  const bytes = columns << 2;
  for (let row = firstRow; row < endRow; row++) {
    const at = row * bytes;
    gradientOfRow(source + at, gamma, upstream + at, out + at, columns, epsilon, centred);
  }
}

/** Columns [firstColumn, endColumn) of dγ; `firstColumn` is a multiple of 4. */
export function layerNormGamma(
  rows: usize, columns: usize, firstColumn: usize, endColumn: usize, epsilon: f32, centred: bool, source: usize,
  upstream: usize, out: usize,
): void {
  const bytes = columns << 2, from = firstColumn << 2;
  const whole = ((endColumn - firstColumn) & ~3) << 2;
  const rest = <u32>((endColumn - firstColumn) & 3);
  const target = out + from;
  memory.fill(target, 0, (endColumn - firstColumn) << 2);
  for (let row: usize = 0; row < rows; row++) {
    const line = source + row * bytes;
    const mean = centred ? meanOf(line, columns) : 0;
    const scale = inverseDeviation(line, columns, mean, epsilon);
    const middle = f32x4.splat(mean), inverse = f32x4.splat(scale);
    const x = line + from, g = upstream + row * bytes + from;
    for (let i: usize = 0; i < whole; i += 16) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + i), middle), inverse);
      v128.store(target + i, multiplyAdd(v128.load(g + i), unit, v128.load(target + i)));
    }
    if (rest) {
      const unit = f32x4.mul(f32x4.sub(loadPartial(x + whole, rest), middle), inverse);
      const sum = multiplyAdd(loadPartial(g + whole, rest), unit, loadPartial(target + whole, rest));
      storePartial(target + whole, sum, rest);
    }
  }
}
