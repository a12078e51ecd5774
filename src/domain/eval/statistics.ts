// Is a paired difference real? Queries of one cluster (a source document or passage) move together, so clusters, not
// queries, are resampled.
//
//   Δ        = Σ_c s_c / Σ_c n_c                       s_c: sum of differences in cluster c, n_c: its queries
//   interval = 2.5 and 97.5 percentiles of Δ over B resamples of clusters with replacement (Efron & Tibshirani 1993)
//   p        = share of sign flips of s_c with |Δ'| ≥ |Δ|, all 2ⁿ for ≤ 20 clusters, else (1 + hits)/(1 + flips)
//              (Smucker, Allan & Carterette, CIKM 2007)
//   smallest detectable Δ at 80 % power ≈ 2.8 · sd/√n over cluster differences
import { CounterRandom } from "../random.ts";
import type { Delta, Verdict } from "./report.ts";

export interface PairedOptions {
  readonly seed: number;
  readonly resamples?: number; // B, default 2,000
  readonly flips?: number; // default 10,000
}

/** Differences summed by cluster: `sums` is [clusters, metrics], `sizes` [clusters]. */
export interface ClusteredDifferences {
  readonly metrics: number;
  readonly sums: Float64Array;
  readonly sizes: Float64Array;
}

const EXACT_UP_TO = 20; // clusters: 2²⁰ sign patterns, walked in Gray-code order

/** Sums `after − before` [Q rows of M metrics] by cluster name, clusters in order of first appearance. */
export function clusterDifferences(
  after: readonly Float64Array[],
  before: readonly Float64Array[],
  clusters: readonly string[],
): ClusteredDifferences {
  const places = new Map<string, number>();
  for (const cluster of clusters) if (!places.has(cluster)) places.set(cluster, places.size);
  const metrics = after[0]?.length ?? 0;
  const sums = new Float64Array(places.size * metrics);
  const sizes = new Float64Array(places.size);
  for (const [query, cluster] of clusters.entries()) {
    const place = places.get(cluster)!;
    sizes[place]!++;
    for (let m = 0; m < metrics; m++) sums[place * metrics + m]! += after[query]![m]! - before[query]![m]!;
  }
  return { metrics, sums, sizes };
}

/** Value, 95 % interval and p of every metric. One cluster says nothing about others: interval [−1, 1], p 1. */
export function pairedDeltas(differences: ClusteredDifferences, options: PairedOptions): readonly Delta[] {
  if (differences.sizes.length < 2) {
    return Array.from(meanDifferences(differences), (value) => ({ value, low: -1, high: 1, p: 1 }));
  }
  const { distinct, column } = distinctMetrics(differences);
  const values = meanDifferences(distinct);
  const resamples = bootstrap(distinct, options.resamples ?? 2000, CounterRandom.stream(options.seed, 1));
  const p = signFlip(distinct, options.flips ?? 10_000, CounterRandom.stream(options.seed, 2));
  const deltas = resamples.map((samples, m): Delta => {
    const sorted = samples.sort();
    return { value: values[m]!, low: percentile(sorted, 0.025), high: percentile(sorted, 0.975), p: p[m]! };
  });
  return Array.from(column, (place) => deltas[place]!);
}

/**
 * Metrics whose differences are equal in every cluster are resampled once: with one positive a question hit, accuracy
 * and recall are one number. `column` [metrics] says where each metric stands among the distinct ones.
 */
function distinctMetrics({ metrics, sums, sizes }: ClusteredDifferences): {
  readonly distinct: ClusteredDifferences;
  readonly column: Uint32Array;
} {
  const kept: number[] = [];
  const column = new Uint32Array(metrics);
  for (let m = 0; m < metrics; m++) {
    const same = (other: number): boolean =>
      sizes.every((_size, cluster) => sums[cluster * metrics + m] === sums[cluster * metrics + other]);
    const known = kept.findIndex(same);
    column[m] = known < 0 ? kept.push(m) - 1 : known;
  }
  const own = new Float64Array(sizes.length * kept.length);
  for (let at = 0; at < own.length; at++) {
    own[at] = sums[Math.floor(at / kept.length) * metrics + kept[at % kept.length]!]!;
  }
  return { distinct: { metrics: kept.length, sums: own, sizes }, column };
}

function meanDifferences({ metrics, sums, sizes }: ClusteredDifferences): Float64Array {
  const means = new Float64Array(metrics);
  const queries = sizes.reduce((total, size) => total + size, 0);
  for (let index = 0; index < sums.length; index++) means[index % metrics]! += sums[index]! / queries;
  return means;
}

