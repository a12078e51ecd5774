//   P(right | s) = σ(a·s + b), fitted by Newton steps with backtracking on the cross-entropy of smoothed targets
//     t₊ = (N₊ + 1)/(N₊ + 2),  t₋ = 1/(N₋ + 2)                                  (Platt 1999; Lin, Lin & Weng 2007)
//   ECE  = Σ_bins (n_b/n)·|right share of b − mean P of b|, equal-width bins      (Guo et al. 2017)
//   Wilson: centre (p + z²/2n)/(1 + z²/n), half width z·√(p(1−p)/n + z²/4n²)/(1 + z²/n), z = 1.96
//
// The threshold of "none of these" is the lowest P whose accepted answers are right often enough. Scores must come from
// examples the model was not trained on: trained-on scores look surer than they are.
import { RetuneError } from "../../engine/errors.ts";

/** One answer: the score it was given with, whether it was right, and how much it counts. */
export interface Observation {
  readonly score: number;
  readonly right: boolean;
  readonly weight: number; // 1, or what brings a kind of question to the share it has in use
}

export interface PlattScaling {
  readonly a: number;
  readonly b: number;
}

/** A share with its 95 % Wilson interval. */
export interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Which number of a row of scores says how sure an answer is: the best score, or its lead over the second. */
export type ConfidenceSignal = "top" | "margin";

/** How scores become probabilities and "none of these". */
export interface Calibration extends PlattScaling {
  readonly signal: ConfidenceSignal;
  readonly threshold: number; // P below it: none of these; 0 accepts everything
  readonly precision: Share & { readonly target: number }; // of accepted answers on the calibration examples
  readonly reached: boolean; // whether precision.value ≥ target
  readonly accepted: number; // share of the calibration examples
  readonly ece: number; // on the calibration examples
  readonly examples: number;
}

const Z = 1.959963984540054;
const BINS = 10;

export function probabilityOf({ a, b }: PlattScaling, score: number): number {
  const x = a * score + b;
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** Fits a and b. With one kind of answer only, a is 0 and b says how sure their number makes us. */
export function fitPlatt(observations: readonly Observation[]): PlattScaling {
  const right = weightOf(observations.filter((each) => each.right));
  const wrong = weightOf(observations.filter((each) => !each.right));
  const start = Math.log((right + 1) / (wrong + 1));
  if (right === 0 || wrong === 0) return { a: 0, b: start };
  const centre = mean(observations);
  const spread = Math.sqrt(observations.reduce((sum, { score }) => sum + (score - centre) ** 2, 0)) || 1;
  const targets = [1 / (wrong + 2), (right + 1) / (right + 2)] as const;
  // In units of the spread the curvature is well scaled whatever the scores are.
  const scaled = observations.map((each) => ({ ...each, score: (each.score - centre) / spread }));
  let fit: PlattScaling = { a: 0, b: start };
  let slope = slopeAt(scaled, fit, targets);
  for (let iteration = 0; iteration < 100 && Math.hypot(...slope.gradient) > 1e-9; iteration++) {
    const next = backtrack(scaled, fit, slope, targets);
    if (!next) break;
    [fit, slope] = next;
  }
  return { a: fit.a / spread, b: fit.b - (fit.a * centre) / spread };
}

interface Slope {
  readonly loss: number;
  readonly gradient: readonly [number, number];
  readonly step: readonly [number, number]; // Newton's
}

function slopeAt(
  observations: readonly Observation[],
  fit: PlattScaling,
  targets: readonly [number, number],
): Slope {
  let [loss, da, db, aa, ab, bb] = [0, 0, 0, 1e-12, 0, 1e-12];
  for (const { score, right, weight } of observations) {
    const target = targets[right ? 1 : 0];
    const x = fit.a * score + fit.b;
    const p = probabilityOf(fit, score);
    loss += weight * (Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x))));
    da += weight * (p - target) * score;
    db += weight * (p - target);
    const curvature = weight * p * (1 - p);
    aa += curvature * score * score;
    ab += curvature * score;
    bb += curvature;
  }
  const determinant = aa * bb - ab * ab || 1e-24;
  const step = [(ab * db - bb * da) / determinant, (ab * da - aa * db) / determinant] as const;
  return { loss, gradient: [da, db], step };
}

function backtrack(
  observations: readonly Observation[],
  fit: PlattScaling,
  { loss, gradient, step }: Slope,
  targets: readonly [number, number],
): [PlattScaling, Slope] | undefined {
  const slope = gradient[0] * step[0] + gradient[1] * step[1];
  for (let length = 1; length > 1e-10; length /= 2) {
    const moved = { a: fit.a + length * step[0], b: fit.b + length * step[1] };
    const next = slopeAt(observations, moved, targets);
    if (next.loss <= loss + 1e-4 * length * slope) return [moved, next];
  }
  return undefined;
}

