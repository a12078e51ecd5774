// Of every question's candidates, best first (sentence-transformers 6.2, util/hard_negatives.py):
//   1. positives go, by text as well as by id;
//   2. thresholds take out likely right ones and hopeless ones, in this order, each counting what it met:
//        s > s₊ − absolute        s > s₊ − relative·|s₊|        s > max        s < min
//      where s₊ is the lowest score of a positive (relative 0.05: TopK-PercPos of NV-Retriever, Moreira et al. 2024);
//   3. of what is left the ranks [rangeMin, rangeMax) are the window: the first of it, or some drawn from it, best first.
// Scores and thresholds are float32, as there, so that a score on the line falls to the same side.
import { CounterRandom } from "../../random.ts";
import type { QuestionCandidates } from "./mining-candidates.ts";
import type { MiningGround } from "./mining-ground.ts";
import { rangeMaxOf, type MiningSettings } from "./settings.ts";

export interface MinedNegative {
  readonly passage: number; // position in the dataset
  readonly kind: "mined" | "random" | "positive"; // a positive only where positives were asked for
  readonly rank: number; // from 1 among the candidates that are no positives; 0 for random ones and positives
  readonly score: number;
}

export const THRESHOLDS = ["absoluteMargin", "relativeMargin", "maxScore", "minScore"] as const;
export type Threshold = (typeof THRESHOLDS)[number];

/** Candidates met and taken out, over all questions. */
export interface SkippedCounts extends Record<Threshold, number> {
  candidates: number; // positives not counted
}

interface Candidate {
  readonly passage: number;
  readonly score: number;
  readonly rank: number;
}

/** The negatives of each asked question, mined ones first; `skipped` is added to. */
export function chooseNegatives(
  ground: MiningGround,
  candidates: readonly QuestionCandidates[],
  settings: MiningSettings,
  rescored: boolean,
  skipped: SkippedCounts,
): readonly (readonly MinedNegative[])[] {
  const rangeMax = rangeMaxOf(settings, ground.mostPositives, rescored);
  return candidates.map((own, place) => {
    const survivors = survivorsOf(ground, place, own, settings, skipped);
    const window = survivors.slice(settings.rangeMin, rangeMax);
    const { question } = ground.asked[place]!;
    const mined = sampled(window, settings, question).map(({ passage, score, rank }): MinedNegative => ({
      ...{ passage, score, rank },
      kind: rank === 0 ? "positive" : "mined",
    }));
    return [...mined, ...drawn(own, mined, settings.random)];
  });
}

function survivorsOf(
  ground: MiningGround,
  place: number,
  { passages, scores, positiveScores }: QuestionCandidates,
  settings: MiningSettings,
  skipped: SkippedCounts,
): Candidate[] {
  const { firstOf, asked, order } = ground;
  const right = new Set(asked[place]!.positives.map((passage) => firstOf[passage]!));
  const sorted = Array.from(passages.keys()).sort(
    (a, b) => scores[b]! - scores[a]! || order[passages[a]!]! - order[passages[b]!]!,
  );
  const tests = thresholdTests(settings, Math.min(...positiveScores));
  const survivors: Candidate[] = [];
  let rank = 0;
  for (const index of sorted) {
    const [passage, score] = [passages[index]!, scores[index]!];
    const positive = right.has(passage);
    if (positive && !settings.includePositives) continue;
    if (!positive) {
      rank++;
      skipped.candidates++;
    }
    const reason = tests.find(([, fails]) => fails(score));
    if (reason) skipped[reason[0]]++;
    else survivors.push({ passage, score, rank: positive ? 0 : rank });
  }
  return survivors;
}

type ThresholdTest = readonly [Threshold, (score: number) => boolean];

function thresholdTests(settings: MiningSettings, lowest: number): readonly ThresholdTest[] {
  const { absoluteMargin, relativeMargin, maxScore, minScore } = settings;
  const f = Math.fround;
  const tests: ThresholdTest[] = [];
  if (absoluteMargin !== undefined)
    tests.push(["absoluteMargin", (score) => f(score + f(absoluteMargin)) > lowest]);
  if (relativeMargin !== undefined) {
    const line = f(lowest - f(Math.abs(lowest) * f(relativeMargin)));
    tests.push(["relativeMargin", (score) => score > line]);
  }
  if (maxScore !== undefined) tests.push(["maxScore", (score) => score > f(maxScore)]);
  if (minScore !== undefined) tests.push(["minScore", (score) => score < f(minScore)]);
  return tests;
}

function sampled(
  window: readonly Candidate[],
  { sampling, negatives, seed }: MiningSettings,
  question: number,
): readonly Candidate[] {
  if (sampling === "top") return window.slice(0, negatives);
  const order = CounterRandom.stream(seed, 1_000_000 + question).permutation(window.length);
  const places = Array.from(order.subarray(0, negatives)).sort((a, b) => a - b);
  return places.map((place) => window[place]!);
}

function drawn(own: QuestionCandidates, mined: readonly MinedNegative[], count: number): MinedNegative[] {
  const taken = new Set(mined.map(({ passage }) => passage));
  const { passages, scores } = own.drawn;
  const free = Array.from(passages.keys()).filter((place) => !taken.has(passages[place]!));
  return free
    .slice(0, count)
    .map((place) => ({ passage: passages[place]!, kind: "random", rank: 0, score: scores[place]! }));
}
