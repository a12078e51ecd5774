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
  sentence: ({ depth, queries }: RerankReport): string =>
    `For ${plural(queries, "unseen question", "unseen questions")} the first ${count(depth)} passages were ordered anew.`,
  against: (report: RerankReport): string => {
    const delta = report.deltaRetrieved?.["mrr@10"];
    if (!delta) return "";
    return `MRR@10 against the list as retrieved: ${points(delta.value)} points, 95 % CI ${points(delta.low)}…${points(delta.high)}.`;
  },
  againstBase: (report: RerankReport): string => {
    const delta = report.delta?.["mrr@10"];
    if (!delta) return "";
    return `Against the re-ranker before training: ${points(delta.value)} points, 95 % CI ${points(delta.low)}…${points(delta.high)}.`;
  },
  ceiling: ({ ceiling, depth }: RerankReport): string =>
    `The right passage is among the first ${count(depth)} for ${percent(ceiling, 1)} of the questions: no re-ranker can do better.`,
  forced: "The right passage was put among the candidates where it was missing.",
  guide: (keep: number): string => `Right in the ${keep} that are kept`,
  precision: "Average precision of pairs",
  detectable: (value: number): string =>
    `With this many questions a difference of ${points(value).replace("+", "")} points of MRR@10 would show four times in five.`,
  table: "Before and after re-ranking",
} as const;
