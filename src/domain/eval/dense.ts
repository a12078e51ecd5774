//   S[i, j] = ⟨q[i], d[j]⟩ / (|q[i]|·|d[j]|)      q [Q, D], d [N, D] → S [Q, N]
//
// A row of zeros has cosine 0 with everything. Sums run in float64 and are rounded once, so equal vectors tie exactly.
// Four queries by two documents are summed together: eight accumulators per six loads (790×395×384 in about 0.1 s).
import { RetuneError } from "../../engine/errors.ts";
import type { Matrix } from "../matrix.ts";
import { rowOf } from "../matrix.ts";

/** Cosines of every query with every document; who asks again and again keeps `documentScale`, inverseNorms(documents). */
export function cosineScores(
  queries: Matrix,
  documents: Matrix,
  documentScale: Float64Array = inverseNorms(documents),
): Matrix {
  if (queries.columns !== documents.columns) {
    throw new RetuneError(
      "E_MISMATCH",
      `cosine: queries have ${queries.columns} dimensions, documents ${documents.columns}; embed both with one model`,
    );
  }
  const scores = dotScores(queries, documents);
  const queryScale = inverseNorms(queries);
  const values = new Float32Array(scores.length);
  for (let i = 0, at = 0; i < queries.rows; i++) {
    for (let j = 0; j < documents.rows; j++, at++)
      values[at] = scores[at]! * queryScale[i]! * documentScale[j]!;
  }
  return { rows: queries.rows, columns: documents.rows, values };
}

/** 1/|row| in float64, 0 for a row of zeros. */
export function inverseNorms({ rows, columns, values }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (const end = at + columns; at < end; at++) sum += values[at]! * values[at]!;
    norms[row] = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  }
  return norms;
}

/** Each row divided by its length; a row of zeros stays. */
export function unitRows(matrix: Matrix): Matrix {
  const norms = inverseNorms(matrix);
  const values = new Float32Array(matrix.values.length);
  for (let row = 0; row < matrix.rows; row++) {
    values.set(
      rowOf(matrix, row).map((value) => value * norms[row]!),
      row * matrix.columns,
    );
  }
  return { ...matrix, values };
}

/** Plain dot products [Q · N] in float64. */
export function dotScores(queries: Matrix, documents: Matrix): Float64Array {
  const scores = new Float64Array(queries.rows * documents.rows);
  const whole = queries.rows - (queries.rows % 4);
  const pairs = documents.rows - (documents.rows % 2);
  for (let i = 0; i < whole; i += 4) {
    for (let j = 0; j < pairs; j += 2) fourByTwo(queries, documents, i, j, scores);
    if (pairs < documents.rows)
      for (let row = i; row < i + 4; row++) single(queries, documents, row, pairs, scores);
  }
  for (let i = whole; i < queries.rows; i++) {
    for (let j = 0; j < documents.rows; j++) single(queries, documents, i, j, scores);
  }
  return scores;
}

function fourByTwo(queries: Matrix, documents: Matrix, i: number, j: number, scores: Float64Array): void {
  const q = queries.values;
  const d = documents.values;
  const width = queries.columns;
  const [q0, q1, q2, q3] = [i * width, (i + 1) * width, (i + 2) * width, (i + 3) * width];
  const [d0, d1] = [j * width, (j + 1) * width];
  let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < width; k++) {
    const a = d[d0 + k]!;
    const b = d[d1 + k]!;
    const x0 = q[q0 + k]!;
    const x1 = q[q1 + k]!;
    const x2 = q[q2 + k]!;
    const x3 = q[q3 + k]!;
    s00 += x0 * a;
    s01 += x0 * b;
    s10 += x1 * a;
    s11 += x1 * b;
    s20 += x2 * a;
    s21 += x2 * b;
    s30 += x3 * a;
    s31 += x3 * b;
  }
  const n = documents.rows;
  const at = i * n + j;
  scores[at] = s00;
  scores[at + 1] = s01;
  scores[at + n] = s10;
  scores[at + n + 1] = s11;
  scores[at + 2 * n] = s20;
  scores[at + 2 * n + 1] = s21;
  scores[at + 3 * n] = s30;
  scores[at + 3 * n + 1] = s31;
}

function single(queries: Matrix, documents: Matrix, i: number, j: number, scores: Float64Array): void {
  const width = queries.columns;
  let sum = 0;
  for (let k = 0; k < width; k++) sum += queries.values[i * width + k]! * documents.values[j * width + k]!;
  scores[i * documents.rows + j] = sum;
}
