// A linear query adapter in closed form: the matrix that moves questions towards their right passages, held to the
// identity by λ (ridge regression; trainers.md §10.6):
//
//   W = argmin Σ_i |W·q_i − d_i|² + λ·|W − I|² = (λI + Σ d_i·q_iᵀ)·(λI + Σ q_i·q_iᵀ)⁻¹
//
// No steps, no learning rate, well under a second at 384 dimensions: triage tries it to see whether questions have
// anything to teach. A trained adapter does better (all passages as negatives); λ 30 as measured there.
import type { Matrix } from "../matrix.ts";
import { rowOf } from "../matrix.ts";

export const RIDGE = 30;

/** q [P, D] and d [P, D], unit rows, pair by pair → W [D, D] with y = W·q. */
export function ridgeAdapter(questions: Matrix, passages: Matrix, ridge = RIDGE): Matrix {
  const width = questions.columns;
  const gram = outerSum(questions, questions, ridge);
  const cross = outerSum(passages, questions, ridge);
  const factor = cholesky(gram, width);
  const values = new Float32Array(width * width);
  // W·G = C with G symmetric: each row of W solves G·wᵀ = cᵀ.
  for (let row = 0; row < width; row++) {
    const solved = solve(factor, cross.subarray(row * width, (row + 1) * width), width);
    values.set(solved, row * width);
  }
  return { rows: width, columns: width, values };
}

/** λI + Σ_i a_i·b_iᵀ, row-major [D, D]. */
function outerSum(a: Matrix, b: Matrix, ridge: number): Float64Array {
  const width = a.columns;
  const sum = new Float64Array(width * width);
  for (let i = 0; i < width; i++) sum[i * width + i] = ridge;
  for (let pair = 0; pair < a.rows; pair++) {
    const [x, y] = [rowOf(a, pair), rowOf(b, pair)];
    for (let i = 0; i < width; i++) {
      const factor = x[i]!;
      for (let j = 0, at = i * width; j < width; j++, at++) sum[at]! += factor * y[j]!;
    }
  }
  return sum;
}

/** Lower triangle L of a positive definite matrix, L·Lᵀ = A. */
function cholesky(matrix: Float64Array, width: number): Float64Array {
  const lower = matrix.slice();
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i * width + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * width + k]! * lower[j * width + k]!;
      lower[i * width + j] = i === j ? Math.sqrt(sum) : sum / lower[j * width + j]!;
    }
  }
  return lower;
}

function solve(lower: Float64Array, right: Float64Array, width: number): Float64Array {
  const x = right.slice();
  for (let i = 0; i < width; i++) {
    let sum = x[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * width + k]! * x[k]!;
    x[i] = sum / lower[i * width + i]!;
  }
  for (let i = width - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < width; k++) sum -= lower[k * width + i]! * x[k]!;
    x[i] = sum / lower[i * width + i]!;
  }
  return x;
}
