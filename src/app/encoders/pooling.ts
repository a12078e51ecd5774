import type { Pooling } from "./encoder-settings.ts";

/**
 * hidden [rows, length, dimension] → L2-normalised vectors [rows, dimension]: the first token's state, or the mean
 * over the `counts[row]` tokens that are text. Sums in float64, as torch's mean over float32 is within 1e-7 of that.
 */
export function pool(
  hidden: Float32Array,
  counts: readonly number[],
  length: number,
  dimension: number,
  pooling: Pooling,
): Float32Array {
  const pooled = new Float32Array(counts.length * dimension);
  for (const [row, count] of counts.entries()) {
    const tokens = pooling === "cls" ? 1 : Math.max(1, count);
    const sums = new Float64Array(dimension);
    for (let token = 0; token < tokens; token++) {
      const start = (row * length + token) * dimension;
      for (let column = 0; column < dimension; column++) sums[column]! += hidden[start + column]!;
    }
    pooled.set(normalised(sums), row * dimension); // the mean's divisor cancels in the norm
  }
  return pooled;
}

/** x / max(‖x‖, 1e-12), torch's eps. */
export function normalised(vector: ArrayLike<number>): Float32Array {
  let squares = 0;
  for (let index = 0; index < vector.length; index++) squares += vector[index]! * vector[index]!;
  const norm = Math.max(Math.sqrt(squares), 1e-12);
  return Float32Array.from(vector, (value) => value / norm);
}