/** Resampled Δ, one array of B values a metric. */
function bootstrap(
  { metrics, sums, sizes }: ClusteredDifferences,
  resamples: number,
  random: CounterRandom,
): readonly Float64Array[] {
  const results = Array.from({ length: metrics }, () => new Float64Array(resamples));
  const total = new Float64Array(metrics);
  for (let sample = 0; sample < resamples; sample++) {
    total.fill(0);
    let queries = 0;
    for (let draw = 0; draw < sizes.length; draw++) {
      const cluster = random.below(sizes.length);
      queries += sizes[cluster]!;
      for (let m = 0, at = cluster * metrics; m < metrics; m++, at++) total[m]! += sums[at]!;
    }
    for (let m = 0; m < metrics; m++) results[m]![sample] = total[m]! / queries;
  }
  return results;
}

function signFlip(differences: ClusteredDifferences, flips: number, random: CounterRandom): Float64Array {
  const { metrics, sums, sizes } = differences;
  const observed = new Float64Array(metrics);
  const room = new Float64Array(metrics); // rounding of sums in another order must not break a tie
  for (let index = 0; index < sums.length; index++) {
    observed[index % metrics]! += sums[index]!;
    room[index % metrics]! += Math.abs(sums[index]!) * 1e-12;
  }
  const hits = new Float64Array(metrics);
  const count = (flipped: Float64Array): void => {
    for (let m = 0; m < metrics; m++) {
      if (Math.abs(flipped[m]!) >= Math.abs(observed[m]!) - room[m]!) hits[m]!++;
    }
  };
  if (sizes.length <= EXACT_UP_TO) {
    const patterns = everyPattern(differences, observed, count);
    return hits.map((hit) => hit / patterns);
  }
  randomPatterns(differences, flips, random, count);
  return hits.map((hit) => (1 + hit) / (1 + flips));
}

/** All sign patterns with the first cluster's sign kept (the statistic is symmetric); returns how many. */
function everyPattern(
  { metrics, sums, sizes }: ClusteredDifferences,
  observed: Float64Array,
  visit: (flipped: Float64Array) => void,
): number {
  const flipped = observed.slice();
  const sign = new Int8Array(sizes.length).fill(1);
  const patterns = 2 ** (sizes.length - 1);
  visit(flipped);
  for (let step = 1; step < patterns; step++) {
    const cluster = 1 + (31 - Math.clz32(step & -step)); // the bit that changes in Gray code
    const change = -2 * sign[cluster]!;
    sign[cluster] = -sign[cluster]!;
    for (let m = 0, at = cluster * metrics; m < metrics; m++, at++) flipped[m]! += change * sums[at]!;
    visit(flipped);
  }
  return patterns;
}

function randomPatterns(
  { metrics, sums, sizes }: ClusteredDifferences,
  flips: number,
  random: CounterRandom,
  visit: (flipped: Float64Array) => void,
): void {
  const flipped = new Float64Array(metrics);
  for (let flip = 0; flip < flips; flip++) {
    flipped.fill(0);
    let bits = 0;
    for (let cluster = 0; cluster < sizes.length; cluster++) {
      bits = cluster % 32 === 0 ? random.next() : bits >>> 1;
      const at = cluster * metrics;
      if (bits & 1) for (let m = 0; m < metrics; m++) flipped[m]! += sums[at + m]!;
      else for (let m = 0; m < metrics; m++) flipped[m]! -= sums[at + m]!;
    }
    visit(flipped);
  }
}

/** Percentile of sorted values by linear interpolation, as numpy's default. */
export function percentile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

/** 0 for none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Middle value, the mean of the two middle ones for an even count; 0 for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return percentile(Float64Array.from(values).sort(), 0.5);
}

/** Standard error of Δ of metric `m` from the spread of clusters (ratio estimator); infinite below two clusters. */
export function standardError({ metrics, sums, sizes }: ClusteredDifferences, m: number): number {
  const n = sizes.length;
  if (n < 2) return Infinity;
  const queries = sizes.reduce((total, size) => total + size, 0);
  let sum = 0;
  for (let cluster = 0; cluster < n; cluster++) sum += sums[cluster * metrics + m]!;
  const mean = sum / queries;
  let squares = 0;
  for (let cluster = 0; cluster < n; cluster++) {
    squares += ((sums[cluster * metrics + m]! - mean * sizes[cluster]!) / (queries / n)) ** 2;
  }
  return Math.sqrt(squares / (n - 1) / n);
}

/** The smallest |Δ| that a two-sided 5 % test sees with 80 % power: 2.8 standard errors, at most 1. */
export function smallestDetectable(differences: ClusteredDifferences, m: number): number {
  return Math.min(1, 2.8 * standardError(differences, m));
}

export function verdictOf(delta: Delta): Verdict {
  if (delta.low > 0) return "better";
  return delta.high < 0 ? "worse" : "cannot-tell";
}
