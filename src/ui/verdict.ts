import type { Delta, EvaluationReport, Metrics, SystemName, Verdict } from "../domain/eval/report.ts";

/** The three kinds of search a comparison is made in. */
export type SearchView = "dense" | "hybrid" | "lexical";
export const SEARCH_VIEWS: readonly SearchView[] = ["dense", "hybrid", "lexical"];

/** Everything the verdict sentence of one view says; words come from the message module. */
export interface VerdictView {
  readonly view: SearchView;
  readonly verdict: Verdict | "no-tuning"; // lexical search has nothing to tune
  readonly before: Metrics;
  readonly after: Metrics | null;
  readonly hit5: Delta | null;
  readonly mrr10: Delta | null;
  readonly queries: number;
  readonly clusters: number;
  readonly smallestDetectable: number;
}

/** Names of the two systems a view compares. `instructed`: the run asks with an instruction, so base does as well. */
export function systemsOf(view: SearchView, instructed: boolean): readonly [SystemName, SystemName | null] {
  if (view === "lexical") return ["bm25", null];
  if (view === "hybrid") return ["hybridBase", "hybridTuned"];
  return [instructed ? "baseInstruction" : "base", "tuned"];
}

/** The comparison of one view, or null where the report lacks its systems. */
export function verdictOf(
  report: EvaluationReport,
  view: SearchView,
  instructed: boolean,
): VerdictView | null {
  const [beforeName, afterName] = systemsOf(view, instructed);
  const before = report.systems[beforeName] ?? (view === "dense" ? report.systems.base : undefined);
  const after = afterName ? (report.systems[afterName] ?? null) : null;
  if (!before || (afterName && !after)) return null;
  const delta = view === "dense" ? report.delta : view === "hybrid" ? report.deltaHybrid : null;
  const verdict = view === "dense" ? report.verdict : view === "hybrid" ? report.verdictHybrid : "no-tuning";
  return {
    view,
    verdict,
    before,
    after,
    hit5: delta?.["hit@5"] ?? null,
    mrr10: delta?.["mrr@10"] ?? null,
    queries: report.queries,
    clusters: report.clusters,
    smallestDetectable: report.smallestDetectable,
  };
}
