// The search as pure functions of what has been tried, so that a resumed search goes on exactly as an unbroken one.
//
//   1. Every candidate trains without fold 0 and is judged on it at each look. Candidates are a cross, not a grid: a
//      centre, and neighbours in scale and learning rate (a lower rate is an earlier look).
//   2. The centre and the best neighbour train without each other fold too (a round of successive halving).
//   3. For both the (look, strength α) with the lowest mean log rank is taken, after averaging each look with its
//      neighbours 1 : 2 : 1, since one look at one fold is noisy. The neighbour is chosen only if it is better than the
//      centre by more than one standard error over folds (Breiman et al. 1984): among settings that differ by chance, the
//      usual one is the better bet. Nested cross-validation inside Lyft, MRR@10 without / with instruction: base .658 /
//      .656; lowest log rank .692 / .694, with the one-error rule .693 / .697; highest MRR@10 .691 / .690.
import type { AdapterConfig } from "../models/adapter-config.ts";
import { canMerge } from "../models/merge-adapter.ts";
import type { AdapterSettings, ChosenSettings } from "./adapter-job.ts";
import type { Look } from "./held-out-look.ts";
import type { TrialResult } from "./recipe-state.ts";

export interface Candidate {
  readonly learningRate: number;
  readonly scale: number;
}

export interface SearchPlan {
  readonly candidates: readonly Candidate[];
  readonly folds: number;
  readonly foldSizes: readonly number[]; // held-out questions
  readonly looks: number; // validations in a trial
  readonly epochsPerLook: number;
  readonly strengths: readonly number[]; // α
  readonly epochsFixed: boolean; // then only the last look may be chosen
}

export interface Choice {
  readonly settings: ChosenSettings;
  readonly candidate: number;
  readonly look: number; // from 0
  readonly mrr: number; // smoothed mean over folds
}

/**
 * The centre first. 3e-4 and 50 are what cross-validation inside Lyft prefers for a linear adapter (retrieval.md); a stack
 * starts with r = 0 or at random and has further to go, so its rates are about three times that.
 */
function crossOf({ kind }: AdapterConfig): readonly Candidate[] {
  const [rate, higher] = kind === "linear" ? [3e-4, 1e-3] : [1e-3, 3e-3];
  return [
    { learningRate: rate, scale: 50 },
    { learningRate: higher, scale: 50 },
    { learningRate: rate, scale: 20 },
    { learningRate: rate, scale: 100 },
  ];
}

const STRENGTHS = [0.25, 0.5, 0.75, 1, 1.25, 1.5];
const KEEP = 2; // candidates that see every fold

/** Learning rates and scales to try; what the settings name is fixed. */
export function candidatesOf({ adapter, learningRate, scale }: AdapterSettings): readonly Candidate[] {
  const fixed = crossOf(adapter).map((candidate) => ({
    learningRate: learningRate ?? candidate.learningRate,
    scale: scale ?? candidate.scale,
  }));
  const keyed = new Map(
    fixed.map((candidate) => [`${candidate.learningRate} ${candidate.scale}`, candidate]),
  );
  return [...keyed.values()];
}

/** Strengths to try: only those that can be exported as weights (merge-adapter.ts). */
export function strengthsOf(config: AdapterConfig, alpha: number | undefined): readonly number[] {
  if (alpha !== undefined) return [alpha];
  return canMerge(config) ? STRENGTHS : [1];
}

/** The next trial, or null when the search is over. */
export function nextTrial(
  plan: SearchPlan,
  results: readonly TrialResult[],
): { readonly candidate: number; readonly fold: number } | null {
  for (const { folds, candidates } of rounds(plan, results)) {
    for (const candidate of candidates) {
      for (const fold of folds) {
        if (!trialOf(results, candidate, fold)) return { candidate, fold };
      }
    }
  }
  return null;
}

/** How many candidates the whole search tries on each fold. */
export function trialCount({ candidates, folds }: SearchPlan): readonly number[] {
  return Array.from({ length: folds }, (_, fold) =>
    Math.min(candidates.length, fold === 0 ? Infinity : KEEP),
  );
}

interface Round {
  readonly folds: readonly number[];
  readonly candidates: readonly number[];
}

