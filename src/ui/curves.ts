import type { TrainingStep } from "../domain/recipes/adapter-job.ts";

/** Exponential moving average with bias correction (as in Adam), so that the first points do not lean to zero. */
export function smooth(values: readonly number[], weight = 0.9): number[] {
  let average = 0;
  let correction = 0;
  return values.map((value) => {
    average = weight * average + (1 - weight) * value;
    correction = weight * correction + (1 - weight);
    return average / correction;
  });
}

/** The steps of the phase that runs now: a search over settings restarts the step count in its final fit. */
export function currentPhase(curve: readonly TrainingStep[]): readonly TrainingStep[] {
  const phase = curve.at(-1)?.phase;
  const own = curve.filter((step) => step.phase === phase);
  let start = 0;
  for (let index = 1; index < own.length; index += 1)
    if (own[index]!.step <= own[index - 1]!.step) start = index;
  return own.slice(start);
}

/** Counts of values in equal bins from 0 to the largest value. */
export function histogram(
  values: readonly number[],
  bins: number,
): readonly { upTo: number; count: number }[] {
  const top = Math.max(1, ...values);
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor((value / top) * bins));
    counts[bin] = counts[bin]! + 1;
  }
  return counts.map((count, bin) => ({ upTo: Math.round(((bin + 1) * top) / bins), count }));
}
