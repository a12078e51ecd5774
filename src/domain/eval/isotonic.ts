// Isotonic regression by pooling adjacent violators: the non-decreasing steps nearest to the labels in squared error
// (Ayer et al. 1955; for calibration Zadrozny & Elkan 2002, from about 1,000 examples on: Niculescu-Mizil & Caruana 2005).
import type { Observation } from "./calibration.ts";

/** One step: from `score` on, up to the next step, P(right) is `probability`. */
export interface IsotonicStep {
  readonly score: number;
  readonly probability: number;
}

interface Pool {
  score: number;
  right: number;
  weight: number;
}

/** Steps in ascending order; equal scores share one. */
export function fitIsotonic(observations: readonly Observation[]): readonly IsotonicStep[] {
  const sorted = [...observations].sort((a, b) => a.score - b.score);
  const pools: Pool[] = [];
  for (const { score, right, weight } of sorted) {
    const own: Pool = { score, right: right ? weight : 0, weight };
    const last = pools.at(-1);
    if (last?.score === score) {
      last.right += own.right;
      last.weight += own.weight;
    } else pools.push(own);
  }
  const merged: Pool[] = [];
  for (const pool of pools) {
    merged.push(pool);
    for (let last = merged.at(-1)!, before = merged.at(-2); before; before = merged.at(-2)) {
      if (before.right * last.weight < last.right * before.weight) break;
      before.right += last.right;
      before.weight += last.weight;
      merged.pop();
      last = before;
    }
  }
  return merged.map(({ score, right, weight }) => ({ score, probability: right / weight }));
}

/** P(right) of a score; below the first step its probability. */
export function isotonicProbability(steps: readonly IsotonicStep[], score: number): number {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle]!.score <= score) low = middle;
    else high = middle - 1;
  }
  return steps[low]?.probability ?? 0;
}
