// From which score on can an answer be trusted? Every question brings its best hits with their scores and whether they
// are right: wrong ones are hard negatives by making (trainers.md §10.12).
//
//   P(right | s)   Platt's σ(a·s + b), or isotonic steps from 1,000 pairs on where their log loss is lower (calibration.ts,
//                  isotonic.ts); log loss and ECE on clusters that the fit has not seen, five folds
//   threshold      lowest score whose first hits, at and above it, are right in a share of at least `target`
//   precision      of first hits taken by the threshold of the other folds, with Wilson's 95 % interval
import { RetuneError } from "../../engine/errors.ts";
import { groupsOf, passageIndex, type Dataset } from "../data/dataset.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import type { ScoreThreshold } from "./advice-types.ts";
import {
  expectedCalibrationError,
  fitPlatt,
  probabilityOf,
  wilson,
  type Observation,
  type PlattScaling,
} from "./calibration.ts";
import { positivesOf } from "./evaluate.ts";
import { fitIsotonic, isotonicProbability, type IsotonicStep } from "./isotonic.ts";
import { idOrder } from "./metrics.ts";
import { topColumns } from "./ranking.ts";

export const HITS = 10; // a question
const FOLDS = 5;
const LEAST_QUESTIONS = 30;
const ISOTONIC_FROM = 1000;
const BINS = 10;

/** One question with its best hits, best first. */
export interface ScoredQuestion {
  readonly cluster: string;
  readonly hits: readonly { readonly score: number; readonly right: boolean }[];
}

export interface ThresholdSettings {
  readonly score: ScoreThreshold["score"];
  readonly basis: ScoreThreshold["basis"];
  readonly target: number; // 0.9
  readonly seed: number;
}

interface Fit {
  readonly platt: PlattScaling;
  readonly isotonic: readonly IsotonicStep[] | null;
}

/** Errors: "too-little-data" below 30 questions or 2 clusters, "usage" for a target outside (0, 1). */
export function thresholdOf(
  questions: readonly ScoredQuestion[],
  settings: ThresholdSettings,
): ScoreThreshold {
  const { score, basis, target, seed } = settings;
  if (!(target > 0 && target < 1)) {
    throw new RetuneError(
      "usage",
      `threshold: a precision of ${target} cannot be asked for; give one between 0 and 1`,
    );
  }
  const answered = questions.filter(({ hits }) => hits.length > 0);
  const folds = foldsOf(answered, seed);
  if (answered.length < LEAST_QUESTIONS || new Set(folds).size < 2) {
    const found = `${answered.length} judged questions about ${new Set(answered.map(({ cluster }) => cluster)).size} documents`;
    throw new RetuneError(
      "too-little-data",
      `threshold: ${found}; ${LEAST_QUESTIONS} questions about 2 are needed`,
    );
  }
  const all = fitOf(pairsOf(answered));
  const checked = crossFitted(answered, folds, target);
  const kind = all.isotonic && checked.loss.isotonic < checked.loss.platt ? "isotonic" : "platt";
  const predictions = checked.predictions.map(({ right, ...by }) => ({ right, probability: by[kind] }));
  const { taken, correct } = checked;
  const precision = wilson(correct, taken);
  return {
    ...{ score, kind, target, basis, precision },
    platt: all.platt,
    isotonic: all.isotonic,
    threshold: lowestThreshold(answered, target),
    reached: taken > 0 && precision.value >= target,
    answered: taken / answered.length,
    ece: expectedCalibrationError(predictions, BINS),
    pairs: predictions.length,
    bins: binsOf(predictions),
  };
}

/** The lowest score at which first hits reach the target; null where no score does. Equal scores go together. */
export function lowestThreshold(questions: readonly ScoredQuestion[], target: number): number | null {
  const firsts = questions.map(({ hits }) => hits[0]!).sort((a, b) => b.score - a.score);
  let right = 0;
  let threshold: number | null = null;
  for (const [index, first] of firsts.entries()) {
    if (first.right) right++;
    const next = firsts[index + 1];
    if (next?.score === first.score) continue;
    if (right / (index + 1) >= target) threshold = first.score;
  }
  return threshold;
}

