//   fused(q, ·) = w_dense · z(cosine(q, ·)) + w_lexical · z(bm25(q, ·)),   z(s) = (s − mean s) / sd s
//
// Mean and population sd run over all passages of one question, so both parts speak in one unit; a part that gives all
// passages one score says nothing and becomes 0. Fitted weights minimise the convex cross-entropy
//   L(w) = mean_q [ log Σ_d e^{fused(q, d)} − mean_{p ∈ positives(q)} fused(q, p) ]
// by damped Newton steps in two variables. Only their ratio orders passages, so weights are stored with sum 1.
// Rank fusion throws much away here (retrieval.md: MRR .757–.768 against .806–.809).
import type { Matrix } from "../matrix.ts";
import { BM25 } from "./bm25.ts";
import { rankOf } from "./metrics.ts";
import type { Fusion } from "./report.ts";
import { mean } from "./statistics.ts";

export interface FusionWeights {
  readonly dense: number;
  readonly lexical: number;
}

export const EQUAL_WEIGHTS: FusionWeights = { dense: 0.5, lexical: 0.5 };

export function fusionOf(weights: FusionWeights): Fusion {
  const { k1, b, tokens } = BM25;
  return {
    lexical: { kind: "bm25", k1, b, tokens },
    normalise: "z-score per query over all passages, population sd",
    weights,
  };
}

/** z-scores of one row; zeros where the row has no spread. */
export function zScores(row: ArrayLike<number>): Float64Array {
  const count = row.length;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += row[index]!;
  const mean = sum / count;
  let squares = 0;
  for (let index = 0; index < count; index++) squares += (row[index]! - mean) ** 2;
  const deviation = Math.sqrt(squares / count);
  const scores = new Float64Array(count);
  if (deviation > 1e-12 * Math.max(1, Math.abs(mean))) {
    for (let index = 0; index < count; index++) scores[index] = (row[index]! - mean) / deviation;
  }
  return scores;
}

/** dense [Q, N] and lexical [Q, N] scores → fused [Q, N]. */
export function fuse(dense: Matrix, lexical: Matrix, { weights }: Fusion): Matrix {
  const { rows, columns } = dense;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const d = zScores(dense.values.subarray(start, start + columns));
    const l = zScores(lexical.values.subarray(start, start + columns));
    for (let j = 0; j < columns; j++) values[start + j] = weights.dense * d[j]! + weights.lexical * l[j]!;
  }
  return { rows, columns, values };
}

/** One question held out of training: z-scored parts over the same passages, its positives, the fold it was held in. */
export interface FusionSample {
  readonly dense: Float64Array; // [N]
  readonly lexical: Float64Array; // [N]
  readonly positives: readonly number[]; // columns, the best-graded first
  readonly fold: number;
}

/** Weights with sum 1 that minimise L; negative ones become 0, and no samples give equal weights. */
export function fitFusion(samples: readonly FusionSample[]): FusionWeights {
  if (samples.length === 0) return EQUAL_WEIGHTS;
  let weights: FusionWeights = { dense: 1, lexical: 1 };
  let slope = lossSlope(samples, weights);
  for (let iteration = 0; iteration < 25 && Math.hypot(...slope.gradient) > 1e-7; iteration++) {
    let step = newtonStep(slope);
    let next = slope;
    for (let halving = 0; halving < 20; halving++) {
      next = lossSlope(samples, moved(weights, step));
      if (next.loss <= slope.loss) break;
      step = [step[0] / 2, step[1] / 2];
    }
    if (next.loss > slope.loss) break;
    weights = moved(weights, step);
    slope = next;
  }
  const dense = Math.max(0, weights.dense);
  const lexical = Math.max(0, weights.lexical);
  return dense + lexical > 0
    ? { dense: dense / (dense + lexical), lexical: lexical / (dense + lexical) }
    : EQUAL_WEIGHTS;
}

function moved(weights: FusionWeights, step: readonly [number, number]): FusionWeights {
  return { dense: weights.dense + step[0], lexical: weights.lexical + step[1] };
}

interface Slope {
  readonly loss: number;
  readonly gradient: readonly [number, number];
  readonly curvature: readonly [number, number, number]; // dd, dl, ll
}

