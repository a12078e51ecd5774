import type { RerankReport, RerankSystem } from "../../domain/eval/rerank.ts";
import type { MetricName } from "../../domain/eval/report.ts";
import { count, percent, plural, points } from "../format.ts";

const SYSTEMS: Readonly<Record<RerankSystem, string>> = {
  retrieved: "As retrieved",
  rerankedBase: "Base re-ranker",
  rerankedTuned: "Tuned re-ranker",
};

export const RERANK_METRICS: readonly MetricName[] = ["hit@1", "hit@3", "hit@5", "mrr@10", "ndcg@10"];

export const reranking = {
  systems: SYSTEMS,
  sentence: (report: RerankReport): string => {
    const { depth, queries, systems, deltaRetrieved } = report;
    const now = systems.rerankedTuned ?? systems.rerankedBase;
    const delta = deltaRetrieved?.["hit@5"];
    const start = `Ordering the first ${count(depth)} anew puts the right passage in the top 5`;
    if (!now || !delta) return `${start}.`;
    return `${start} for ${percent(now["hit@5"])} of ${plural(queries, "unseen question", "unseen questions")}, ${points(delta.value)} points (95\u00a0%\u00a0CI ${points(delta.low)}…${points(delta.high)}).`;
  },
  against: (report: RerankReport): string => {
    const delta = report.deltaRetrieved?.["mrr@10"];
    if (!delta) return "";
    return `MRR@10 against the list as retrieved: ${points(delta.value)} points, 95\u00a0%\u00a0CI ${points(delta.low)}…${points(delta.high)}.`;
  },
  againstBase: (report: RerankReport): string => {
    const delta = report.delta?.["mrr@10"];
    if (!delta) return "";
    return `Against the re-ranker before training: ${points(delta.value)} points, 95\u00a0%\u00a0CI ${points(delta.low)}…${points(delta.high)}.`;
  },
  ceiling: ({ ceiling, depth }: RerankReport): string =>
    `The right passage is among the first ${count(depth)} for ${percent(ceiling, 1)} of the questions: no re-ranker can do better.`,
  forced: "The right passage was put among the candidates where it was missing.",
  guide: (keep: number, questions: number): string =>
    `Right in the ${count(keep)} kept, of ${count(questions)} questions`,
  precision: "Average precision of pairs",
  detectable: (value: number): string =>
    `With this many questions a difference of ${points(value).replace("+", "")} points of MRR@10 would show four times in five.`,
  table: "Before and after re-ranking",
} as const;
