import { RetuneError } from "../../../engine/errors.ts";

/** All choices of sentence-transformers' mine_hard_negatives, by its semantics, and random ones besides. */
export interface MiningSettings {
  readonly negatives: number; // num_negatives: of a question, out of the window
  readonly random: number; // further ones out of all passages; not in sentence-transformers
  readonly rangeMin: number; // ranks skipped, counted after positives and thresholds have taken theirs out
  readonly rangeMax?: number; // ranks looked at; absent: as many as the other settings can need
  readonly sampling: "top" | "random"; // out of the window
  readonly minScore?: number;
  readonly maxScore?: number;
  readonly absoluteMargin?: number; // s ≤ s₊ − absolute, s₊ the lowest score of a positive
  readonly relativeMargin?: number; // s ≤ s₊ − relative·|s₊|
  readonly includePositives?: boolean; // positives take part in the ranking: evaluation sets of re-rankers
  readonly seed: number;
}

/** What training takes where a person chose nothing: some hard ones, and one at random so that easy cases stay easy. */
export const MINING_DEFAULTS: MiningSettings = {
  negatives: 3,
  random: 1,
  rangeMin: 0,
  rangeMax: 30,
  sampling: "random",
  seed: 0,
};

/** mine_hard_negatives called with nothing but its data. */
export const PEER_DEFAULTS: MiningSettings = {
  negatives: 3,
  random: 0,
  rangeMin: 0,
  sampling: "top",
  seed: 0,
};

/** Whether a cross-encoder's scores would change anything: they are compared with thresholds, and only with these. */
export function usesThresholds(settings: MiningSettings): boolean {
  const { minScore, maxScore, absoluteMargin, relativeMargin } = settings;
  return [minScore, maxScore, absoluteMargin, relativeMargin].some((threshold) => threshold !== undefined);
}

/**
 * range_max where it is left open: ten times the negatives where thresholds may take some out, else just enough.
 * `mostPositives`: judgements of the question that has most.
 */
export function rangeMaxOf(settings: MiningSettings, mostPositives: number, rescored: boolean): number {
  const { negatives, rangeMin, rangeMax, absoluteMargin, relativeMargin, maxScore, minScore } = settings;
  if (rangeMax !== undefined) return rangeMax;
  const cut = [absoluteMargin, relativeMargin, maxScore, rescored ? minScore : undefined];
  const spare = cut.some((threshold) => threshold !== undefined) ? 10 : 1;
  return rangeMin + spare * Math.max(1, negatives) + mostPositives;
}

/** Throws "usage" for settings under which nothing could be mined, naming the field, its value and what is allowed. */
export function checkMining(settings: MiningSettings): void {
  const { negatives, random, rangeMin, rangeMax } = settings;
  const whole = [negatives, random].every((count) => Number.isInteger(count) && count >= 0);
  if (!whole || negatives + random < 1)
    throw refused(`${negatives} mined and ${random} random are not possible; ask for at least 1`);
  if (!Number.isInteger(rangeMin) || rangeMin < 0)
    throw refused(`rangeMin ${rangeMin} is not possible; give a whole number from 0`);
  if (rangeMax !== undefined && (!Number.isInteger(rangeMax) || rangeMax <= rangeMin))
    throw refused(`ranks ${rangeMin} to ${rangeMax} are no window; give rangeMin < rangeMax`);
  if (rangeMax !== undefined && negatives > rangeMax - rangeMin)
    throw refused(
      `${negatives} negatives do not fit in a window of ${rangeMax - rangeMin} ranks; ask for fewer, or widen it`,
    );
  const { minScore, maxScore, absoluteMargin, relativeMargin } = settings;
  for (const [name, value] of Object.entries({ minScore, maxScore, absoluteMargin, relativeMargin })) {
    if (value !== undefined && !Number.isFinite(value))
      throw refused(`${name} ${value} is not possible; give a number, or leave it out`);
  }
  if (minScore !== undefined && maxScore !== undefined && minScore > maxScore)
    throw refused(`minScore ${minScore} lies above maxScore ${maxScore}, so nothing is left between them`);
}

function refused(what: string): RetuneError {
  return new RetuneError("usage", `negatives: ${what}`);
}