/** Weighted expected calibration error of probabilities; 0 of nothing. */
export function expectedCalibrationError(
  answers: readonly { readonly probability: number; readonly right: boolean; readonly weight?: number }[],
  bins = BINS,
): number {
  const sums = Array.from({ length: bins }, () => ({ weight: 0, right: 0, probability: 0 }));
  for (const { probability, right, weight = 1 } of answers) {
    const bin = sums[Math.min(bins - 1, Math.floor(probability * bins))]!;
    bin.weight += weight;
    bin.right += right ? weight : 0;
    bin.probability += weight * probability;
  }
  const total = sums.reduce((sum, { weight }) => sum + weight, 0);
  return sums.reduce((sum, bin) => sum + Math.abs(bin.right - bin.probability), 0) / Math.max(1e-12, total);
}

/** Wilson's 95 % interval of `right` of `count`; counts may be fractional (weighted). [0, 1] of nothing. */
export function wilson(right: number, count: number): Share {
  if (count <= 0) return { value: 0, low: 0, high: 1 };
  const value = right / count;
  const shrink = 1 + (Z * Z) / count;
  const centre = (value + (Z * Z) / (2 * count)) / shrink;
  const half = (Z / shrink) * Math.sqrt((value * (1 - value)) / count + (Z * Z) / (4 * count * count));
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface Threshold {
  readonly threshold: number;
  readonly precision: Share;
  readonly reached: boolean;
  readonly accepted: number; // weighted share
}

/**
 * The lowest threshold whose accepted answers (P ≥ it) reach `target`, so that as few questions as possible are turned
 * away; where none does, the one with the best lower bound. Answers of equal P are taken or left together.
 */
export function thresholdFor(
  answers: readonly { readonly probability: number; readonly right: boolean; readonly weight: number }[],
  target: number,
): Threshold {
  const sorted = [...answers].sort((x, y) => y.probability - x.probability);
  const total = weightOf(sorted);
  let [weight, right, squares] = [0, 0, 0];
  let reached: Threshold | undefined;
  let best: Threshold | undefined;
  for (const [index, answer] of sorted.entries()) {
    weight += answer.weight;
    squares += answer.weight ** 2;
    if (answer.right) right += answer.weight;
    const next = sorted[index + 1];
    if (next?.probability === answer.probability) continue;
    const effective = weight ** 2 / squares; // Kish: how many equally weighted answers these are worth
    const precision = wilson((right / weight) * effective, effective);
    const threshold = next ? (answer.probability + next.probability) / 2 : 0;
    const found = { threshold, precision, reached: precision.value >= target, accepted: weight / total };
    if (found.reached) reached = found;
    if (!best || precision.low > best.precision.low) best = found;
  }
  return (
    reached ?? best ?? { threshold: 0, precision: { value: 0, low: 0, high: 1 }, reached: false, accepted: 0 }
  );
}

/** Calibrates one signal on answers of examples held out of training. Error "too-little-data" below 10 of them. */
export function calibrate(
  observations: readonly Observation[],
  signal: ConfidenceSignal,
  target: number,
): Calibration {
  if (observations.length < 10) {
    throw new RetuneError(
      "too-little-data",
      `calibration: ${observations.length} answered examples; at least 10 held-out ones are needed`,
    );
  }
  const platt = fitPlatt(observations);
  const answers = observations.map(({ score, right, weight }) => ({
    probability: probabilityOf(platt, score),
    right,
    weight,
  }));
  const { threshold, precision, reached, accepted } = thresholdFor(answers, target);
  return {
    ...platt,
    signal,
    threshold,
    precision: { ...precision, target },
    reached,
    accepted,
    ece: expectedCalibrationError(answers),
    examples: observations.length,
  };
}

/** Mean weighted cross-entropy of a fit on its observations, by which signals are compared. */
export function logLoss(platt: PlattScaling, observations: readonly Observation[]): number {
  const sum = observations.reduce((total, { score, right, weight }) => {
    const p = Math.min(1 - 1e-12, Math.max(1e-12, probabilityOf(platt, score)));
    return total - weight * Math.log(right ? p : 1 - p);
  }, 0);
  return sum / Math.max(1e-12, weightOf(observations));
}

function weightOf(observations: readonly { readonly weight: number }[]): number {
  return observations.reduce((sum, { weight }) => sum + weight, 0);
}

function mean(observations: readonly Observation[]): number {
  return (
    observations.reduce((sum, { score, weight }) => sum + weight * score, 0) /
    Math.max(1e-12, weightOf(observations))
  );
}
