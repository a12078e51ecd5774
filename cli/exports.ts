import type { Dataset } from "../src/domain/data/dataset.ts";
import { rowOf, type Matrix } from "../src/domain/matrix.ts";

/**
 * One {"anchor", "positive"} a judged pair, the columns that sentence-transformers' MultipleNegativesRankingLoss takes.
 */
export function pairsJsonl({ queries, passages }: Dataset): string {
  const texts = new Map(passages.map(({ id, text }) => [id, text]));
  const pairs = queries.flatMap(({ text, relevant }) =>
    relevant
      .filter(({ grade }) => grade > 0)
      .map(({ passage }) => ({ anchor: text, positive: texts.get(passage)! })),
  );
  return pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
}

/** One {"vector": […]} a row; every float32 reads back to the same bits. */
export function vectorsJsonl(matrix: Matrix): string {
  const rows = Array.from({ length: matrix.rows }, (_, row) => ({ vector: Array.from(rowOf(matrix, row)) }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
