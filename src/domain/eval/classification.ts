// A router answers a question with one choice, or with "none of these" where its probability is below the threshold.
//
//   accuracy = share of answerable questions whose best choice is right      (LlamaIndex's match rate)
//   MRR      = mean of 1/rank of the best-placed right choice                 (ranks among all choices, ties: file order)
//   F1 of c  = 2·TP/(2·TP + FP + FN), from the confusion matrix after the threshold
//
// With several right choices a question counts as its answer where that is right, else as its first right choice.
import { rowOf, type Matrix } from "../matrix.ts";
import {
  expectedCalibrationError,
  probabilityOf,
  type Calibration,
  type ConfidenceSignal,
  type Observation,
} from "./calibration.ts";
import type { Delta, Verdict } from "./report.ts";
import { clusterDifferences, pairedDeltas, smallestDetectable, verdictOf } from "./statistics.ts";

/** What a router says about one question. */
export interface RouterAnswer {
  readonly choice: number; // the best one, accepted or not
  readonly probability: number; // that it is right; 1 without a calibration
  readonly accepted: boolean; // else "none of these"
  readonly rank: number; // of the best-placed right choice, from 1; 0 where no choice is right
}

export interface ChoiceFigures {
  readonly choice: number;
  readonly examples: number; // that count as this choice
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface RouterFigures {
  readonly accuracy: number;
  readonly mrr: number;
  readonly accuracyWithNone: number; // right choice accepted, or "none of these" where nothing is right
  readonly accepted: number; // share of all questions
  readonly precision: number; // of accepted answers
  readonly macroF1: number; // over choices with examples
  readonly ece: number;
  readonly perChoice: readonly ChoiceFigures[];
}

/** One judged question. */
export interface RouterRow {
  readonly example: string; // id
  readonly right: readonly number[];
  readonly base: RouterAnswer | null;
  readonly tuned: RouterAnswer;
}

export interface RouterReport {
  readonly examples: number;
  readonly clusters: number;
  readonly base: RouterFigures | null;
  readonly tuned: RouterFigures;
  readonly delta: Readonly<Record<"accuracy" | "mrr" | "accuracyWithNone", Delta>> | null;
  readonly verdict: Verdict; // by accuracy
  readonly smallestDetectable: number; // Δ of accuracy at 80 % power
  /** Rows: what was right, columns: what was said; the last of both is "none of these". Null past 200 choices. */
  readonly confusion: { readonly base: Confusion | null; readonly tuned: Confusion } | null;
  readonly confused: readonly Confused[]; // the most frequent wrong answers of the tuned router
  readonly rows: readonly RouterRow[];
}

export type Confusion = readonly (readonly number[])[];

/** `right` and `said` are choices, or −1 for "none of these". */
export interface Confused {
  readonly right: number;
  readonly said: number;
  readonly count: number;
}

export interface ScoredRouter {
  readonly scores: Matrix; // [examples, choices]
  readonly calibration?: Calibration;
}

export interface RouterReportSettings {
  readonly seed: number;
  readonly resamples?: number;
}

const SHOWN_CHOICES = 200; // beyond, a matrix says nothing to a person

/** How sure a row of scores is: its best score, or the lead over the second (the score itself of a single choice). */
export function confidenceOf(row: Float32Array, signal: ConfidenceSignal): number {
  const best = bestOf(row);
  if (signal === "top" || row.length < 2) return row[best]!;
  let second = -Infinity;
  for (let index = 0; index < row.length; index++) if (index !== best) second = Math.max(second, row[index]!);
  return row[best]! - second;
}

/** The first column of the best score. */
export function bestOf(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[best]!) best = index;
  return best;
}

export function answerOf(
  row: Float32Array,
  right: readonly number[],
  calibration: Calibration | undefined,
): RouterAnswer {
  const choice = bestOf(row);
  const probability = calibration ? probabilityOf(calibration, confidenceOf(row, calibration.signal)) : 1;
  const rank = right.length === 0 ? 0 : Math.min(...right.map((column) => rankIn(row, column)));
  return { choice, probability, accepted: !calibration || probability >= calibration.threshold, rank };
}

