/**
 * Attention over packed sequences, and its gradient (formulas at src/engine/plan-sequence.ts). For head h and row i:
 *   p = softmax over j in ranges[i] of scale · q[i]·k[j];  out[i] = Σ_j m(p[j]) · v[j];  logSumExp[h, i]
 *   gradient: p again from logSumExp, δ = dO·O, dV = (m p)ᵀ·dO, dS = p·(m·dO·vᵀ − δ), dQ = scale·dS·k, dK = scale·dSᵀ·q
 * with m the dropout factor: 0 or `kept` (1/(1 − rate)); none where `counter` is 0. Where causal, j ≤ i: a row's scores after
 * its own are made (those of its block) and set to 0. Heads of one group read the same keys and values (`keyHeads` of them).
 *
 * Plan: one sequence of one head at a time (a unit; in the gradient one of keys, with all heads that read it). Keys are copied transposed and values as they are into the panels
 * of matmul-panels.ts; scores are made for a block of query rows (about 64 KB with 256 keys), go through the softmax
 * in place and are multiplied on; causal blocks make scores up to their last row's only. Nothing of size T×T is kept. The gradient adds the blocks of dK and dV in order of
 * rows. Units are independent, so threads share them, by the number of scores: the bits do not depend on how.
 * Rows of an empty range are written 0 by part 0.
 * Any head width works; widths of a multiple of 8 waste no lanes.
 */
import { expOfNegative, log } from "./functions";
import { multiplyPacked, multiplyPanels, packRows, packTransposed, PANEL_WORKSPACE, SPILL_BYTES } from "./matmul-panels";
import { dropoutFactors } from "./random";
import { dot } from "./rows";
import { maxLanes, sumLanes, lanesBefore, multiplyAdd, storePartial, loadPartial } from "./vector";

const FORWARD_BLOCK: usize = 40; // query rows, a multiple of a tile's 5
const GRADIENT_BLOCK: usize = 60;
const LOWEST: f32 = -3e38;

@inline
function upTo8(count: usize): usize {
  return (count + 7) & ~7;
}

/** Bytes from one row of scores to the next: an odd number of cache lines, so that a column meets every cache set. */
@inline
function scoreStride(longest: usize): usize {
  return (((longest + 15) >> 4) | 1) << 6;
}

/** Bytes of workspace of `attention`; `longest` is the largest number of rows in a range. */
export function attentionWorkspaceBytes(longest: usize, width: usize): usize {
  const panels = (upTo8(longest) * width + longest * upTo8(width)) << 2;
  return SPILL_BYTES + panels + FORWARD_BLOCK * (scoreStride(longest) + 4) + 64;
}

/** Bytes of workspace of `attentionGradient`. */
export function attentionGradientWorkspaceBytes(longest: usize, width: usize): usize {
  const panels = (upTo8(longest) * 2 * width + longest * upTo8(width)) << 2;
  return PANEL_WORKSPACE + panels + GRADIENT_BLOCK * 2 * scoreStride(longest) + 64;
}

/** Dropout of one call; globals, since a unit needs all of them deep inside. */
let threshold: u32 = 0;
let kept: f32 = 1;
let counter: u32 = 0;
let seed: u32 = 0;
let drops: bool = false;

function setDropout(from: u32, factor: f32, counterAt: usize, number: u32): void {
  drops = counterAt !== 0;
  threshold = from;
  kept = factor;
  counter = drops ? load<u32>(counterAt) : 0;
  seed = number;
}

/**
 * One row of scores to e^(scale·s − largest), dropped where dropout says so; returns the sum before dropout.
 * `element` is the number of the row's first score for dropout. log Σ e^(scale·s) goes to `logSumExp`, unless 0.
 */
