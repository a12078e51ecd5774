// The ladder: instruction → fusion → adapter → re-ranker → LoRA → full. Cheapest first, every rung judged by MRR@10 of the
// whole search on the same held-out questions. A rung is kept only if it beats the present one by more than one standard
// error of the paired difference (Breiman et al. 1984, the one-standard-error rule; questions of one document move together,
// so documents are what varies). Rungs without training cost nothing and are always tried; of those that train, the first
// that does not pay ends the climb: what costs more is not started on the hope that it does better.
import { clusterDifferences, mean, standardError } from "../eval/statistics.ts";

export type RungName = "instruction" | "fusion" | "adapter" | "re-ranker" | "lora" | "full";

/** Cheapest first. */
export const RUNGS: readonly RungName[] = ["instruction", "fusion", "adapter", "re-ranker", "lora", "full"];

/** Rungs without training. */
export const FREE_RUNGS: readonly RungName[] = ["instruction", "fusion"];

/** How a search answered the held-out questions, in one order for all rungs. */
export interface RungScores {
  readonly reciprocalRanks: readonly number[]; // of every question's best-placed positive, 0 beyond the tenth
  readonly groups: readonly string[]; // the document of each question
}

export interface RungGain {
  readonly value: number; // difference of the means
  readonly standardError: number; // of it; 1 where one group says nothing about others
  readonly better: boolean; // value > standardError
}

/** `after` against `before`, question by question. */
export function rungGain(after: RungScores, before: RungScores): RungGain {
  const rows = (values: readonly number[]): Float64Array[] => values.map((value) => Float64Array.of(value));
  const differences = clusterDifferences(
    rows(after.reciprocalRanks),
    rows(before.reciprocalRanks),
    after.groups,
  );
  const error = standardError(differences, 0);
  const value = mean(after.reciprocalRanks) - mean(before.reciprocalRanks);
  const known = Number.isFinite(error) ? error : 1;
  return { value, standardError: known, better: value > known };
}

/** A rung that was tried. */
export interface JudgedRung {
  readonly name: RungName;
  readonly mrr: number;
  readonly over: RungName | "base"; // the present one when it was tried
  readonly gain: RungGain;
}

export interface Climb {
  readonly judged: readonly JudgedRung[];
  readonly present: RungName | "base";
  readonly next: RungName | null; // null: the climb is over
}

/**
 * Where the ladder stands when `tried` rungs were judged, in whatever order they were; `possible` leaves out rungs that
 * cannot be tried here (a model without an instruction, no room for a full fine-tune).
 */
export function climbed(
  base: RungScores,
  tried: ReadonlyMap<RungName, RungScores>,
  possible: (name: RungName) => boolean = () => true,
): Climb {
  const judged: JudgedRung[] = [];
  let [present, best]: [RungName | "base", RungScores] = ["base", base];
  let next: RungName | null = null;
  let over = false;
  for (const name of RUNGS) {
    const scores = tried.get(name);
    if (!scores) {
      if (!over && possible(name)) next ??= name;
      continue;
    }
    const gain = rungGain(scores, best);
    judged.push({ name, mrr: mean(scores.reciprocalRanks), over: present, gain });
    if (gain.better) [present, best] = [name, scores];
    else if (!FREE_RUNGS.includes(name)) over = true;
  }
  return { judged, present, next: over ? null : next };
}

/** What can be tried: an app knows how. */
export interface RungRunner {
  possible(name: RungName): boolean;
  /** The search as it is; called once, first. */
  base(): Promise<RungScores>;
  /** Trains where the rung trains, on top of what `present` says was kept, and judges. */
  attempt(name: RungName, present: RungName | "base"): Promise<RungScores>;
}

/** Climbs until a trained rung does not pay or the top is reached; yields where it stands after every rung. */
export async function* climb(runner: RungRunner): AsyncGenerator<Climb, Climb, void> {
  const base = await runner.base();
  const tried = new Map<RungName, RungScores>();
  const possible = (name: RungName): boolean => runner.possible(name);
  let standing = climbed(base, tried, possible);
  while (standing.next !== null) {
    tried.set(standing.next, await runner.attempt(standing.next, standing.present));
    standing = climbed(base, tried, possible);
    yield standing;
  }
  return standing;
}