function rankIn(row: Float32Array, column: number): number {
  let rank = 1;
  for (let other = 0; other < row.length; other++) {
    if (row[other]! > row[column]! || (row[other] === row[column] && other < column)) rank++;
  }
  return rank;
}

/**
 * Answers of held-out questions as observations for `calibrate`. Where the set has no question that is to be turned
 * away, each question stands once more without its right choices: then any answer is wrong, and together these weigh
 * a fifth of all.
 */
export function observationsOf(
  scores: Matrix,
  right: readonly (readonly number[])[],
  signal: ConfidenceSignal,
): Observation[] {
  const own = right.map((columns, index): Observation => {
    const row = rowOf(scores, index);
    return { score: confidenceOf(row, signal), right: columns.includes(bestOf(row)), weight: 1 };
  });
  if (right.some((columns) => columns.length === 0)) return own;
  const without = right.flatMap((columns, index) => {
    const row = rowOf(scores, index).filter((_, column) => !columns.includes(column));
    return row.length > 1 ? [confidenceOf(row, signal)] : [];
  });
  const weight = noneWeight(own.length, without.length);
  return [...own, ...without.map((score): Observation => ({ score, right: false, weight }))];
}

const NONE_SHARE = 0.2; // of the questions in use, where the data does not say

/** The weight of each made-up unanswerable question beside `own` real ones of weight 1. */
export function noneWeight(own: number, without: number): number {
  return (NONE_SHARE / (1 - NONE_SHARE)) * (own / Math.max(1, without));
}

/** Figures of one router over judged questions. */
export function figuresOf(
  answers: readonly RouterAnswer[],
  right: readonly (readonly number[])[],
  choices: number,
): RouterFigures {
  const scored = right.flatMap((columns, index) => (columns.length > 0 ? [answers[index]!] : []));
  const rows = answers.map((answer, index) => rowFigures(answer, right[index]!));
  const accepted = answers.flatMap((answer, index) => (answer.accepted ? [rows[index]!] : []));
  const perChoice = perChoiceOf(answers, right, choices);
  const present = perChoice.filter(({ examples }) => examples > 0);
  const share = (hits: number, of: number): number => (of > 0 ? hits / of : 0);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    accuracy: share(scored.filter(({ rank }) => rank === 1).length, scored.length),
    mrr: share(sum(scored.map(({ rank }) => 1 / rank)), scored.length),
    accuracyWithNone: share(sum(rows.map((row) => row[2]!)), rows.length),
    accepted: share(accepted.length, answers.length),
    precision: share(sum(accepted.map((row) => row[0]!)), accepted.length),
    macroF1: share(sum(present.map(({ f1 }) => f1)), present.length),
    ece: expectedCalibrationError(
      answers.map(({ probability }, index) => ({ probability, right: rows[index]![0] === 1 })),
    ),
    perChoice,
  };
}

/** accuracy, reciprocal rank, right with "none of these": the numbers of one question that are compared in pairs. */
function rowFigures({ accepted, rank }: RouterAnswer, right: readonly number[]): Float64Array {
  const hit = rank === 1;
  const open = right.length === 0 ? !accepted : accepted && hit;
  return Float64Array.of(hit ? 1 : 0, rank > 0 ? 1 / rank : 0, open ? 1 : 0);
}

/** The row and column of a confusion matrix, −1 for none. A right best choice is the one with rank 1. */
function cellOf({ choice, accepted, rank }: RouterAnswer, right: readonly number[]): [number, number] {
  return [rank === 1 ? choice : (right[0] ?? -1), accepted ? choice : -1];
}

function perChoiceOf(
  answers: readonly RouterAnswer[],
  right: readonly (readonly number[])[],
  choices: number,
): ChoiceFigures[] {
  const [examples, said, hits] = [0, 1, 2].map(() => new Uint32Array(choices));
  for (const [index, answer] of answers.entries()) {
    const [is, was] = cellOf(answer, right[index]!);
    if (is >= 0) examples![is]!++;
    if (was >= 0) said![was]!++;
    if (is >= 0 && is === was) hits![is]!++;
  }
  return Array.from({ length: choices }, (_, choice) => {
    const [own, named, both] = [examples![choice]!, said![choice]!, hits![choice]!];
    return {
      choice,
      examples: own,
      precision: named > 0 ? both / named : 0,
      recall: own > 0 ? both / own : 0,
      f1: own + named > 0 ? (2 * both) / (own + named) : 0,
    };
  });
}

