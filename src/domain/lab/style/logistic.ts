// Logistic regression as scikit-learn's LogisticRegression(C, class_weight="balanced") defines it; y is ±1:
//   min over w, b of  ½‖w‖² + C Σ_i s_i·ln(1 + exp(−y_i·(w·x_i + b))),   s_i = n / (2·n of its class)
// by L-BFGS (Nocedal 1980; ten pairs, backtracking on Armijo's condition). It is strictly convex in w: one minimum, whatever the path.
import type { SparseRow } from "./character-grams.ts";

export interface LogisticModel {
  readonly weights: Float64Array;
  readonly bias: number;
}

export interface LogisticSettings {
  readonly penalty: number; // C
  readonly features: number;
}

const [MEMORY, STEPS, TOLERANCE] = [10, 500, 1e-6];
const ROUNDING = 1e-15; // of the loss: below it a step is no progress

/** Rows of both classes, in any order; deterministic. */
export function fitLogistic(
  rows: readonly SparseRow[],
  positive: readonly boolean[],
  { penalty, features }: LogisticSettings,
): LogisticModel {
  const share = sharesOf(positive, penalty);
  const objective = (point: Float64Array): Slope => slopeAt(point, rows, positive, share);
  const point = minimum(new Float64Array(features + 1), objective);
  return { weights: point.subarray(0, features), bias: point[features]! };
}

/** P(positive) of a row. */
export function logisticProbability({ weights, bias }: LogisticModel, row: SparseRow): number {
  const score = bias + dot(row, weights);
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));
}

interface Slope {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** C·s of each row. */
function sharesOf(positive: readonly boolean[], penalty: number): Float64Array {
  const count = positive.filter(Boolean).length;
  return Float64Array.from(positive, (own) => {
    return (penalty * positive.length) / (2 * (own ? count : positive.length - count));
  });
}

function slopeAt(
  point: Float64Array,
  rows: readonly SparseRow[],
  positive: readonly boolean[],
  share: Float64Array,
): Slope {
  const last = point.length - 1;
  const gradient = point.slice();
  gradient[last] = 0;
  let loss = point.subarray(0, last).reduce((sum, weight) => sum + (weight * weight) / 2, 0);
  for (const [index, row] of rows.entries()) {
    const sign = positive[index] ? 1 : -1;
    const margin = sign * (dot(row, point) + point[last]!);
    loss += share[index]! * (Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin))));
    const wrong = margin >= 0 ? Math.exp(-margin) / (1 + Math.exp(-margin)) : 1 / (1 + Math.exp(margin));
    const pull = -sign * share[index]! * wrong;
    const { places, values } = row;
    for (let at = 0; at < places.length; at++) gradient[places[at]!]! += pull * values[at]!;
    gradient[last] += pull;
  }
  return { loss, gradient };
}

function dot({ places, values }: SparseRow, weights: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < places.length; at++) sum += values[at]! * weights[places[at]!]!;
  return sum;
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array; // of the gradient
  readonly scale: number; // 1/(step · change)
}

function minimum(start: Float64Array, objective: (point: Float64Array) => Slope): Float64Array {
  let point = start;
  let slope = objective(point);
  const pairs: Pair[] = [];
  for (let count = 0; count < STEPS && largest(slope.gradient) > TOLERANCE; count++) {
    const direction = descent(slope.gradient, pairs);
    const next = lineSearch(point, slope, direction, objective);
    if (!next) break;
    const step = next.point.map((value, place) => value - point[place]!);
    const change = next.slope.gradient.map((value, place) => value - slope.gradient[place]!);
    const curvature = product(step, change);
    if (curvature > 1e-14) pairs.push({ step, change, scale: 1 / curvature });
    if (pairs.length > MEMORY) pairs.shift();
    const gain = slope.loss - next.slope.loss;
    [point, slope] = [next.point, next.slope];
    if (gain <= ROUNDING * slope.loss) break;
  }
  return point;
}

/** −H·gradient by the two loops over the pairs. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares: number[] = [];
  for (const { step, change, scale } of [...pairs].reverse()) {
    const share = scale * product(step, direction);
    shares.unshift(share);
    addScaled(direction, change, -share);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.scale * product(newest.change, newest.change));
    for (const place of direction.keys()) direction[place]! *= scale;
  }
  for (const [index, { step, change, scale }] of pairs.entries()) {
    addScaled(direction, step, shares[index]! - scale * product(change, direction));
  }
  return direction;
}

function lineSearch(
  point: Float64Array,
  slope: Slope,
  direction: Float64Array,
  objective: (point: Float64Array) => Slope,
): { readonly point: Float64Array; readonly slope: Slope } | undefined {
  const downhill = product(slope.gradient, direction);
  for (let length = 1; length > 1e-9; length /= 2) {
    const moved = point.map((value, place) => value + length * direction[place]!);
    const next = objective(moved);
    if (next.loss <= slope.loss + 1e-4 * length * downhill) return { point: moved, slope: next };
  }
  return undefined;
}

function addScaled(target: Float64Array, other: Float64Array, scale: number): void {
  for (let place = 0; place < target.length; place++) target[place]! += scale * other[place]!;
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let place = 0; place < a.length; place++) sum += a[place]! * b[place]!;
  return sum;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