function softmaxOfRow(scores: usize, length: usize, scale: f32, logSumExp: usize, element: u32): f32 {
  const factor = f32x4.splat(scale);
  const whole = (length & ~3) << 2;
  const rest = <u32>(length & 3);
  let top = f32x4.splat(LOWEST);
  for (let i: usize = 0; i < whole; i += 16) top = f32x4.pmax(top, v128.load(scores + i));
  if (rest) top = f32x4.pmax(top, v128.bitselect(v128.load(scores + whole), f32x4.splat(LOWEST), lanesBefore(rest)));
  const largest = maxLanes(top) * scale;
  const minus = f32x4.splat(-largest);
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) {
    const e = expOfNegative(multiplyAdd(v128.load(scores + i), factor, minus));
    sums = f32x4.add(sums, e);
    v128.store(scores + i, drops ? f32x4.mul(e, dropoutFactors(element + <u32>(i >> 2), counter, seed, threshold, kept)) : e);
  }
  if (rest) {
    let e = expOfNegative(multiplyAdd(v128.load(scores + whole), factor, minus));
    e = v128.and(e, lanesBefore(rest));
    sums = f32x4.add(sums, e);
    v128.store(scores + whole, drops ? f32x4.mul(e, dropoutFactors(element + <u32>(whole >> 2), counter, seed, threshold, kept)) : e);
  }
  const sum = sumLanes(sums);
  if (logSumExp) store<f32>(logSumExp, largest + log(sum));
  return sum;
}

@inline
function scaleRow(row: usize, width: usize, factor: f32): void {
  const f = f32x4.splat(factor);
  const whole = (width & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), f));
  const rest = <u32>(width & 3);
  if (rest) storePartial(row + whole, f32x4.mul(loadPartial(row + whole, rest), f), rest);
}

/** Zeros after the first `kept` of `length` scores. */
@inline
function clearAfter(scores: usize, kept: usize, length: usize): void {
  if (kept < length) memory.fill(scores + (kept << 2), 0, (length - kept) << 2);
}

/** One head of one sequence: `q`, `k`, `v`, `out` are the addresses of its first row, with bytes between rows. */
function forwardUnit(
  q: usize, k: usize, v: usize, out: usize, stride: usize, keyStride: usize, length: usize, width: usize, causal: bool,
  scale: f32, logSumExp: usize, element: u32, rows: u32, workspace: usize,
): void {
  const keyPanels = workspace + SPILL_BYTES;
  const valuePanels = keyPanels + ((upTo8(length) * width) << 2);
  const sums = valuePanels + ((length * upTo8(width)) << 2);
  const scores = (sums + FORWARD_BLOCK * 4 + 63) & ~63;
  const line = scoreStride(length);
  packTransposed(k, keyStride, length, width, keyPanels);
  packRows(v, keyStride, length, width, valuePanels);
  for (let from: usize = 0; from < length; from += FORWARD_BLOCK) {
    const block = min(FORWARD_BLOCK, length - from);
    const reach = upTo8(causal ? from + block : length);
    multiplyPacked(q + from * stride, stride, 4, keyPanels, scores, line, block, reach, width, false, workspace);
    for (let i: usize = 0; i < block; i++) {
      const at = logSumExp ? logSumExp + ((from + i) << 2) : 0;
      const seen = causal ? from + i + 1 : length;
      const sum = softmaxOfRow(scores + i * line, seen, scale, at, element + <u32>(from + i) * rows);
      clearAfter(scores + i * line, seen, length);
      store<f32>(sums + (i << 2), sum);
    }
    const target = out + from * stride;
    multiplyPacked(scores, line, 4, valuePanels, target, stride, block, width, length, false, workspace);
    for (let i: usize = 0; i < block; i++) scaleRow(target + i * stride, width, 1 / load<f32>(sums + (i << 2)));
  }
}

/** Scores of all units, for a fair split. */
function countScores(ranges: usize, rows: usize, heads: usize): f64 {
  let total: f64 = 0;
  for (let row: usize = 0; row < rows; ) {
    const first = load<u32>(ranges + (row << 3)), end = load<u32>(ranges + (row << 3), 4);
    if (end <= first) {
      row++;
      continue;
    }
    const length = <f64>(end - first);
    total += length * length;
    row = max<usize>(end, row + 1);
  }
  return total * <f64>heads;
}

function clearLogSumExp(logSumExp: usize, row: usize, rows: usize, heads: usize): void {
  for (let head: usize = 0; head < heads; head++) store<f32>(logSumExp + ((head * rows + row) << 2), 0);
}

