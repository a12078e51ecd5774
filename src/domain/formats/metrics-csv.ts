// The CSV of sentence-transformers' InformationRetrievalEvaluator: one row an evaluation, epoch and steps −1 where a
// finished model is judged. `scoreName` is "cosine" from version 3 on, "cos_sim" in 2.x, whose files LlamaIndex shows.
import type { MetricName, Metrics } from "../eval/report.ts";
import { pythonFloat } from "./python-json.ts";

export interface MetricsRow {
  readonly epoch: number; // −1: after training
  readonly steps: number;
  readonly metrics: Metrics;
}

const CUTOFFS = [1, 3, 5, 10] as const;
const COLUMNS: readonly (readonly [heading: string, metric: MetricName])[] = [
  ...CUTOFFS.map((k) => [`Accuracy@${k}`, `accuracy@${k}`] as const),
  ...CUTOFFS.flatMap((k) => [
    [`Precision@${k}`, `precision@${k}`] as const,
    [`Recall@${k}`, `recall@${k}`] as const,
  ]),
  ["MRR@10", "mrr@10"],
  ["NDCG@10", "ndcg@10"],
  ["MAP@100", "map@100"],
];

export const METRICS_CSV_NAME = "Information-Retrieval_evaluation_results.csv";

/** Header and rows, fields as Python's str() writes them, "\n" after every row. */
export function writeMetricsCsv(
  rows: readonly MetricsRow[],
  scoreName: "cosine" | "cos_sim" = "cosine",
): string {
  const header = ["epoch", "steps", ...COLUMNS.map(([heading]) => `${scoreName}-${heading}`)];
  const lines = rows.map(({ epoch, steps, metrics }) => [
    Number.isInteger(epoch) ? String(epoch) : pythonFloat(epoch),
    String(steps),
    ...COLUMNS.map(([, metric]) => pythonFloat(metrics[metric])),
  ]);
  return [header, ...lines].map((fields) => `${fields.join(",")}\n`).join("");
}
