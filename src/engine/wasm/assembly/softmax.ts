/**
 * Softmax cross-entropy of each row of [rows, columns], forward and gradient in one pass.
 *   s[i, j] = scale · inverse[i] · logits[i, j]     inverse[i] = 1 / max(‖queries[i]‖, 1e-12), or 1 without queries
 *   kept(i, j): group[j] is neither EXCLUDED nor the row's group; positives always
 *   p = softmax of s over what is kept; t[i, j] = 1/P_i at the P_i positives (default: column i), or given as `targets`:
 *       rows that sum to 1, or to 0 for a row without; columns with t > 0 are its positives
 *   loss[i] = log Σ e^(s − max) + max − Σ t·s
 *   coefficients[i, j] = scale · inverse[i] · (p − t) / rows, 0 where not kept and in the padding
 *   beta[i] = inverse[i]² · Σ s·(p − t) / rows, 0 where ‖queries[i]‖ ≤ 1e-12
 * A row without positives has loss, coefficients and beta 0.
 *
 * Plan: per row three sweeps over one strip of workspace (columns rounded up to 4): scores with what is not kept at
 * −3e38, largest score; e^(s − max) and its sum; coefficients and beta. beta is summed as Σ p·(s − mean positive s),
 * which is the same because Σ p = 1 and loses no digits where p is near t. Lanes past the last column count as not kept.
 * Addresses may be 0: queries, positives, targets, rowGroups, coefficients.
 */
import { exp, log } from "./functions";
import { dot, SMALLEST_NORM } from "./rows";
import { loadPartial, maxLanes, multiplyAdd, sumLanes } from "./vector";

const NONE: u32 = 0xffffffff; // no further positive; excluded column
const MASKED: f32 = -3e38;

/** s of one row into `strip`, −3e38 where the groups leave a column out; positives are put back afterwards. */
function scores(logits: usize, columns: usize, factor: f32, groups: usize, group: u32, strip: usize): void {
  const scale = f32x4.splat(factor),
    masked = f32x4.splat(MASKED);
  const own = i32x4.splat(group),
    excluded = i32x4.splat(-1);
  for (let column: usize = 0; column < columns; column += 4) {
    const at = column << 2,
      left = <u32>(columns - column);
    let value = f32x4.mul(left < 4 ? loadPartial(logits + at, left) : v128.load(logits + at), scale);
    if (groups) {
      const g = left < 4 ? loadPartial(groups + at, left) : v128.load(groups + at);
      value = v128.bitselect(masked, value, v128.or(i32x4.eq(g, own), i32x4.eq(g, excluded)));
    }
    if (left < 2) value = f32x4.replace_lane(value, 1, MASKED);
    if (left < 3) value = f32x4.replace_lane(value, 2, MASKED);
    if (left < 4) value = f32x4.replace_lane(value, 3, MASKED);
    v128.store(strip + at, value);
  }
}

function largest(strip: usize, bytes: usize): f32 {
  let top = v128.load(strip);
  for (let i: usize = 16; i < bytes; i += 16) top = f32x4.max(top, v128.load(strip + i));
  return maxLanes(top);
}

/** Σ e^(s − top); with `center`, also Σ e^(s − top)·(s − center) into `moment`. */
function exponentials(strip: usize, bytes: usize, top: f32, center: f32, moment: usize): f32 {
  const highest = f32x4.splat(top),
    middle = f32x4.splat(center);
  let sums = f32x4.splat(0),
    moments = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const s = v128.load(strip + i);
    const e = exp(f32x4.sub(s, highest));
    sums = f32x4.add(sums, e);
    moments = multiplyAdd(e, f32x4.max(f32x4.sub(s, middle), f32x4.splat(MASKED)), moments);
    v128.store(strip + i, e);
  }
  store<f32>(moment, sumLanes(moments));
  return sumLanes(sums);
}

/** How many positives a row names before the first NONE. */
function countPositives(positives: usize, perRow: u32): u32 {
  let count: u32 = 0;
  while (count < perRow && load<u32>(positives + ((<usize>count) << 2)) !== NONE) count++;
  return count;
}

/** Scores of the positives into `strip`, whatever group they are in; returns their mean. */
function keepPositives(line: usize, factor: f32, positives: usize, count: u32, strip: usize): f32 {
  let sum: f32 = 0;
  for (let p: u32 = 0; p < count; p++) {
    const at = load<usize>(positives + ((<usize>p) << 2)) << 2;
    const s = load<f32>(line + at) * factor;
    store<f32>(strip + at, s);
    sum += s;
  }
  return sum / <f32>count;
}

