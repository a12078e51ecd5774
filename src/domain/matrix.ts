/** A row-major float32 matrix: one row a text, one column a dimension. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array; // length rows × columns
}

/** A named tensor as formats store it: row-major float32. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Named tensors in the order of the state dict they come from. */
export type Weights = ReadonlyMap<string, TensorData>;

/** Row `index` of a matrix as a view, not a copy. */
export function rowOf(matrix: Matrix, index: number): Float32Array {
  return matrix.values.subarray(index * matrix.columns, (index + 1) * matrix.columns);
}

/** Rows of one length, copied below each other: [rows.length, columns]. */
export function matrixOf(rows: readonly Float32Array[], columns = rows[0]?.length ?? 0): Matrix {
  const values = new Float32Array(rows.length * columns);
  for (const [index, row] of rows.entries()) values.set(row, index * columns);
  return { rows: rows.length, columns, values };
}

/** The given rows, copied in the given order: [indices.length, columns]. */
export function selectRows(matrix: Matrix, indices: readonly number[]): Matrix {
  const values = new Float32Array(indices.length * matrix.columns);
  for (const [position, index] of indices.entries()) {
    values.set(rowOf(matrix, index), position * matrix.columns);
  }
  return { rows: indices.length, columns: matrix.columns, values };
}