interface CrossFit {
  readonly predictions: readonly {
    readonly platt: number;
    readonly isotonic: number;
    readonly right: boolean;
  }[];
  readonly loss: { readonly platt: number; readonly isotonic: number };
  readonly taken: number;
  readonly correct: number;
}

function crossFitted(
  questions: readonly ScoredQuestion[],
  folds: readonly number[],
  target: number,
): CrossFit {
  const predictions: { platt: number; isotonic: number; right: boolean }[] = [];
  let [taken, correct] = [0, 0];
  for (const fold of new Set(folds)) {
    const others = questions.filter((_question, index) => folds[index] !== fold);
    const held = questions.filter((_question, index) => folds[index] === fold);
    const { platt, isotonic } = fitOf(pairsOf(others), 0);
    for (const { score, right } of pairsOf(held)) {
      const stepwise = isotonic ? isotonicProbability(isotonic, score) : 0;
      predictions.push({ platt: probabilityOf(platt, score), isotonic: stepwise, right });
    }
    const threshold = lowestThreshold(others, target);
    const accepted = held.filter(({ hits }) => threshold !== null && hits[0]!.score >= threshold);
    taken += accepted.length;
    correct += accepted.filter(({ hits }) => hits[0]!.right).length;
  }
  const lossOf = (kind: "platt" | "isotonic"): number =>
    predictions.reduce((sum, each) => sum - Math.log(clamped(each.right ? each[kind] : 1 - each[kind])), 0);
  return { predictions, loss: { platt: lossOf("platt"), isotonic: lossOf("isotonic") }, taken, correct };
}

// A step of 0 or 1 means "none seen", not "never": half a percent keeps one surprise from deciding the log loss.
const clamped = (probability: number): number => Math.min(0.995, Math.max(0.005, probability));

function fitOf(pairs: readonly Observation[], isotonicFrom = ISOTONIC_FROM): Fit {
  return { platt: fitPlatt(pairs), isotonic: pairs.length >= isotonicFrom ? fitIsotonic(pairs) : null };
}

function pairsOf(questions: readonly ScoredQuestion[]): readonly Observation[] {
  return questions.flatMap(({ hits }) =>
    hits.slice(0, HITS).map(({ score, right }) => ({ score, right, weight: 1 })),
  );
}

function foldsOf(questions: readonly ScoredQuestion[], seed: number): readonly number[] {
  const names = [...new Set(questions.map(({ cluster }) => cluster))];
  const shuffled = CounterRandom.stream(seed, 91).permutation(names.length);
  const fold = new Map(Array.from(shuffled, (place, index) => [names[place]!, index % FOLDS]));
  return questions.map(({ cluster }) => fold.get(cluster)!);
}

function binsOf(
  predictions: readonly { readonly probability: number; readonly right: boolean }[],
): ScoreThreshold["bins"] {
  return Array.from({ length: BINS }, (_, bin) => {
    const own = predictions.filter(
      ({ probability }) => Math.min(BINS - 1, Math.floor(probability * BINS)) === bin,
    );
    return {
      predicted: own.reduce((sum, { probability }) => sum + probability, 0) / Math.max(1, own.length),
      observed: own.filter(({ right }) => right).length / Math.max(1, own.length),
      pairs: own.length,
    };
  }).filter(({ pairs }) => pairs > 0);
}

/** The best hits of every question with a right passage, from its scores [Q, N]. */
export function scoredQuestions(dataset: Dataset, scores: Matrix): readonly ScoredQuestion[] {
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const places = passageIndex(dataset);
  const clusters = groupsOf(dataset);
  return dataset.queries.flatMap((query, row): ScoredQuestion[] => {
    const right = new Set(positivesOf(query, places).map(({ passage }) => passage));
    if (right.size === 0) return [];
    const own = rowOf(scores, row);
    const best = topColumns(own, order, HITS);
    const hits = Array.from(best, (column) => ({ score: own[column]!, right: right.has(column) }));
    return [{ cluster: clusters[row]!, hits }];
  });
}
