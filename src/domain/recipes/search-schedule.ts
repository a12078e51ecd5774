// The search as pure functions of what has been tried, so that a resumed search goes on exactly as an unbroken one.
//
//   1. Every candidate (learning rate × scale) trains without fold 0 and is judged on it at each look.
//   2. The best half goes on to fold 1, the best of those to the remaining folds (successive halving, Jamieson &
//      Talwalkar 2016): a quarter of the work of trying all on all.
//   3. Among candidates tried on every fold, the (candidate, look, strength α) with the highest mean MRR@10 is chosen,
//      after averaging each look with its neighbours, since one look of one fold is noisy.
import type { AdapterConfig } from "../models/adapter-config.ts";
import { canMerge } from "../models/merge-adapter.ts";
import type { AdapterSettings, ChosenSettings } from "./adapter-job.ts";
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

const LEARNING_RATES = [3e-4, 1e-3];
const SCALES = [20, 50, 100];
const STRENGTHS = [0.25, 0.5, 0.75, 1, 1.25, 1.5];
const KEEP = [3, 2]; // candidates that go on after fold 0, after fold 1

/** Learning rates and scales to try; what the settings name is fixed. */
export function candidatesOf({ learningRate, scale }: AdapterSettings): readonly Candidate[] {
  const rates = learningRate === undefined ? LEARNING_RATES : [learningRate];
  const scales = scale === undefined ? SCALES : [scale];
  return rates.flatMap((rate) => scales.map((value) => ({ learningRate: rate, scale: value })));
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
    fold === 0 ? candidates.length : Math.min(candidates.length, KEEP[Math.min(fold, KEEP.length) - 1]!),
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
  if (plan.folds < 2) return;
  const second = bestOf(plan, results, all, [0], KEEP[0]!);
  yield { folds: [1], candidates: second };
  if (plan.folds < 3) return;
  const rest = Array.from({ length: plan.folds - 2 }, (_, index) => index + 2);
  yield { folds: rest, candidates: bestOf(plan, results, second, [0, 1], KEEP[1]!) };
}

function bestOf(
  plan: SearchPlan,
  results: readonly TrialResult[],
  candidates: readonly number[],
  folds: readonly number[],
  keep: number,
): readonly number[] {
  const scored = candidates.map((candidate) => ({
    candidate,
    best: peakOf(plan, results, candidate, folds),
  }));
  scored.sort((a, b) => (b.best?.mrr ?? 0) - (a.best?.mrr ?? 0) || a.candidate - b.candidate);
  return scored.slice(0, keep).map(({ candidate }) => candidate);
}

interface Peak {
  readonly look: number;
  readonly strength: number; // index
  readonly mrr: number;
}

/** Mean curve of a candidate over `folds`, weighted by their questions, smoothed over looks; its highest point. */
function peakOf(
  plan: SearchPlan,
  results: readonly TrialResult[],
  candidate: number,
  folds: readonly number[],
): Peak | null {
  const own = folds.map((fold) => results.find((r) => r.candidate === candidate && r.fold === fold));
  if (own.some((result) => result === undefined)) return null;
  const questions = folds.reduce((sum, fold) => sum + plan.foldSizes[fold]!, 0);
  const mean = (look: number, strength: number): number =>
    own.reduce((sum, r, index) => sum + r!.curve[look]![strength]! * plan.foldSizes[folds[index]!]!, 0) /
    questions;
  let best: Peak | null = null;
  for (let look = plan.epochsFixed ? plan.looks - 1 : 0; look < plan.looks; look++) {
    for (let strength = 0; strength < plan.strengths.length; strength++) {
      const near = [look - 1, look, look + 1].filter((at) => at >= 0 && at < plan.looks);
      const mrr = near.reduce((sum, at) => sum + mean(at, strength), 0) / near.length;
      if (!best || mrr > best.mrr) best = { look, strength, mrr };
    }
  }
  return best;
}

/** The best candidate among those tried on all folds, or null before the first is. */
export function choose(plan: SearchPlan, results: readonly TrialResult[]): Choice | null {
  const folds = Array.from({ length: plan.folds }, (_, index) => index);
  if (folds.length === 0) return null;
  let best: Choice | null = null;
  for (const [candidate, { learningRate, scale }] of plan.candidates.entries()) {
    const peak = peakOf(plan, results, candidate, folds);
    if (!peak || (best && peak.mrr <= best.mrr)) continue;
    const alpha = plan.strengths[peak.strength]!;
    const epochs = (peak.look + 1) * plan.epochsPerLook;
    best = { settings: { learningRate, scale, alpha, epochs }, candidate, look: peak.look, mrr: peak.mrr };
  }
  return best;
}