/** Part `part` of `parts` of the forward pass. `logSumExp` and `counterAt` may be 0. */
export function attention(
  rows: usize, heads: usize, keyHeads: usize, width: usize, causal: bool, scale: f32, queries: usize, keys: usize,
  values: usize, ranges: usize, out: usize, logSumExp: usize, dropThreshold: u32, keptFactor: f32, counterAt: usize,
  dropSeed: u32, part: u32, parts: u32, workspace: usize,
): void {
  setDropout(dropThreshold, keptFactor, counterAt, dropSeed);
  const stride = (heads * width) << 2, keyStride = (keyHeads * width) << 2;
  const group = heads / keyHeads;
  const total = countScores(ranges, rows, heads);
  const begin = (total * <f64>part) / <f64>parts, stop = (total * <f64>(part + 1)) / <f64>parts;
  let done: f64 = 0;
  for (let row: usize = 0; row < rows; ) {
    const first = load<u32>(ranges + (row << 3)), end = load<u32>(ranges + (row << 3), 4);
    if (end <= first) {
      if (part === 0) memory.fill(out + row * stride, 0, stride);
      if (part === 0 && logSumExp) clearLogSumExp(logSumExp, row, rows, heads);
      row++;
      continue;
    }
    const length = <usize>(end - first);
    for (let head: usize = 0; head < heads; head++, done += <f64>length * <f64>length) {
      if (done < begin || done >= stop) continue;
      const at = row * stride + ((head * width) << 2);
      const keyAt = row * keyStride + (((head / group) * width) << 2);
      const element = <u32>((head * rows + row) * rows + row);
      const log = logSumExp ? logSumExp + ((head * rows + row) << 2) : 0;
      forwardUnit(
        queries + at, keys + keyAt, values + keyAt, out + at, stride, keyStride, length, width, causal, scale, log, element,
        <u32>rows, workspace,
      );
    }
    row = max<usize>(end, row + 1);
  }
}

/** In place, one row: scores → m·p, products dO·vᵀ → dS = p·(m·product − δ). */
function gradientOfScores(
  scores: usize, products: usize, length: usize, scale: f32, logSumExp: f32, delta: f32, element: u32,
): void {
  const factor = f32x4.splat(scale), minus = f32x4.splat(-logSumExp), along = f32x4.splat(delta);
  for (let i: usize = 0; i < length << 2; i += 16) {
    const p = expOfNegative(multiplyAdd(v128.load(scores + i), factor, minus));
    if (drops) {
      const m = dropoutFactors(element + <u32>(i >> 2), counter, seed, threshold, kept);
      v128.store(scores + i, f32x4.mul(p, m));
      v128.store(products + i, f32x4.mul(p, f32x4.sub(f32x4.mul(v128.load(products + i), m), along)));
    } else {
      v128.store(scores + i, p);
      v128.store(products + i, f32x4.mul(p, f32x4.sub(v128.load(products + i), along)));
    }
  }
}

/** Addresses of one unit's matrices: a first row each, `stride` bytes between rows. */
let q0: usize = 0, k0: usize = 0, v0: usize = 0, o0: usize = 0, g0: usize = 0;
let dQ: usize = 0, dK: usize = 0, dV: usize = 0;

