// What triage puts side by side, all from vectors that are there: every search is judged on training questions that it
// was not fitted on. Fusion weights are fitted on three quarters of the documents and judged on the fourth, four times
// over, so that every question is judged once; the trial adapter (recipes/triage-trial.ts) likewise.
import { RetuneError } from "../../engine/errors.ts";
import { groupsOf, passageIndex, type Dataset } from "../data/dataset.ts";
import { rowOf, selectRows, type Matrix } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import { LexicalIndex } from "./bm25.ts";
import { cosineScores } from "./dense.ts";
import { positivesOf, type JudgedVectors } from "./evaluate.ts";
import { fitFusion, fuse, fusionOf, zScores, type FusionSample, type FusionWeights } from "./fusion.ts";
import { judge, type Judged, type Positive } from "./judge.ts";
import { idOrder, METRIC_NAMES } from "./metrics.ts";
import { reciprocalRankFusion } from "./rank-fusion.ts";
import type { TriageSystem } from "./advice-types.ts";

const FOLDS = 4;
const MOST_SCORES = 8e6; // questions × passages of one search in memory
const FITTED_ON = 1000; // questions: two weights need no more

/** The searches of triage over one sample of questions, judged. */
export interface TriageGround {
  readonly dataset: Dataset; // the judged questions over all passages
  readonly asked: number; // usable questions before sampling
  readonly clusters: readonly string[];
  readonly positives: readonly (readonly Positive[])[];
  readonly order: Uint32Array;
  readonly scores: Readonly<Partial<Record<TriageSystem, Matrix>>>;
  readonly judged: Readonly<Partial<Record<TriageSystem, readonly Judged[]>>>;
  readonly start: "base" | "baseInstruction"; // the better one: hybrids and the trial adapter go on from it
  readonly weights: FusionWeights; // fitted on all judged questions
  readonly questions: Matrix; // of the judged questions, as `start` has them
  readonly corpus: Matrix;
}

/** The ground with one more search. */
export function withSearch(ground: TriageGround, system: TriageSystem, scores: Matrix): TriageGround {
  const own = judge(scores, ground.positives, ground.order);
  return {
    ...ground,
    scores: { ...ground.scores, [system]: scores },
    judged: { ...ground.judged, [system]: own },
  };
}

const MRR = METRIC_NAMES.indexOf("mrr@10");

/** Scores and judges everything that needs no model at hand. Error "too-little-data" without a usable question. */
export function layTriage(all: Dataset, vectors: JudgedVectors, seed: number): TriageGround {
  const { rows, asked } = sampled(all, seed);
  const dataset = { passages: all.passages, queries: rows.map((row) => all.queries[row]!) };
  const places = passageIndex(dataset);
  const positives = dataset.queries.map((query) => positivesOf(query, places));
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const clusters = groupsOf(dataset);
  const folds = foldsOf(clusters, seed);
  const of = (matrix: Matrix): Matrix => selectRows(matrix, rows);
  const { corpus } = vectors;
  const base = cosineScores(of(vectors.queries), corpus);
  const after = vectors.queriesInstruction && cosineScores(of(vectors.queriesInstruction), corpus);
  const meanOf = (matrix: Matrix): number => meanMrr(judge(matrix, positives, order));
  const start = after && meanOf(after) > meanOf(base) ? "baseInstruction" : "base";
  const dense = start === "base" ? base : after!;
  const questions = of(start === "base" ? vectors.queries : vectors.queriesInstruction!);
  const bm25 = new LexicalIndex(all.passages.map(({ text }) => text)).scores(
    dataset.queries.map(({ text }) => text),
  );
  const samples = fusionSamples(dense, bm25, positives, folds);
  const scores: TriageGround["scores"] = {
    bm25,
    base,
    ...(after ? { baseInstruction: after } : {}),
    hybridFitted: fittedHybrid(dense, bm25, samples, folds),
    hybridReciprocalRank: reciprocalRankFusion([dense, bm25], order),
  };
  const judged = Object.fromEntries(
    Object.entries(scores).map(([system, matrix]) => [system, judge(matrix, positives, order)]),
  ) as TriageGround["judged"];
  const weights = fitFusion(samples.filter((_sample, index) => index < FITTED_ON));
  return { dataset, asked, clusters, positives, order, scores, judged, start, weights, questions, corpus };
}

export function meanMrr(judged: readonly Judged[]): number {
  return judged.reduce((sum, { metrics }) => sum + metrics[MRR]!, 0) / Math.max(1, judged.length);
}

/** Usable questions, all of them or as many as fit, drawn evenly. */
function sampled(all: Dataset, seed: number): { readonly rows: readonly number[]; readonly asked: number } {
  const places = passageIndex(all);
  const usable = all.queries.flatMap((query, row) => (positivesOf(query, places).length > 0 ? [row] : []));
  if (usable.length === 0) {
    throw new RetuneError(
      "too-little-data",
      `triage: none of the ${all.queries.length} training questions names a relevant passage; add questions first`,
    );
  }
  const most = Math.max(50, Math.floor(MOST_SCORES / all.passages.length));
  if (usable.length <= most) return { rows: usable, asked: usable.length };
  const drawn = CounterRandom.stream(seed, 61).permutation(usable.length).subarray(0, most).sort();
  return { rows: Array.from(drawn, (place) => usable[place]!), asked: usable.length };
}

/** Whole clusters dealt into folds at random; fewer clusters than folds give that many. */
function foldsOf(clusters: readonly string[], seed: number): readonly number[] {
  const names = [...new Set(clusters)];
  const shuffled = CounterRandom.stream(seed, 62).permutation(names.length);
  const fold = new Map(Array.from(shuffled, (place, index) => [names[place]!, index % FOLDS]));
  return clusters.map((name) => fold.get(name)!);
}

function fusionSamples(
  dense: Matrix,
  lexical: Matrix,
  positives: readonly (readonly Positive[])[],
  folds: readonly number[],
): readonly FusionSample[] {
  return positives.map((found, row) => ({
    dense: zScores(rowOf(dense, row)),
    lexical: zScores(rowOf(lexical, row)),
    positives: found.map(({ passage }) => passage),
    fold: folds[row]!,
  }));
}

/** Each question fused with weights of the other folds. */
function fittedHybrid(
  dense: Matrix,
  lexical: Matrix,
  samples: readonly FusionSample[],
  folds: readonly number[],
): Matrix {
  const values = new Float32Array(dense.values.length);
  for (const fold of new Set(folds)) {
    const others = samples.filter((sample) => sample.fold !== fold).slice(0, FITTED_ON);
    const rows = rowsOfFold(folds, fold);
    const weights = fusionOf(fitFusion(others));
    placeRows(values, fuse(selectRows(dense, rows), selectRows(lexical, rows), weights), rows);
  }
  return { ...dense, values };
}

const rowsOfFold = (folds: readonly number[], fold: number): readonly number[] =>
  folds.flatMap((own, row) => (own === fold ? [row] : []));

function placeRows(values: Float32Array, part: Matrix, rows: readonly number[]): void {
  for (const [place, row] of rows.entries()) values.set(rowOf(part, place), row * part.columns);
}