function* rounds(plan: SearchPlan, results: readonly TrialResult[]): Generator<Round> {
  if (plan.folds < 1) return;
  const all = plan.candidates.map((_, index) => index);
  yield { folds: [0], candidates: all };
  const [centre, ...neighbours] = all;
  const logRankOf = (candidate: number): number => peakOf(plan, results, candidate, [0])?.logRank ?? Infinity;
  neighbours.sort((a, b) => logRankOf(a) - logRankOf(b) || a - b);
  const folds = Array.from({ length: plan.folds - 1 }, (_, index) => index + 1);
  yield { folds, candidates: [centre!, ...neighbours.slice(0, KEEP - 1)] };
}

interface Peak {
  readonly look: number;
  readonly strength: number; // index
  readonly mrr: number;
  readonly logRank: number;
}

/** The look and strength at which a candidate's mean over `folds` has the lowest log rank; null if a fold is missing. */
function peakOf(
  plan: SearchPlan,
  results: readonly TrialResult[],
  candidate: number,
  folds: readonly number[],
): Peak | null {
  const trials = folds.flatMap((fold) => trialOf(results, candidate, fold) ?? []);
  if (trials.length < folds.length) return null;
  let best: Peak | null = null;
  for (let look = plan.epochsFixed ? plan.looks - 1 : 0; look < plan.looks; look++) {
    for (let strength = 0; strength < plan.strengths.length; strength++) {
      const logRank = smoothed(plan, trials, folds, "logRank", look, strength);
      if (best && logRank >= best.logRank) continue;
      best = { look, strength, logRank, mrr: smoothed(plan, trials, folds, "mrr", look, strength) };
    }
  }
  return best;
}

/** Mean over the trials of a candidate on `folds`, weighted by questions; looks are averaged 1 : 2 : 1. */
function smoothed(
  plan: SearchPlan,
  trials: readonly TrialResult[],
  folds: readonly number[],
  part: keyof Look,
  look: number,
  strength: number,
): number {
  const near = [look - 1, look, look + 1].filter((at) => at >= 0 && at < plan.looks);
  let [sum, weight] = [0, 0];
  for (const [place, trial] of trials.entries()) {
    for (const at of near) {
      const share = (at === look ? 2 : 1) * plan.foldSizes[folds[place]!]!;
      sum += share * trial.looks[at]![part][strength]!;
      weight += share;
    }
  }
  return sum / weight;
}

function trialOf(results: readonly TrialResult[], candidate: number, fold: number): TrialResult | undefined {
  return results.find((result) => result.candidate === candidate && result.fold === fold);
}

/** The centre, or a neighbour that beats it by more than one standard error; null before all folds are tried. */
export function choose(plan: SearchPlan, results: readonly TrialResult[]): Choice | null {
  const folds = Array.from({ length: plan.folds }, (_, index) => index);
  if (folds.length === 0) return null;
  const peaks = plan.candidates.map((_, candidate) => peakOf(plan, results, candidate, folds));
  let [candidate, peak] = [0, peaks[0]];
  for (const [other, rival] of peaks.entries()) {
    if (peak && rival && beats(plan, results, [other, rival], [candidate, peak]))
      [candidate, peak] = [other, rival];
  }
  if (!peak) return null;
  const { learningRate, scale } = plan.candidates[candidate]!;
  const { look, strength, mrr } = peak;
  const epochs = (look + 1) * plan.epochsPerLook;
  return {
    settings: { learningRate, scale, alpha: plan.strengths[strength]!, epochs },
    candidate,
    look,
    mrr,
  };
}

/** Whether `a` has a lower log rank than `b` by more than the standard error of their difference over folds. */
function beats(
  plan: SearchPlan,
  results: readonly TrialResult[],
  a: readonly [candidate: number, peak: Peak],
  b: readonly [candidate: number, peak: Peak],
): boolean {
  const on = ([candidate, { look, strength }]: typeof a, fold: number): number =>
    smoothed(plan, [trialOf(results, candidate, fold)!], [fold], "logRank", look, strength);
  const gains = plan.foldSizes.map((_, fold) => on(b, fold) - on(a, fold));
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  if (gains.length < 2) return mean > 0;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
  return mean > Math.sqrt(variance / gains.length);
}
