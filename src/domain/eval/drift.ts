// What training did to everything it was not about: the same texts by the old and the new model.
//
//   mean cosine   mean_i ⟨x_i, y_i⟩ / (|x_i|·|y_i|)
//   overlap@10    mean_q |N₁₀(q) ∩ N'₁₀(q)| / 10
//   RBO           (1 − p)·Σ_{d ≤ D} p^{d−1}·|N_d ∩ N'_d|/d, over its largest value at depth D; p = .9   (Webber et al. 2010)
//   linear CKA    |Yᵀ X|²_F / (|Xᵀ X|_F·|Yᵀ Y|_F), columns centred            (Kornblith et al. 2019, 1905.00414)
//   not inferior  lower 95 % bound of Δ NDCG@10 > −.01: paired cluster bootstrap over general questions
import { RetuneError } from "../../engine/errors.ts";
import { passageIndex, type Dataset } from "../data/dataset.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import type { DriftReport } from "./advice-types.ts";
import { cosineScores, inverseNorms } from "./dense.ts";
import { positivesOf } from "./evaluate.ts";
import { judge, type Judged } from "./judge.ts";
import { idOrder, METRIC_NAMES } from "./metrics.ts";
import { signedPoints } from "./points.ts";
import { topColumns } from "./ranking.ts";
import type { Delta } from "./report.ts";
import { clusterDifferences, mean, pairedDeltas } from "./statistics.ts";

export const MARGIN = 0.01;
const NEIGHBOURS = 10;
const PERSISTENCE = 0.9;
const DEPTH = 100;
const NDCG = METRIC_NAMES.indexOf("ndcg@10");

/** Vectors of one set of texts, questions after whatever the model puts before them. */
export interface SideVectors {
  readonly queries: Matrix;
  readonly corpus: Matrix;
}

export interface DriftGround {
  readonly general: Dataset; // questions over passages that nothing here was trained on
  readonly before: SideVectors;
  readonly after: SideVectors;
  /** More texts old against new, unlabelled: passages of the project (or its questions, where only those are moved). */
  readonly anchors: { readonly before: Matrix; readonly after: Matrix };
  readonly index: DriftReport["index"];
  readonly seed: number;
}

/** The whole report. Error "too-little-data" for a general set without a question. */
export function driftReport(ground: DriftGround): DriftReport {
  const { general, before, after, anchors, index, seed } = ground;
  const judged = judgeGeneral(general, before);
  const now = judgeGeneral(general, after);
  const delta = generalDelta(general, now, judged, seed);
  const order = idOrder(general.passages.map(({ id }) => id));
  const lists = neighbourLists(before, after, order);
  const [old, fresh] = [stacked(before.queries, anchors.before), stacked(after.queries, anchors.after)];
  const nonInferior = delta.low > -MARGIN;
  const facts = {
    generalQuestions: general.queries.length,
    generalPassages: general.passages.length,
    anchors: old.rows,
    meanCosine: meanCosine(old, fresh),
    neighbourOverlap: mean(lists.map(([a, b]) => overlap(a, b, NEIGHBOURS))),
    rankBiasedOverlap: mean(lists.map(([a, b]) => rankBiasedOverlap(a, b))),
    linearCka: linearCka(old, fresh),
    general: { before: meanNdcg(judged), after: meanNdcg(now), delta },
    margin: MARGIN,
    ...{ nonInferior, index },
  };
  return { ...facts, sentence: sentenceOf(delta, nonInferior, index) };
}

/** Every general question judged by cosine. */
export function judgeGeneral(general: Dataset, { queries, corpus }: SideVectors): readonly Judged[] {
  return judgeGeneralScores(general, cosineScores(queries, corpus));
}

/** The same from scores [questions, passages] that order passages as cosines do. */
export function judgeGeneralScores(general: Dataset, scores: Matrix): readonly Judged[] {
  if (general.queries.length === 0) {
    throw new RetuneError("too-little-data", "drift: the general set holds no questions");
  }
  const places = passageIndex(general);
  const positives = general.queries.map((query) => positivesOf(query, places));
  return judge(scores, positives, idOrder(general.passages.map(({ id }) => id)));
}

export function meanNdcg(judged: readonly Judged[]): number {
  return mean(judged.map(({ metrics }) => metrics[NDCG]!));
}

/** Δ NDCG@10, clusters are the documents of the general set. */
export function generalDelta(
  general: Dataset,
  after: readonly Judged[],
  before: readonly Judged[],
  seed: number,
): Delta {
  const rows = (judged: readonly Judged[]) => judged.map(({ metrics }) => Float64Array.of(metrics[NDCG]!));
  const documents = new Map(general.passages.map(({ id, document }) => [id, document ?? id]));
  const clusters = general.queries.map(({ relevant }) => documents.get(relevant[0]!.passage)!);
  return pairedDeltas(clusterDifferences(rows(after), rows(before), clusters), { seed })[0]!;
}

