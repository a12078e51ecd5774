// Negatives for re-rankers and encoders: passages that a first search puts high and that do not answer the question, and
// some at random, since hard ones alone hurt the easy cases (sentence-transformers' training tips). Of every question
//   1. its positives are left out, by id and by text: a copy of a positive under another id is no negative;
//   2. what is left is ranked by score; the window [from, to] of these ranks is taken, best first or drawn;
//   3. margins drop likely false negatives: score > s₊ − absolute, or score > s₊ − relative·|s₊|, where s₊ is the lowest
//      score of a positive (relative 0.05: TopK-PercPos of NV-Retriever, Moreira et al. 2024).
import { RetuneError } from "../../engine/errors.ts";
import { idOrder } from "../eval/metrics.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import { groupsOf, passageIndex, type Dataset } from "./dataset.ts";
import { comparable } from "./leaks.ts";
import type { RerankCandidate, RerankDataset } from "./rerank-dataset.ts";

export interface MiningSettings {
  readonly mined: number; // negatives a question out of the window
  readonly random: number; // negatives a question out of all passages
  readonly from: number; // ranks from 1 among passages that are no positives
  readonly to: number;
  readonly sampling: "top" | "random";
  readonly absoluteMargin?: number;
  readonly relativeMargin?: number;
  readonly seed: number;
}

export const MINING_DEFAULTS: MiningSettings = {
  mined: 3,
  random: 1,
  from: 1,
  to: 30,
  sampling: "random",
  seed: 0,
};

export interface MinedNegative {
  readonly passage: number; // position in the dataset
  readonly kind: "mined" | "random";
  readonly rank: number; // from 1, among passages that are no positives
  readonly score: number;
}

export interface MinedNegatives {
  readonly queries: readonly (readonly MinedNegative[])[]; // one list a question, mined ones first
  readonly report: MiningReport;
}

/** What mining found, for people. */
export interface MiningReport {
  readonly questions: number; // with a positive
  readonly mined: number;
  readonly random: number;
  readonly short: number; // questions that got fewer than asked for
  readonly copies: number; // passages left out because they repeat a positive's text
  readonly byMargin: number; // passages of windows left out by a margin
  readonly positiveScore: number; // mean over positives
  readonly negativeScore: number; // mean over mined negatives
}

/** `scores` [Q, N] rank the passages (BM25, cosines, a hybrid); `marginScores` [Q, N], default the same, are compared. */
export function mineNegatives(
  dataset: Dataset,
  scores: Matrix,
  settings: MiningSettings,
  marginScores: Matrix = scores,
): MinedNegatives {
  checkMining(dataset, scores, settings);
  const ground = new MiningGround(dataset, scores, marginScores, settings);
  const queries = dataset.queries.map((_query, index) => ground.negativesOf(index));
  return { queries, report: ground.report() };
}

class MiningGround {
  readonly #dataset: Dataset;
  readonly #scores: Matrix;
  readonly #margins: Matrix;
  readonly #settings: MiningSettings;
  readonly #order: Uint32Array;
  readonly #texts: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #count = { questions: 0, mined: 0, random: 0, short: 0, copies: 0, byMargin: 0 };
  readonly #sums = { positives: 0, positiveScore: 0, negativeScore: 0 };

  constructor(dataset: Dataset, scores: Matrix, margins: Matrix, settings: MiningSettings) {
    this.#dataset = dataset;
    this.#scores = scores;
    this.#margins = margins;
    this.#settings = settings;
    this.#order = idOrder(dataset.passages.map(({ id }) => id));
    this.#texts = dataset.passages.map(({ text }) => comparable(text));
    this.#places = passageIndex(dataset);
  }

