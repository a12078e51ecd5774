// Principal axes of row vectors: the eigenvectors of XᵀX by Jacobi rotations, largest eigenvalue first.
//   X [N, D] → axes [D, K]; X·axes keeps as much of X's squared length as any K columns can.
import type { Matrix } from "../../src/domain/matrix.ts";

const SWEEPS = 12;
const NEGLIGIBLE = 1e-14; // of the trace, for what is left beside the diagonal

/** rows [N, D] → [D, count], and the share of squared length that is kept. */
export function principalAxes(rows: Matrix, count: number): { axes: Matrix; kept: number } {
  const size = rows.columns;
  const gram = gramMatrix(rows);
  const vectors = jacobi(gram, size);
  const values = Array.from({ length: size }, (_, index) => gram[index * size + index]!);
  const order = values.map((_, index) => index).sort((a, b) => values[b]! - values[a]!);
  const axes = new Float32Array(size * count);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < count; column++) {
      axes[row * count + column] = vectors[row * size + order[column]!]!;
    }
  }
  const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
  const kept = sum(order.slice(0, count).map((index) => values[index]!)) / sum(values);
  return { axes: { rows: size, columns: count, values: axes }, kept };
}

function gramMatrix({ rows, columns, values }: Matrix): Float64Array {
  const gram = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++) {
    const vector = values.subarray(row * columns, (row + 1) * columns);
    for (let i = 0; i < columns; i++) {
      const factor = vector[i]!;
      for (let j = i; j < columns; j++) gram[i * columns + j]! += factor * vector[j]!;
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < i; j++) gram[i * columns + j] = gram[j * columns + i]!;
  }
  return gram;
}

/** Makes `matrix` diagonal in place; the columns of the result are its eigenvectors. */
function jacobi(matrix: Float64Array, size: number): Float64Array {
  const vectors = new Float64Array(size * size);
  let trace = 0;
  for (let index = 0; index < size; index++) {
    vectors[index * size + index] = 1;
    trace += matrix[index * size + index]!;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let beside = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        beside += Math.abs(matrix[p * size + q]!);
        rotate(matrix, vectors, size, p, q);
      }
    }
    if (beside < NEGLIGIBLE * trace * size) break;
  }
  return vectors;
}

/** One rotation that makes element (p, q) zero (Golub & Van Loan, 8.5). */
function rotate(matrix: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const off = matrix[p * size + q]!;
  if (off === 0) return;
  const tau = (matrix[q * size + q]! - matrix[p * size + p]!) / (2 * off);
  const tangent = Math.sign(tau || 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = tangent * cosine;
  for (let index = 0; index < size; index++) turn(matrix, index * size + p, index * size + q, cosine, sine);
  for (let index = 0; index < size; index++) turn(matrix, p * size + index, q * size + index, cosine, sine);
  for (let index = 0; index < size; index++) turn(vectors, index * size + p, index * size + q, cosine, sine);
}

function turn(values: Float64Array, first: number, second: number, cosine: number, sine: number): void {
  const [a, b] = [values[first]!, values[second]!];
  values[first] = cosine * a - sine * b;
  values[second] = sine * a + cosine * b;
}
