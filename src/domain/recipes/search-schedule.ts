// The search as pure functions of what has been tried, so that a resumed search goes on exactly as an unbroken one.
//
//   1. Every candidate trains without fold 0 and is judged on it at each look. Candidates are a cross, not a grid: the
//      learning rate that cross-validation prefers on the guide's data with three scales, and a higher rate at the middle
//      scale (a lower one is an earlier look).
//   2. The better half trains without each other fold too (successive halving, Jamieson & Talwalkar 2016).
//   3. Among candidates tried on every fold, the (candidate, look, strength α) with the lowest mean log rank is chosen,
//      after averaging each look with its neighbours, since one look at one fold is noisy.
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

const CROSS: readonly Candidate[] = [
  { learningRate: 3e-4, scale: 50 },
  { learningRate: 1e-3, scale: 50 },
  { learningRate: 3e-4, scale: 20 },
  { learningRate: 3e-4, scale: 100 },
];
const STRENGTHS = [0.25, 0.5, 0.75, 1, 1.25, 1.5];
const KEEP = 2; // candidates that go on after fold 0

/** Learning rates and scales to try; what the settings name is fixed. */
export function candidatesOf({ learningRate, scale }: AdapterSettings): readonly Candidate[] {
  const fixed = CROSS.map((candidate) => ({
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
        if (!results.some((result) => result.candidate === candidate && result.fold === fold)) {
          return { candidate, fold };
        }
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
  const scored = all.map((candidate) => ({
    candidate,
    logRank: peakOf(plan, results, candidate, [0])?.logRank ?? Infinity,
  }));
  scored.sort((a, b) => a.logRank - b.logRank || a.candidate - b.candidate);
  const folds = Array.from({ length: plan.folds - 1 }, (_, index) => index + 1);
  yield { folds, candidates: scored.slice(0, KEEP).map(({ candidate }) => candidate) };
}

interface Peak {
  readonly look: number;
  readonly strength: number; // index
  readonly mrr: number;
  readonly logRank: number;
}

/** Means of a candidate over `folds`, weighted by their questions and smoothed over looks, at the best point. */
function peakOf(
  plan: SearchPlan,
  results: readonly TrialResult[],
  candidate: number,
  folds: readonly number[],
): Peak | null {
  const own = folds.map((fold) => results.find((r) => r.candidate === candidate && r.fold === fold));
  if (own.some((result) => result === undefined)) return null;
  const questions = folds.reduce((sum, fold) => sum + plan.foldSizes[fold]!, 0);
  const smoothed = (part: keyof Look, look: number, strength: number): number => {
    const near = [look - 1, look, look + 1].filter((at) => at >= 0 && at < plan.looks);
    const sums = own.map((result, index) => {
      const total = near.reduce((sum, at) => sum + result!.looks[at]![part][strength]!, 0);
      return (total / near.length) * plan.foldSizes[folds[index]!]!;
    });
    return sums.reduce((sum, value) => sum + value, 0) / questions;
  };
  let best: Peak | null = null;
  for (let look = plan.epochsFixed ? plan.looks - 1 : 0; look < plan.looks; look++) {
    for (let strength = 0; strength < plan.strengths.length; strength++) {
      const logRank = smoothed("logRank", look, strength);
      if (best && logRank >= best.logRank) continue;
      best = { look, strength, logRank, mrr: smoothed("mrr", look, strength) };
    }
  }
  return best;
}

/** The best candidate among those tried on all folds, or null before the first is. */
export function choose(plan: SearchPlan, results: readonly TrialResult[]): Choice | null {
  const folds = Array.from({ length: plan.folds }, (_, index) => index);
  if (folds.length === 0) return null;
  const peaks = plan.candidates.map((_, candidate) => peakOf(plan, results, candidate, folds));
  const lowest = Math.min(...peaks.map((peak) => peak?.logRank ?? Infinity));
  const candidate = peaks.findIndex((peak) => peak?.logRank === lowest);
  const peak = peaks[candidate];
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