  negativesOf(query: number): readonly MinedNegative[] {
    const { relevant } = this.#dataset.queries[query]!;
    // A passage judged 0 is no positive, but a judged wrong one: it may be mined.
    const positives = relevant
      .filter(({ grade }) => grade > 0)
      .map(({ passage }) => this.#places.get(passage)!);
    if (positives.length === 0) return [];
    const { mined, random, seed } = this.#settings;
    const draw = CounterRandom.stream(seed, 1000 + query);
    const ranked = this.#ranked(query, positives);
    const chosen = this.#fromWindow(query, ranked, positives, draw);
    const taken = new Set(chosen.map(({ passage }) => this.#texts[passage]!));
    const others = this.#atRandom(ranked, taken, draw);
    this.#note(query, positives, chosen, others);
    if (chosen.length + others.length < mined + random) this.#count.short++;
    return [...chosen, ...others];
  }

  report(): MiningReport {
    const { positives, positiveScore, negativeScore } = this.#sums;
    return {
      ...this.#count,
      positiveScore: positiveScore / Math.max(1, positives),
      negativeScore: negativeScore / Math.max(1, this.#count.mined),
    };
  }

  /** Passages that neither are a positive nor repeat one, best first. */
  #ranked(query: number, positives: readonly number[]): MinedNegative[] {
    const own = new Set(positives);
    const texts = new Set(positives.map((passage) => this.#texts[passage]!));
    const row = rowOf(this.#scores, query);
    const columns = Array.from(row.keys()).filter((column) => {
      if (own.has(column)) return false;
      if (!texts.has(this.#texts[column]!)) return true;
      this.#count.copies++;
      return false;
    });
    columns.sort((a, b) => row[b]! - row[a]! || this.#order[a]! - this.#order[b]!);
    return columns.map((passage, index) => ({
      passage,
      kind: "mined",
      rank: index + 1,
      score: row[passage]!,
    }));
  }

  #fromWindow(
    query: number,
    ranked: readonly MinedNegative[],
    positives: readonly number[],
    draw: CounterRandom,
  ): MinedNegative[] {
    const { from, to, mined, sampling, absoluteMargin, relativeMargin } = this.#settings;
    const row = rowOf(this.#margins, query);
    const lowest = Math.min(...positives.map((passage) => row[passage]!));
    const limit = Math.min(
      absoluteMargin === undefined ? Infinity : lowest - absoluteMargin,
      relativeMargin === undefined ? Infinity : lowest - relativeMargin * Math.abs(lowest),
    );
    const window = ranked.slice(from - 1, to);
    const open = window.filter(({ passage }) => row[passage]! <= limit);
    this.#count.byMargin += window.length - open.length;
    const order = sampling === "top" ? Uint32Array.from(open.keys()) : draw.permutation(open.length);
    return distinct(
      Array.from(order, (index) => open[index]!),
      this.#texts,
      mined,
      new Set(),
    );
  }

  #atRandom(ranked: readonly MinedNegative[], taken: Set<string>, draw: CounterRandom): MinedNegative[] {
    const shuffled = Array.from(draw.permutation(ranked.length), (index) => ranked[index]!);
    return distinct(shuffled, this.#texts, this.#settings.random, taken).map((each) => ({
      ...each,
      kind: "random",
    }));
  }

  #note(
    query: number,
    positives: readonly number[],
    chosen: readonly MinedNegative[],
    others: readonly MinedNegative[],
  ): void {
    const row = rowOf(this.#scores, query);
    this.#count.questions++;
    this.#count.mined += chosen.length;
    this.#count.random += others.length;
    this.#sums.positives += positives.length;
    for (const passage of positives) this.#sums.positiveScore += row[passage]!;
    for (const { score } of chosen) this.#sums.negativeScore += score;
  }
}

/** The first `count` of different texts, none of them in `taken`. */
function distinct(
  from: readonly MinedNegative[],
  texts: readonly string[],
  count: number,
  taken: Set<string>,
): MinedNegative[] {
  const chosen: MinedNegative[] = [];
  for (const negative of from) {
    if (chosen.length >= count) break;
    const text = texts[negative.passage]!;
    if (taken.has(text)) continue;
    taken.add(text);
    chosen.push(negative);
  }
  return chosen;
}

/** Passage ids by question id: the form in which an encoder's training takes negatives. */
export function negativesById(
  dataset: Dataset,
  { queries }: MinedNegatives,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    dataset.queries.map(({ id }, index) => [
      id,
      queries[index]!.map(({ passage }) => dataset.passages[passage]!.id),
    ]),
  );
}

/**
 * Each question with its positives (score: grade over the highest grade of the set) and its negatives (0), for a
 * re-ranker. Questions without a positive are left out.
 */
export function rerankDatasetFrom(dataset: Dataset, { queries }: MinedNegatives): RerankDataset {
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const groups = groupsOf(dataset);
  const grades = dataset.queries.flatMap(({ relevant }) => relevant.map(({ grade }) => grade));
  const highest = grades.reduce((most, grade) => Math.max(most, grade), 1);
  const rows = dataset.queries.map(({ id, text, relevant }, index) => {
    const positives = relevant
      .filter(({ grade }) => grade > 0)
      .map(({ passage, grade }): RerankCandidate => ({
        text: texts.get(passage)!,
        score: grade / highest,
        kind: "positive",
        passage,
      }));
    const negatives = queries[index]!.map(({ passage, kind }): RerankCandidate => {
      const own = dataset.passages[passage]!;
      return { text: own.text, score: 0, kind, passage: own.id };
    });
    return { id, text, group: groups[index]!, candidates: [...positives, ...negatives] };
  });
  const kept = rows.filter(({ candidates }) => candidates.some(({ kind }) => kind === "positive"));
  return { scores: "labels", queries: kept };
}

function checkMining(dataset: Dataset, scores: Matrix, settings: MiningSettings): void {
  const [questions, passages] = [dataset.queries.length, dataset.passages.length];
  if (scores.rows !== questions || scores.columns !== passages) {
    throw new RetuneError(
      "E_MISMATCH",
      `negatives: scores [${scores.rows}, ${scores.columns}] for ${questions} questions and ${passages} passages`,
    );
  }
  const { mined, random, from, to } = settings;
  const whole = [mined, random].every((count) => Number.isInteger(count) && count >= 0);
  if (!whole || mined + random < 1) {
    throw new RetuneError(
      "usage",
      `negatives: ${mined} mined and ${random} random are not possible; ask for at least 1`,
    );
  }
  if (!(Number.isInteger(from) && from >= 1 && to >= from)) {
    throw new RetuneError("usage", `negatives: ranks ${from} to ${to} are no window; give 1 ≤ from ≤ to`);
  }
}
