import { rowOf, type Matrix } from "../src/domain/matrix.ts";

/** One {"vector": […]} a row; every float32 reads back to the same bits. */
export function vectorsJsonl(matrix: Matrix): string {
  const rows = Array.from({ length: matrix.rows }, (_, row) => ({ vector: Array.from(rowOf(matrix, row)) }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