function newtonStep({ gradient, curvature }: Slope): readonly [number, number] {
  const damping = 1e-6;
  const [dd, dl, ll] = [curvature[0] + damping, curvature[1], curvature[2] + damping];
  const determinant = dd * ll - dl * dl;
  return [
    (dl * gradient[1] - ll * gradient[0]) / determinant,
    (dl * gradient[0] - dd * gradient[1]) / determinant,
  ];
}

function lossSlope(samples: readonly FusionSample[], weights: FusionWeights): Slope {
  const sum = [0, 0, 0, 0, 0, 0];
  for (const sample of samples) {
    for (const [index, value] of sampleSlope(sample, weights).entries())
      sum[index]! += value / samples.length;
  }
  const [loss, d, l, dd, dl, ll] = sum as [number, number, number, number, number, number];
  return { loss, gradient: [d, l], curvature: [dd, dl, ll] };
}

/** Loss, its gradient (2) and its curvature (3) of one question: moments of the parts under the softmax. */
function sampleSlope({ dense, lexical, positives }: FusionSample, weights: FusionWeights): readonly number[] {
  let top = -Infinity;
  for (let j = 0; j < dense.length; j++) {
    top = Math.max(top, weights.dense * dense[j]! + weights.lexical * lexical[j]!);
  }
  let [mass, d, l, dd, dl, ll] = [0, 0, 0, 0, 0, 0];
  for (let j = 0; j < dense.length; j++) {
    const x = dense[j]!;
    const y = lexical[j]!;
    const share = Math.exp(weights.dense * x + weights.lexical * y - top);
    mass += share;
    d += share * x;
    l += share * y;
    dd += share * x * x;
    dl += share * x * y;
    ll += share * y * y;
  }
  const [meanD, meanL] = [d / mass, l / mass];
  const goldD = positives.reduce((total, p) => total + dense[p]!, 0) / positives.length;
  const goldL = positives.reduce((total, p) => total + lexical[p]!, 0) / positives.length;
  const loss = top + Math.log(mass) - weights.dense * goldD - weights.lexical * goldL;
  return [
    loss,
    meanD - goldD,
    meanL - goldL,
    dd / mass - meanD * meanD,
    dl / mass - meanD * meanL,
    ll / mass - meanL * meanL,
  ];
}

/** What both ways of weighting reach on questions that neither the adapter nor the weights have seen. */
export interface FusionChoice {
  readonly weights: FusionWeights;
  readonly kind: "equal" | "fitted";
  readonly equalMrr: number;
  readonly fittedMrr: number; // weights of each fold fitted on the other folds
}

/**
 * Equal or fitted weights, whichever has the higher MRR@10 on held-out questions. Fitted ones win only by more than one
 * standard error of the difference: below that equal weights, which nothing was fitted to, are the better bet (nested
 * cross-validation inside Lyft: hit@5 .921 against .919 at equal MRR@10). `order` is the tie order of passages
 * (metrics.ts). The fitted weights returned use all samples.
 */
export function chooseFusion(samples: readonly FusionSample[], order: Uint32Array): FusionChoice {
  const folds = [...new Set(samples.map((sample) => sample.fold))];
  const equal: number[] = [];
  const fitted: number[] = [];
  for (const fold of folds) {
    const weights = fitFusion(samples.filter((sample) => sample.fold !== fold));
    for (const sample of samples.filter((own) => own.fold === fold)) {
      equal.push(reciprocalRank(sample, EQUAL_WEIGHTS, order));
      fitted.push(reciprocalRank(sample, weights, order));
    }
  }
  const [equalMrr, fittedMrr] = [mean(equal), mean(fitted)];
  const gain = fittedMrr - equalMrr;
  const spread = mean(fitted.map((value, index) => (value - equal[index]! - gain) ** 2));
  const wins = folds.length > 1 && gain > Math.sqrt(spread / Math.max(1, samples.length));
  return wins
    ? { weights: fitFusion(samples), kind: "fitted", equalMrr, fittedMrr }
    : { weights: EQUAL_WEIGHTS, kind: "equal", equalMrr, fittedMrr };
}

function reciprocalRank(sample: FusionSample, weights: FusionWeights, order: Uint32Array): number {
  const fused = sample.dense.map((value, j) => weights.dense * value + weights.lexical * sample.lexical[j]!);
  const rank = Math.min(...sample.positives.map((positive) => rankOf(fused, positive, order)));
  return rank <= 10 ? 1 / rank : 0;
}
