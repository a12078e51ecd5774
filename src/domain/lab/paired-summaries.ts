// Differences of figures that are no means of rows (a κ, a perplexity over all tokens): whole clusters are resampled, and the
// figure is made anew from the answers of each resample.
//
//   Δ        = f(tuned) − f(base)
//   interval = 2.5 and 97.5 percentiles of Δ over B resamples of clusters with replacement
//   p        = share of exchanges of base and tuned, cluster by cluster, with |Δ'| ≥ |Δ|: all 2ⁿ⁻¹ for ≤ 11 clusters (an
//              exchange of all changes the sign alone), else (1 + hits)/(1 + exchanges)
import type { Delta } from "../eval/report.ts";
import { percentile } from "../eval/statistics.ts";
import { CounterRandom } from "../random.ts";

export interface PairedAnswers<Answer> {
  readonly base: readonly Answer[];
  readonly tuned: readonly Answer[]; // in the order of base
  readonly clusters: readonly string[]; // of each
}

export type Summary<Answer> = (answers: readonly Answer[]) => number | undefined;

const EXACT_UP_TO = 11; // clusters: 1,024 patterns
const ROUNDING = 1e-12; // sums in another order must not break a tie

/** Undefined where one of the two figures is; the interval is the whole line [−span, span] where resamples define none. */
export function summaryDelta<Answer>(
  summary: Summary<Answer>,
  paired: PairedAnswers<Answer>,
  { seed, resamples = 2000, span = 1 }: { seed: number; resamples?: number; span?: number },
): Delta | undefined {
  const difference = (base: readonly Answer[], tuned: readonly Answer[]): number | undefined => {
    const [before, after] = [summary(base), summary(tuned)];
    return before === undefined || after === undefined ? undefined : after - before;
  };
  const value = difference(paired.base, paired.tuned);
  if (value === undefined) return undefined;
  const rows = rowsOfClusters(paired.clusters);
  if (rows.length < 2) return { value, low: -span, high: span, p: 1 };
  const samples = bootstrap(rows, paired, difference, CounterRandom.stream(seed, 1), resamples);
  const p = exchanged(rows, paired, difference, CounterRandom.stream(seed, 2), resamples, value);
  if (samples.length === 0) return { value, low: -span, high: span, p };
  return { value, low: percentile(samples, 0.025), high: percentile(samples, 0.975), p };
}

type Difference<Answer> = (base: readonly Answer[], tuned: readonly Answer[]) => number | undefined;

function rowsOfClusters(clusters: readonly string[]): readonly (readonly number[])[] {
  const rows = new Map<string, number[]>();
  for (const [row, cluster] of clusters.entries()) rows.set(cluster, [...(rows.get(cluster) ?? []), row]);
  return [...rows.values()];
}

/** Sorted Δ of the resamples that define it. */
function bootstrap<Answer>(
  rows: readonly (readonly number[])[],
  { base, tuned }: PairedAnswers<Answer>,
  difference: Difference<Answer>,
  random: CounterRandom,
  resamples: number,
): Float64Array {
  const values: number[] = [];
  for (let sample = 0; sample < resamples; sample++) {
    const drawn = rows.flatMap(() => rows[random.below(rows.length)]!);
    const value = difference(
      drawn.map((row) => base[row]!),
      drawn.map((row) => tuned[row]!),
    );
    if (value !== undefined) values.push(value);
  }
  return Float64Array.from(values).sort();
}

function exchanged<Answer>(
  rows: readonly (readonly number[])[],
  paired: PairedAnswers<Answer>,
  difference: Difference<Answer>,
  random: CounterRandom,
  exchanges: number,
  observed: number,
): number {
  const exact = rows.length <= EXACT_UP_TO;
  const patterns = exact ? 2 ** (rows.length - 1) : exchanges;
  let [hits, defined] = [0, 0];
  for (let pattern = 0; pattern < patterns; pattern++) {
    const swaps = rows.map((_, cluster) => (exact ? (pattern >> cluster) & 1 : random.next() & 1));
    const value = swapped(rows, swaps, paired, difference);
    if (value === undefined) continue;
    defined++;
    if (Math.abs(value) >= Math.abs(observed) * (1 - ROUNDING)) hits++;
  }
  return exact ? hits / defined : (1 + hits) / (1 + defined);
}

function swapped<Answer>(
  rows: readonly (readonly number[])[],
  swaps: readonly number[],
  paired: PairedAnswers<Answer>,
  difference: Difference<Answer>,
): number | undefined {
  const [base, tuned] = [paired.base.slice(), paired.tuned.slice()];
  for (const [cluster, own] of rows.entries()) {
    if (swaps[cluster] === 0) continue;
    for (const row of own) [base[row], tuned[row]] = [paired.tuned[row]!, paired.base[row]!];
  }
  return difference(base, tuned);
}
