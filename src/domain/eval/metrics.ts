// Retrieval metrics of one query, from the ranks r₁ < r₂ < … of its positives among all passages (ranks from 1):
//
//   hit@k = accuracy@k = [r₁ ≤ k]        precision@k = |{i : rᵢ ≤ k}| / k       recall@k = |{i : rᵢ ≤ k}| / P
//   mrr@10 = 1/r₁ if r₁ ≤ 10, else 0     map@100 = Σ_{i : rᵢ ≤ 100} (i / rᵢ) / min(100, P)
//   ndcg@10 = Σ_{i : rᵢ ≤ 10} gᵢ / log₂(rᵢ + 1), over the same sum of the ideal order, cut at 10
//
// With grades of 1 they equal sentence-transformers' InformationRetrievalEvaluator (6.2); with other grades ndcg
// equals trec_eval's ndcg_cut (linear gain). Order: by −score, then passage id ascending by code point.
// Proof: tests/domain/eval/metrics.test.ts against numbers of both peers.
import { RetuneError } from "../../engine/errors.ts";
import type { MetricName, Metrics } from "./report.ts";

const CUTOFFS = [1, 3, 5, 10] as const;

/** The order of values in every per-query row. */
export const METRIC_NAMES: readonly MetricName[] = [
  ...CUTOFFS.map((k) => `hit@${k}` as const),
  ...CUTOFFS.map((k) => `accuracy@${k}` as const),
  ...CUTOFFS.map((k) => `precision@${k}` as const),
  ...CUTOFFS.map((k) => `recall@${k}` as const),
  "mrr@10",
  "ndcg@10",
  "map@100",
];

/** Place of every passage in the order of ids by code point, the tie rule of every ranking. */
export function idOrder(ids: readonly string[]): Uint32Array {
  const sorted = ids.map((_, index) => index).sort((a, b) => compareCodePoints(ids[a]!, ids[b]!));
  const order = new Uint32Array(ids.length);
  for (const [place, index] of sorted.entries()) order[index] = place;
  return order;
}

function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const others = b[Symbol.iterator]();
  for (const character of a) {
    const other = others.next();
    if (other.done) return 1;
    const difference = character.codePointAt(0)! - other.value.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return -1;
}

/** Rank from 1 of column `passage` in a row of scores; rejects NaN, which has no place in an order. */
export function rankOf(scores: ArrayLike<number>, passage: number, order: Uint32Array): number {
  const own = scores[passage]!;
  const place = order[passage]!;
  let rank = 1;
  for (let other = 0; other < scores.length; other++) {
    const score = scores[other]!;
    if (score > own) rank++;
    else if (score === own) {
      if (order[other]! < place) rank++;
    } else if (!(score < own)) throw notFinite(other);
  }
  return rank;
}

function notFinite(column: number): RetuneError {
  return new RetuneError(
    "not-finite",
    `evaluate: the score of passage ${column} is not a number; the vectors or the adapter weights hold NaN or infinity`,
  );
}

/** The column that comes first. */
export function firstOf(scores: ArrayLike<number>, order: Uint32Array): number {
  let best = 0;
  for (let column = 1; column < scores.length; column++) {
    const score = scores[column]!;
    const top = scores[best]!;
    if (score > top || (score === top && order[column]! < order[best]!)) best = column;
  }
  return best;
}

/** Σ gᵢ/log₂(rᵢ+1) over ranks ≤ cutoff, divided by the ideal order's; 0 where nothing is relevant. */
export function ndcg(ranks: readonly number[], grades: readonly number[], cutoff: number): number {
  let gained = 0;
  for (const [index, rank] of ranks.entries()) {
    if (rank <= cutoff) gained += grades[index]! / Math.log2(rank + 1);
  }
  const best = [...grades].sort((a, b) => b - a).slice(0, cutoff);
  const ideal = best.reduce((sum, grade, index) => sum + grade / Math.log2(index + 2), 0);
  return ideal > 0 ? gained / ideal : 0;
}

/** All metrics of one query in the order of METRIC_NAMES. `ranks` [P] belong to `grades` [P], in any order. */
export function queryMetrics(ranks: readonly number[], grades: readonly number[]): Float64Array {
  const sorted = [...ranks].sort((a, b) => a - b);
  const found = CUTOFFS.map((k) => sorted.filter((rank) => rank <= k).length);
  const hits = found.map((count) => (count > 0 ? 1 : 0));
  const precision = found.map((count, index) => count / CUTOFFS[index]!);
  const recall = found.map((count) => count / sorted.length);
  const first = sorted[0]!;
  let precisions = 0;
  for (const [index, rank] of sorted.entries()) if (rank <= 100) precisions += (index + 1) / rank;
  const map = precisions / Math.min(100, sorted.length);
  const mrr = first <= 10 ? 1 / first : 0;
  return Float64Array.from([...hits, ...hits, ...precision, ...recall, mrr, ndcg(ranks, grades, 10), map]);
}

/** Means over queries. */
export function meanMetrics(rows: readonly Float64Array[]): Metrics {
  const sums = new Float64Array(METRIC_NAMES.length);
  for (const row of rows) for (let index = 0; index < sums.length; index++) sums[index]! += row[index]!;
  return Object.fromEntries(
    METRIC_NAMES.map((name, index) => [name, sums[index]! / Math.max(1, rows.length)]),
  ) as Record<MetricName, number>;
}

/** Mean reciprocal rank at 10 of first positives: what searches maximise on held-out groups. */
export function meanReciprocalRank(ranks: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < ranks.length; index++) {
    const rank = ranks[index]!;
    if (rank <= 10) sum += 1 / rank;
  }
  return ranks.length ? sum / ranks.length : 0;
}