/** What one head brings to dQ, and adds to dK (not yet scaled) and dV unless it is the `first` that reads them. */
function gradientUnit(
  stride: usize, keyStride: usize, length: usize, width: usize, causal: bool, scale: f32, logSumExp: usize, element: u32,
  rows: u32, first: bool, workspace: usize,
): void {
  const keyColumns = workspace + PANEL_WORKSPACE; // kᵀ, for the scores
  const valueColumns = keyColumns + ((upTo8(length) * width) << 2); // vᵀ, for dO·vᵀ
  const keyRows = valueColumns + ((upTo8(length) * width) << 2); // k, for dQ
  const scores = (keyRows + ((length * upTo8(width)) << 2) + 63) & ~63;
  const line = scoreStride(length);
  const products = scores + GRADIENT_BLOCK * line;
  packTransposed(k0, keyStride, length, width, keyColumns);
  packTransposed(v0, keyStride, length, width, valueColumns);
  packRows(k0, keyStride, length, width, keyRows);
  for (let from: usize = 0; from < length; from += GRADIENT_BLOCK) {
    const block = min(GRADIENT_BLOCK, length - from);
    const at = from * stride;
    const reach = upTo8(causal ? from + block : length);
    multiplyPacked(q0 + at, stride, 4, keyColumns, scores, line, block, reach, width, false, workspace);
    multiplyPacked(g0 + at, stride, 4, valueColumns, products, line, block, reach, width, false, workspace);
    for (let i: usize = 0; i < block; i++) {
      const row = at + i * stride;
      const lse = load<f32>(logSumExp + ((from + i) << 2));
      const delta = dot(g0 + row, o0 + row, width);
      const number = element + <u32>(from + i) * rows;
      const seen = causal ? from + i + 1 : length;
      gradientOfScores(scores + i * line, products + i * line, seen, scale, lse, delta, number);
      clearAfter(scores + i * line, seen, length);
      clearAfter(products + i * line, seen, length);
    }
    multiplyPacked(products, line, 4, keyRows, dQ + at, stride, block, width, length, false, workspace);
    for (let i: usize = 0; i < block; i++) scaleRow(dQ + at + i * stride, width, scale);
    const add = !first || from > 0;
    const reached = add && causal ? from + block : length; // the first block clears what later ones add to
    multiplyPanels(scores, 4, line, g0 + at, stride, dV, keyStride, reached, width, block, add, workspace);
    multiplyPanels(products, 4, line, q0 + at, stride, dK, keyStride, reached, width, block, add, workspace);
  }
}

/** Part `part` of `parts` of the gradient. */
export function attentionGradient(
  rows: usize, heads: usize, keyHeads: usize, width: usize, causal: bool, scale: f32, queries: usize, keys: usize,
  values: usize, ranges: usize, out: usize, logSumExp: usize, upstream: usize, dQueries: usize, dKeys: usize,
  dValues: usize, dropThreshold: u32, keptFactor: f32, counterAt: usize, dropSeed: u32, part: u32, parts: u32,
  workspace: usize,
): void {
  setDropout(dropThreshold, keptFactor, counterAt, dropSeed);
  const stride = (heads * width) << 2, keyStride = (keyHeads * width) << 2;
  const group = heads / keyHeads;
  const total = countScores(ranges, rows, heads);
  const begin = (total * <f64>part) / <f64>parts, stop = (total * <f64>(part + 1)) / <f64>parts;
  let done: f64 = 0;
  for (let row: usize = 0; row < rows; ) {
    const first = load<u32>(ranges + (row << 3)), end = load<u32>(ranges + (row << 3), 4);
    if (end <= first) {
      if (part === 0) {
        memory.fill(dQueries + row * stride, 0, stride);
        memory.fill(dKeys + row * keyStride, 0, keyStride);
        memory.fill(dValues + row * keyStride, 0, keyStride);
      }
      row++;
      continue;
    }
    const length = <usize>(end - first);
    for (let keyHead: usize = 0; keyHead < keyHeads; keyHead++, done += <f64>length * <f64>length * <f64>group) {
      if (done < begin || done >= stop) continue;
      const keyAt = row * keyStride + ((keyHead * width) << 2);
      k0 = keys + keyAt; v0 = values + keyAt; dK = dKeys + keyAt; dV = dValues + keyAt;
      for (let head = keyHead * group; head < (keyHead + 1) * group; head++) {
        const at = row * stride + ((head * width) << 2);
        q0 = queries + at; o0 = out + at; g0 = upstream + at; dQ = dQueries + at;
        const element = <u32>((head * rows + row) * rows + row);
        const lse = logSumExp + ((head * rows + row) << 2);
        const first = head === keyHead * group;
        gradientUnit(stride, keyStride, length, width, causal, scale, lse, element, <u32>rows, first, workspace);
      }
      for (let i: usize = 0; i < length; i++) scaleRow(dK + i * keyStride, width, scale);
    }
    row = max<usize>(end, row + 1);
  }
}