/** The same for targets: scores where t > 0 into `strip`; returns Σ t·s. */
function keepTargets(line: usize, factor: f32, targets: usize, columns: usize, strip: usize): f32 {
  let sum: f64 = 0;
  for (let at: usize = 0; at < columns << 2; at += 4) {
    const t = load<f32>(targets + at);
    if (!(t > 0)) continue;
    const s = load<f32>(line + at) * factor;
    store<f32>(strip + at, s);
    sum += <f64>t * <f64>s;
  }
  return <f32>sum;
}

function subtractSoftTargets(targets: usize, columns: usize, sum: f32, strip: usize): void {
  for (let at: usize = 0; at < columns << 2; at += 4) {
    store<f32>(strip + at, load<f32>(strip + at) - sum * load<f32>(targets + at));
  }
}

function anyPositive(targets: usize, columns: usize): bool {
  for (let at: usize = 0; at < columns << 2; at += 4) if (load<f32>(targets + at) > 0) return true;
  return false;
}

/** e − share at the positives: t is taken off before the common factor, so that a p near 1 keeps its digits. */
function subtractTargets(positives: usize, count: u32, share: f32, strip: usize): void {
  for (let p: u32 = 0; p < count; p++) {
    const at = strip + (load<usize>(positives + ((<usize>p) << 2)) << 2);
    store<f32>(at, load<f32>(at) - share);
  }
}

function writeCoefficients(
  strip: usize,
  columns: usize,
  stride: usize,
  factor: f32,
  sum: f32,
  target: usize,
): void {
  const scale = f32x4.splat(factor / sum);
  for (let i: usize = 0; i < columns << 2; i += 16)
    v128.store(strip + i, f32x4.mul(v128.load(strip + i), scale));
  memory.copy(target, strip, columns << 2);
  memory.fill(target + (columns << 2), 0, (stride - columns) << 2);
}

/**
 * All rows. `width` is that of the queries; `stride` that of logits and coefficients, in floats; `beta` may be 0.
 * Coefficients may be the memory of the logits. Workspace: 16 bytes and the columns rounded up to 4.
 */
export function softmaxRows(
  rows: usize,
  columns: usize,
  stride: usize,
  scale: f32,
  logits: usize,
  queries: usize,
  width: usize,
  beta: usize,
  positives: usize,
  perRow: u32,
  targets: usize,
  rowGroups: usize,
  columnGroups: usize,
  loss: usize,
  coefficients: usize,
  workspace: usize,
): void {
  const strip = workspace + 16;
  const bytes = ((columns + 3) & ~3) << 2;
  for (let row: usize = 0; row < rows; row++) {
    const target = coefficients ? coefficients + ((row * stride) << 2) : 0;
    const own = positives ? positives + ((row * <usize>perRow) << 2) : workspace + 4;
    if (!positives) store<u32>(own, <u32>row);
    const soft = targets ? targets + ((row * columns) << 2) : 0;
    let count: u32 = positives ? countPositives(own, perRow) : 1;
    if (soft) count = anyPositive(soft, columns) ? 1 : 0;
    if (count === 0) {
      store<f32>(loss + (row << 2), 0);
      if (beta) store<f32>(beta + (row << 2), 0);
      if (target) memory.fill(target, 0, stride << 2);
      continue;
    }
    const query = queries + ((row * width) << 2);
    const norm: f32 = queries ? sqrt(dot(query, query, width)) : 1;
    const inverse: f32 = queries ? 1 / max(norm, SMALLEST_NORM) : 1;
    const factor = scale * inverse;
    const line = logits + ((row * stride) << 2);
    const group: u32 = rowGroups ? load<u32>(rowGroups + (row << 2)) : 0;
    scores(line, columns, factor, rowGroups ? columnGroups : 0, group, strip);
    const mean = soft
      ? keepTargets(line, factor, soft, columns, strip)
      : keepPositives(line, factor, own, count, strip);
    const top = largest(strip, bytes);
    const sum = exponentials(strip, bytes, top, mean, workspace);
    store<f32>(loss + (row << 2), log(sum) + (top - mean));
    if (beta) {
      const moment = load<f32>(workspace) / sum / <f32>rows;
      store<f32>(beta + (row << 2), norm <= SMALLEST_NORM ? 0 : inverse * inverse * moment);
    }
    if (!target) continue;
    if (soft) subtractSoftTargets(soft, columns, sum, strip);
    else subtractTargets(own, count, sum / <f32>count, strip);
    writeCoefficients(strip, columns, stride, factor / <f32>rows, sum, target);
  }
}
