import { rerankDatasetOf } from "../../domain/data/rerank-dataset.ts";
import type { PairsRecord } from "../storage/records.ts";
import type { PairsReport } from "../studio-data.ts";

/** What the page says of a project's scored pairs. */
export function pairsReport({ name, format, rows, warnings }: PairsRecord): PairsReport {
  const { queries, scores } = rerankDatasetOf(rows);
  return { name, format, queries: queries.length, pairs: rows.length, scores, warnings };
}
