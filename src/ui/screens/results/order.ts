import type { MetricName, SystemName } from "../../../domain/eval/report.ts";

export const SYSTEM_ORDER: readonly SystemName[] = [
  "bm25",
  "base",
  "baseInstruction",
  "tuned",
  "hybridBase",
  "hybridTuned",
];

export const MAIN_METRICS: readonly MetricName[] = [
  "hit@1",
  "hit@3",
  "hit@5",
  "hit@10",
  "mrr@10",
  "ndcg@10",
  "map@100",
];

export const METRIC_ORDER: readonly MetricName[] = [
  ...MAIN_METRICS,
  "accuracy@1",
  "accuracy@3",
  "accuracy@5",
  "accuracy@10",
  "precision@1",
  "precision@3",
  "precision@5",
  "precision@10",
  "recall@1",
  "recall@3",
  "recall@5",
  "recall@10",
];
