/**
 * Rows kept between steps, and attention of few rows over them (formulas at src/engine/plan-sequence.ts):
 *   storeRows         store[places[r], :] = source[r, :] where places[r] lies inside
 *   cachedAttention   p = softmax over j in ranges[i] of scale · q[i]·k[j];  out[i] = Σ_j p[j] · v[j]
 *
 * Plan: a unit is one row and one head of keys; each head that reads it makes its scores in the workspace, four keys at a time, the
 * softmax in place, then 16 columns of the result at a time in registers, over all keys. Units are independent and are made in one
 * order, so the bits do not depend on how threads share them. Edges: the last keys one by one; widths that are no multiple of 16
 * by four columns, then one; an empty range gives 0.
 */
import { expOfNegative } from "./functions";
import { dot } from "./rows";
import { lanesBefore, maxLanes, multiplyAdd, sumLanes } from "./vector";

const LOWEST: f32 = -3e38;

export function storeRows(rows: usize, columns: usize, limit: u32, source: usize, places: usize, store: usize): void {
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; row++) {
    const place = load<u32>(places + (row << 2));
    if (place < limit) memory.copy(store + <usize>place * bytes, source + row * bytes, bytes);
  }
}

/** Bytes of workspace: the scores of one row, rounded up to vectors. */
export function cachedAttentionWorkspaceBytes(cached: usize): usize {
  return ((cached + 7) & ~7) << 2;
}

/** Four scores of one row, keys `stride` bytes apart. */
@inline
function fourScores(q: usize, k: usize, stride: usize, width: usize, scores: usize): void {
  let first = f32x4.splat(0), second = f32x4.splat(0), third = f32x4.splat(0), fourth = f32x4.splat(0);
  const whole = (width & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    const x = v128.load(q + i);
    first = multiplyAdd(x, v128.load(k + i), first);
    second = multiplyAdd(x, v128.load(k + stride + i), second);
    third = multiplyAdd(x, v128.load(k + 2 * stride + i), third);
    fourth = multiplyAdd(x, v128.load(k + 3 * stride + i), fourth);
  }
  let s0 = sumLanes(first), s1 = sumLanes(second), s2 = sumLanes(third), s3 = sumLanes(fourth);
  for (let i = whole; i < width << 2; i += 4) {
    const x = load<f32>(q + i);
    s0 += x * load<f32>(k + i);
    s1 += x * load<f32>(k + stride + i);
    s2 += x * load<f32>(k + 2 * stride + i);
    s3 += x * load<f32>(k + 3 * stride + i);
  }
  store<f32>(scores, s0);
  store<f32>(scores, s1, 4);
  store<f32>(scores, s2, 8);
  store<f32>(scores, s3, 12);
}

/** Scores to e^(scale·s − largest), zeros up to a whole vector; returns their sum. */
function exponentials(scores: usize, length: usize, scale: f32): f32 {
  const factor = f32x4.splat(scale);
  const whole = (length & ~3) << 2;
  const rest = <u32>(length & 3);
  let top = f32x4.splat(LOWEST);
  for (let i: usize = 0; i < whole; i += 16) top = f32x4.pmax(top, v128.load(scores + i));
  if (rest) top = f32x4.pmax(top, v128.bitselect(v128.load(scores + whole), f32x4.splat(LOWEST), lanesBefore(rest)));
  const minus = f32x4.splat(-maxLanes(top) * scale);
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) {
    const e = expOfNegative(multiplyAdd(v128.load(scores + i), factor, minus));
    sums = f32x4.add(sums, e);
    v128.store(scores + i, e);
  }
  if (rest) {
    const e = v128.and(expOfNegative(multiplyAdd(v128.load(scores + whole), factor, minus)), lanesBefore(rest));
    sums = f32x4.add(sums, e);
    v128.store(scores + whole, e);
  }
  return sumLanes(sums);
}

/** out = factor · Σ_j shares[j] · v[j] */
function weighted(shares: usize, v: usize, stride: usize, length: usize, width: usize, factor: f32, out: usize): void {
  const scale = f32x4.splat(factor);
  const bytes = width << 2;
  let at: usize = 0;
  for (; at + 64 <= bytes; at += 64) {
    let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0);
    let row = v + at;
    for (let j: usize = 0; j < length; j++, row += stride) {
      const share = v128.load32_splat(shares + (j << 2));
      a = multiplyAdd(share, v128.load(row), a);
      b = multiplyAdd(share, v128.load(row, 16), b);
      c = multiplyAdd(share, v128.load(row, 32), c);
      d = multiplyAdd(share, v128.load(row, 48), d);
    }
    v128.store(out + at, f32x4.mul(a, scale));
    v128.store(out + at, f32x4.mul(b, scale), 16);
    v128.store(out + at, f32x4.mul(c, scale), 32);
    v128.store(out + at, f32x4.mul(d, scale), 48);
  }
  for (; at + 16 <= bytes; at += 16) {
    let a = f32x4.splat(0);
    for (let j: usize = 0; j < length; j++) {
      a = multiplyAdd(v128.load32_splat(shares + (j << 2)), v128.load(v + at + j * stride), a);
    }
    v128.store(out + at, f32x4.mul(a, scale));
  }
  for (; at < bytes; at += 4) {
    let sum: f32 = 0;
    for (let j: usize = 0; j < length; j++) sum += load<f32>(shares + (j << 2)) * load<f32>(v + at + j * stride);
    store<f32>(out + at, sum * factor);
  }
}

/** Units [firstUnit, endUnit): unit u is row ⌊u / keyHeads⌋ with the head of keys that is left. */
export function cachedAttention(
  firstUnit: usize, endUnit: usize, heads: usize, keyHeads: usize, width: usize, scale: f32, queries: usize, keys: usize,
  values: usize, ranges: usize, out: usize, workspace: usize,
): void {
  const group = heads / keyHeads;
  const stride = (keyHeads * width) << 2;
  for (let unit = firstUnit; unit < endUnit; unit++) {
    const row = unit / keyHeads, keyHead = unit % keyHeads;
    const first = <usize>load<u32>(ranges + (row << 3)), end = <usize>load<u32>(ranges + (row << 3), 4);
    const at = ((row * heads + keyHead * group) * width) << 2;
    if (end <= first) {
      memory.fill(out + at, 0, (group * width) << 2);
      continue;
    }
    const length = end - first;
    const from = first * stride + ((keyHead * width) << 2);
    for (let head: usize = 0; head < group; head++) {
      const own = at + ((head * width) << 2);
      let j: usize = 0;
      for (; j + 4 <= length; j += 4) fourScores(queries + own, keys + from + j * stride, stride, width, workspace + (j << 2));
      for (; j < length; j++) store<f32>(workspace + (j << 2), dot(queries + own, keys + from + j * stride, width));
      const sum = exponentials(workspace, length, scale);
      weighted(workspace, values + from, stride, length, width, 1 / sum, out + own);
    }
  }
}
