import type { SearchLatency } from "../../app/studio-playground.ts";
import { count, plural } from "../format.ts";

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : count(Math.round(value))} ms`;
}

export const playground = {
  title: "Playground",
  empty: "Nothing to search yet",
  emptyText: "Add documents or open the sample; then ask anything here.",
  toData: "Go to Data",
  question: "Ask your documents",
  search: "Search",
  searching: "Searching…",
  top: "Results",
  run: "Tuned by",
  runOption: (number: number): string => `Run ${number}`,
  noRun: "no run yet",
  examples: "From the test questions",
  base: "Base",
  tuned: (number: number): string => `Tuned (run ${number})`,
  lexical: "Word search (BM25)",
  lexicalNote: "Word search has no weights to tune, so there is one column.",
  trainFirst: "Train a run to see its column beside the base.",
  toTrain: "Go to Train",
  latency: ({ embed, search, rerank, reranked }: SearchLatency): string =>
    [
      embed === null ? "" : `question embedded in ${milliseconds(embed)}`,
      `searched in ${milliseconds(search)}`,
      rerank === null
        ? ""
        : `${plural(reranked, "passage", "passages")} re-ranked in ${milliseconds(rerank)}`,
    ]
      .filter((part) => part !== "")
      .join(", "),
  reranker: "Re-ranked by",
  noReranker: "no re-ranker",
  reranked: (number: number): string => `Re-ranked (run ${number})`,
  hits: (hits: number): string => plural(hits, "passage", "passages"),
  noHits: "No passage matches these words.",
  moved: (by: number): string => `${by > 0 ? "up" : "down"} ${Math.abs(by)}`,
  stays: "same place",
  entered: "new here",
  left: "drops out",
  score: (score: number): string => score.toFixed(3),
  scoreLabel: "score",
  rank: (rank: number): string => count(rank),
  start: "Type a question or take one of the test questions; base and tuned answer side by side.",
} as const;