/**
 * Base against tuned on judged questions, with paired intervals over `clusters` [examples]. `right` [examples] holds
 * columns, empty where "none of these" is the answer. Without a base there is nothing to compare.
 */
export function routerReport(
  examples: readonly { readonly id: string; readonly cluster: string; readonly right: readonly number[] }[],
  tuned: ScoredRouter,
  base: ScoredRouter | undefined,
  settings: RouterReportSettings,
): RouterReport {
  const right = examples.map((example) => example.right);
  const choices = tuned.scores.columns;
  const answersOf = ({ scores, calibration }: ScoredRouter): RouterAnswer[] =>
    right.map((columns, index) => answerOf(rowOf(scores, index), columns, calibration));
  const after = answersOf(tuned);
  const before = base ? answersOf(base) : null;
  const clusters = examples.map(({ cluster }) => cluster);
  const compared = before ? comparisonOf(after, before, right, clusters, settings) : null;
  const matrix = (answers: readonly RouterAnswer[]): Confusion => confusionOf(answers, right, choices);
  return {
    examples: examples.length,
    clusters: new Set(clusters).size,
    base: before && figuresOf(before, right, choices),
    tuned: figuresOf(after, right, choices),
    delta: compared?.delta ?? null,
    verdict: compared ? verdictOf(compared.delta.accuracy) : "cannot-tell",
    smallestDetectable: compared?.smallest ?? 1,
    confusion: choices <= SHOWN_CHOICES ? { base: before && matrix(before), tuned: matrix(after) } : null,
    confused: confusedOf(after, right),
    rows: examples.map(({ id }, index) => ({
      example: id,
      right: right[index]!,
      base: before?.[index] ?? null,
      tuned: after[index]!,
    })),
  };
}

/** accuracy and MRR speak of answerable questions only; a question without an answer changes neither. */
function comparisonOf(
  after: readonly RouterAnswer[],
  before: readonly RouterAnswer[],
  right: readonly (readonly number[])[],
  clusters: readonly string[],
  { seed, resamples }: RouterReportSettings,
): { delta: NonNullable<RouterReport["delta"]>; smallest: number } {
  const options = { seed, ...(resamples === undefined ? {} : { resamples }) };
  const rows = (answers: readonly RouterAnswer[]): Float64Array[] =>
    answers.map((answer, index) => rowFigures(answer, right[index]!));
  const answerable = right.flatMap((columns, index) => (columns.length > 0 ? [index] : []));
  const only = <T>(values: readonly T[]): T[] => answerable.map((index) => values[index]!);
  const closed = clusterDifferences(only(rows(after)), only(rows(before)), only(clusters));
  const all = clusterDifferences(rows(after), rows(before), clusters);
  const [accuracy, mrr] = pairedDeltas(closed, options);
  const accuracyWithNone = pairedDeltas(all, options)[2]!;
  return {
    delta: { accuracy: accuracy!, mrr: mrr!, accuracyWithNone },
    smallest: smallestDetectable(closed, 0),
  };
}

function confusionOf(
  answers: readonly RouterAnswer[],
  right: readonly (readonly number[])[],
  choices: number,
): Confusion {
  const counts = Array.from({ length: choices + 1 }, () => new Array<number>(choices + 1).fill(0));
  for (const [index, answer] of answers.entries()) {
    const [is, was] = cellOf(answer, right[index]!).map((place) => (place < 0 ? choices : place));
    counts[is!]![was!]!++;
  }
  return counts;
}

function confusedOf(answers: readonly RouterAnswer[], right: readonly (readonly number[])[]): Confused[] {
  const counts = new Map<string, Confused>();
  for (const [index, answer] of answers.entries()) {
    const [is, said] = cellOf(answer, right[index]!);
    if (is === said) continue;
    const key = `${is} ${said}`;
    counts.set(key, { right: is, said, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).slice(0, 20);
}
