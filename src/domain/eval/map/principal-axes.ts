// The axes along which vectors differ most (Pearson 1901; Hotelling 1933).
//
//   μ = mean of rows          C = (1/n) Σ (x − μ)(x − μ)ᵀ          C v_i = λ_i v_i, λ_1 ≥ λ_2 ≥ …
//   coordinates of x: ⟨v_i, x − μ⟩                explained by axis i: λ_i / trace C
//
// By block power iteration with Gram–Schmidt after every product; C itself is never built: C v = (1/n) Xᵀ(X v).
// The sign of an axis is fixed by making its largest entry positive, so the same rows give the same picture.
import { RetuneError } from "../../../engine/errors.ts";
import { rowOf, type Matrix } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";

export interface PrincipalAxes {
  readonly mean: Float64Array; // [D]
  readonly axes: readonly Float64Array[]; // unit vectors [D], by falling variance
  readonly explained: readonly number[]; // share of all variance, 0–1 each
}

const ITERATIONS = 60;
const SPARE = 2; // axes iterated besides the wanted ones: they take up what converges slowly

/** The first `count` principal axes of the rows [n, D]; "too-little-data" for fewer than two rows. */
export function principalAxes(rows: Matrix, count: number, seed = 0): PrincipalAxes {
  if (rows.rows < 2) {
    throw new RetuneError("too-little-data", `A map needs two texts with vectors; there are ${rows.rows}.`);
  }
  const wanted = Math.min(count, rows.columns, rows.rows);
  const { mean, centred, trace } = centre(rows);
  const random = CounterRandom.stream(seed, 11);
  let block = Array.from({ length: Math.min(wanted + SPARE, rows.columns, rows.rows) }, () =>
    Float64Array.from({ length: rows.columns }, () => random.uniform() - 0.5),
  );
  orthonormalise(block);
  let variances: number[] = [];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    block = block.map((axis) => covarianceTimes(centred, axis));
    variances = block.map((product) => Math.sqrt(product.reduce((sum, x) => sum + x * x, 0)));
    orthonormalise(block);
  }
  const order = variances.map((_, index) => index).sort((a, b) => variances[b]! - variances[a]!);
  const kept = order.slice(0, wanted);
  return {
    mean,
    axes: kept.map((index) => facing(block[index]!)),
    explained: kept.map((index) => (trace > 0 ? Math.min(1, variances[index]! / trace) : 0)),
  };
}

/** Coordinates of rows [n, D] on the axes: [n, axes]. */
export function onAxes({ mean, axes }: PrincipalAxes, rows: Matrix): Matrix {
  if (rows.columns !== mean.length) {
    const text = `The map's axes have ${mean.length} dimensions, the vectors ${rows.columns}.`;
    throw new RetuneError("E_MISMATCH", `${text} Draw the map again.`);
  }
  const values = new Float32Array(rows.rows * axes.length);
  const shift = axes.map((axis) => axis.reduce((sum, value, index) => sum + value * mean[index]!, 0));
  for (let row = 0; row < rows.rows; row++) {
    const vector = rowOf(rows, row);
    for (const [place, axis] of axes.entries()) {
      let sum = 0;
      for (let index = 0; index < axis.length; index++) sum += axis[index]! * vector[index]!;
      values[row * axes.length + place] = sum - shift[place]!;
    }
  }
  return { rows: rows.rows, columns: axes.length, values };
}

function centre(rows: Matrix): { mean: Float64Array; centred: Matrix; trace: number } {
  const mean = new Float64Array(rows.columns);
  for (let row = 0; row < rows.rows; row++) {
    for (const [index, value] of rowOf(rows, row).entries()) mean[index]! += value / rows.rows;
  }
  const values = rows.values.map((value, index) => value - mean[index % rows.columns]!);
  const trace = values.reduce((sum, value) => sum + value * value, 0) / rows.rows;
  return { mean, centred: { ...rows, values }, trace };
}

function covarianceTimes(centred: Matrix, axis: Float64Array): Float64Array<ArrayBuffer> {
  const product = new Float64Array(axis.length);
  for (let row = 0; row < centred.rows; row++) {
    const vector = rowOf(centred, row);
    let along = 0;
    for (let index = 0; index < axis.length; index++) along += vector[index]! * axis[index]!;
    along /= centred.rows;
    for (let index = 0; index < axis.length; index++) product[index]! += along * vector[index]!;
  }
  return product;
}

/** Gram–Schmidt, twice for its rounding; a direction without variance becomes zero. */
function orthonormalise(block: readonly Float64Array[]): void {
  for (const [place, axis] of block.entries()) {
    for (const other of [...block.slice(0, place), ...block.slice(0, place)]) {
      const along = axis.reduce((sum, value, index) => sum + value * other[index]!, 0);
      for (let index = 0; index < axis.length; index++) axis[index]! -= along * other[index]!;
    }
    const norm = Math.sqrt(axis.reduce((sum, value) => sum + value * value, 0));
    for (let index = 0; index < axis.length; index++) axis[index] = norm > 1e-12 ? axis[index]! / norm : 0;
  }
}

function facing(axis: Float64Array): Float64Array {
  const largest = axis.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? axis.map((value) => -value) : axis;
}
