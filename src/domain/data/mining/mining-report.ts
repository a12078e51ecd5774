import { percentile } from "../../eval/statistics.ts";
import { THRESHOLDS, type MinedNegative, type SkippedCounts, type Threshold } from "./choose-negatives.ts";
import type { QuestionCandidates } from "./mining-candidates.ts";
import type { MiningGround } from "./mining-ground.ts";
import { rangeMaxOf, type MiningSettings } from "./settings.ts";

/** What sentence-transformers prints of scores; std with n − 1, quantiles by linear interpolation; zeros for none. */
export interface ScoreSummary {
  readonly count: number;
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
  readonly max: number;
}

/** Scores of positives and mined negatives by bin; bin i is [low + i·width, low + (i + 1)·width), the last one closed. */
export interface ScoreHistogram {
  readonly low: number;
  readonly width: number;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

/** What mining found, for people. */
export interface MiningReport {
  readonly questions: number; // different ones with a positive
  readonly mined: number;
  readonly random: number;
  readonly short: number; // questions that got fewer than asked for
  readonly none: number; // of these: questions that got none
  readonly copies: number; // passages left out because they repeat another
  readonly rangeMax: number; // as used
  readonly candidates: number; // met, positives not counted
  readonly skipped: Readonly<Record<Threshold, number>>; // of them, each by the first threshold it failed
  readonly rescored: boolean; // scores below are a cross-encoder's
  readonly positiveScores: ScoreSummary;
  readonly negativeScores: ScoreSummary; // one for each (positive, negative) of a question, as the triplets there
  readonly differences: ScoreSummary; // positive − negative
  readonly histogram: ScoreHistogram;
}

const BINS = 30;

export function miningReport(
  ground: MiningGround,
  candidates: readonly QuestionCandidates[],
  chosen: readonly (readonly MinedNegative[])[],
  settings: MiningSettings,
  { skipped, rescored }: { readonly skipped: SkippedCounts; readonly rescored: boolean },
): MiningReport {
  const positives = candidates.flatMap(({ positiveScores }) => Array.from(positiveScores));
  const pairs = chosen.flatMap((own, place) =>
    Array.from(candidates[place]!.positiveScores).flatMap((right) =>
      own.filter(({ kind }) => kind !== "random").map(({ score }) => [right, score] as const),
    ),
  );
  const negatives = pairs.map(([, wrong]) => wrong);
  const count = (kind: MinedNegative["kind"]): number =>
    chosen.reduce((sum, own) => sum + own.filter((each) => each.kind === kind).length, 0);
  const wanted = settings.negatives + settings.random;
  return {
    questions: ground.asked.length,
    mined: count("mined"),
    random: count("random"),
    short: chosen.filter((own) => own.length < wanted).length,
    none: chosen.filter((own) => own.length === 0).length,
    copies: ground.copies,
    rangeMax: rangeMaxOf(settings, ground.mostPositives, rescored),
    candidates: skipped.candidates,
    skipped: Object.fromEntries(THRESHOLDS.map((name) => [name, skipped[name]])) as MiningReport["skipped"],
    rescored,
    positiveScores: scoreSummary(positives),
    negativeScores: scoreSummary(negatives),
    differences: scoreSummary(pairs.map(([right, wrong]) => right - wrong)),
    histogram: scoreHistogram(positives, negatives),
  };
}

export function scoreSummary(scores: readonly number[]): ScoreSummary {
  const count = scores.length;
  if (count === 0) return { count, mean: 0, std: 0, min: 0, quarter: 0, median: 0, threeQuarters: 0, max: 0 };
  const sorted = Float64Array.from(scores).sort();
  const mean = sorted.reduce((sum, score) => sum + score, 0) / count;
  const squares = sorted.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return {
    count,
    mean,
    std: Math.sqrt(squares / Math.max(1, count - 1)),
    min: sorted[0]!,
    quarter: percentile(sorted, 0.25),
    median: percentile(sorted, 0.5),
    threeQuarters: percentile(sorted, 0.75),
    max: sorted.at(-1)!,
  };
}

function scoreHistogram(positive: readonly number[], negative: readonly number[]): ScoreHistogram {
  const all = [...positive, ...negative];
  const low = all.reduce((least, score) => Math.min(least, score), Infinity);
  const high = all.reduce((most, score) => Math.max(most, score), -Infinity);
  if (all.length === 0) return { low: 0, width: 0, positive: [], negative: [] };
  const width = (high - low) / BINS || 1;
  const counts = (scores: readonly number[]): number[] => {
    const bins = new Array<number>(BINS).fill(0);
    for (const score of scores) bins[Math.min(BINS - 1, Math.floor((score - low) / width))]!++;
    return bins;
  };
  return { low, width, positive: counts(positive), negative: counts(negative) };
}