function neighbourLists(
  before: SideVectors,
  after: SideVectors,
  order: Uint32Array,
): readonly (readonly [Uint32Array, Uint32Array])[] {
  const [old, fresh] = [
    cosineScores(before.queries, before.corpus),
    cosineScores(after.queries, after.corpus),
  ];
  return Array.from({ length: old.rows }, (_, row) => [
    topColumns(rowOf(old, row), order, DEPTH),
    topColumns(rowOf(fresh, row), order, DEPTH),
  ]);
}

/** |first k of a ∩ first k of b| / k */
export function overlap(a: Uint32Array, b: Uint32Array, k: number): number {
  const depth = Math.min(k, a.length, b.length);
  const known = new Set(a.subarray(0, depth));
  return b.subarray(0, depth).filter((column) => known.has(column)).length / Math.max(1, depth);
}

/** Truncated RBO over its largest value, so that equal lists have 1. */
export function rankBiasedOverlap(a: Uint32Array, b: Uint32Array, persistence = PERSISTENCE): number {
  const [inA, inB] = [new Set<number>(), new Set<number>()];
  let [common, sum, most, weight] = [0, 0, 0, 1];
  for (let depth = 1; depth <= Math.min(a.length, b.length); depth++) {
    const [x, y] = [a[depth - 1]!, b[depth - 1]!];
    if (x === y) common++;
    else common += (inB.has(x) ? 1 : 0) + (inA.has(y) ? 1 : 0);
    inA.add(x);
    inB.add(y);
    sum += (weight * common) / depth;
    most += weight;
    weight *= persistence;
  }
  return most > 0 ? sum / most : 1;
}

/** Mean cosine of row i with row i. */
export function meanCosine(x: Matrix, y: Matrix): number {
  const [scaleX, scaleY] = [inverseNorms(x), inverseNorms(y)];
  let sum = 0;
  for (let row = 0; row < x.rows; row++) {
    const other = rowOf(y, row);
    const dot = rowOf(x, row).reduce((total, value, k) => total + value * other[k]!, 0);
    sum += dot * scaleX[row]! * scaleY[row]!;
  }
  return sum / Math.max(1, x.rows);
}

/** Linear centred kernel alignment of two sets of vectors of the same texts; 1 where one is a rotation of the other. */
export function linearCka(x: Matrix, y: Matrix): number {
  const [a, b] = [centred(x), centred(y)];
  const cross = crossNorm(a, b, x.rows, x.columns, y.columns);
  const own = crossNorm(a, a, x.rows, x.columns, x.columns);
  const other = crossNorm(b, b, x.rows, y.columns, y.columns);
  return own > 0 && other > 0 ? cross / Math.sqrt(own * other) : 1;
}

function centred({ rows, columns, values }: Matrix): Float64Array {
  const means = new Float64Array(columns);
  for (let at = 0; at < values.length; at++) means[at % columns]! += values[at]! / rows;
  return Float64Array.from(values, (value, at) => value - means[at % columns]!);
}

/** |Xᵀ Y|²_F */
function crossNorm(x: Float64Array, y: Float64Array, rows: number, width: number, other: number): number {
  let norm = 0;
  const line = new Float64Array(other);
  for (let i = 0; i < width; i++) {
    line.fill(0);
    for (let row = 0; row < rows; row++) {
      const factor = x[row * width + i]!;
      for (let j = 0, at = row * other; j < other; j++, at++) line[j]! += factor * y[at]!;
    }
    for (const value of line) norm += value * value;
  }
  return norm;
}

function stacked(first: Matrix, second: Matrix): Matrix {
  const values = new Float32Array(first.values.length + second.values.length);
  values.set(first.values);
  values.set(second.values, first.values.length);
  return { rows: first.rows + second.rows, columns: first.columns, values };
}

function sentenceOf(delta: Delta, nonInferior: boolean, index: DriftReport["index"]): string {
  const lost = `${signedPoints(delta.value)} points [${signedPoints(delta.low)}, ${signedPoints(delta.high)}] on general questions`;
  const kept = nonInferior
    ? `General search is kept: ${lost}, so a loss of one point is ruled out.`
    : `A loss on general questions cannot be ruled out: ${lost}.`;
  return index.kind === "valid"
    ? `${kept} The index stays valid.`
    : `${kept} Re-embed ${index.chunks} chunks${index.seconds === null ? "" : `, about ${duration(index.seconds)}`}.`;
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
