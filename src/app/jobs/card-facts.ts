import type { ScoreThreshold } from "../../domain/eval/advice-types.ts";
import type { Delta, Metrics } from "../../domain/eval/report.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { RunResults } from "../studio-training.ts";

/** Numbers and short words by name, for a model card: counts, metrics, openings, thresholds; never a row. */
export type CardRows = Readonly<Record<string, number | string>>;

/** What a run's model card tells of how it was made and judged. */
export async function cardFacts(workspace: Workspace, run: RunRecord): Promise<CardRows> {
  const { id, projectId, number, recipe, seconds, testOpenings } = run;
  const results = await resultsOf(workspace, id);
  const found = await workspace.parts.finding(projectId, "threshold", { runId: id });
  return {
    run: number,
    seed: recipe.settings.seed,
    seconds: Math.round(seconds),
    ...(results ? judgedFacts(results) : {}),
    ...(testOpenings === undefined ? {} : { "times its test set had been opened": testOpenings }),
    ...(found ? thresholdFacts(found.value as ScoreThreshold) : {}),
  };
}

/** What a run was judged by, or null where it was not. */
async function resultsOf(workspace: Workspace, runId: string): Promise<RunResults | null> {
  try {
    return await workspace.runs.results(runId);
  } catch (error) {
    if (error instanceof RetuneError && error.code === "usage") return null;
    throw error;
  }
}

function judgedFacts(results: RunResults): CardRows {
  if (results.kind === "router") return {};
  const { queries, clusters } = results.report;
  const counts = { "test questions": queries, "test documents": clusters };
  if (results.kind === "retrieval") {
    const { systems, delta, verdict } = results.report;
    return { ...counts, ...metricRows(systems.base, systems.tuned), ...deltaRow(delta?.["mrr@10"]), verdict };
  }
  const { systems, deltaRetrieved, verdictRetrieved: verdict } = results.report;
  const rows = metricRows(systems.retrieved, systems.rerankedTuned);
  return { ...counts, ...rows, ...deltaRow(deltaRetrieved?.["mrr@10"]), verdict };
}

function metricRows(before: Metrics | undefined, after: Metrics | undefined): CardRows {
  const names = ["hit@5", "mrr@10", "ndcg@10"] as const;
  const rows = names.flatMap((name) =>
    before && after ? [[name, `${before[name].toFixed(4)} before, ${after[name].toFixed(4)} after`]] : [],
  );
  return Object.fromEntries(rows) as CardRows;
}

function deltaRow(delta: Delta | undefined): CardRows {
  if (!delta) return {};
  const { value, low, high, p } = delta;
  const interval = `95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}, p ${p.toFixed(4)}`;
  return { "difference of mrr@10": `${value.toFixed(4)}, ${interval}` };
}

function thresholdFacts({ score, threshold, target, precision, platt }: ScoreThreshold): CardRows {
  const share = `${(100 * precision.value).toFixed(1)} % right, 95 % interval ${(100 * precision.low).toFixed(1)} to ${(100 * precision.high).toFixed(1)}`;
  return {
    [`${score} for ${100 * target} % right answers`]:
      threshold === null ? "none is high enough" : `from ${threshold.toFixed(4)} on: ${share}`,
    [`probability of a ${score} s`]: `1/(1 + exp(-(${platt.a.toFixed(4)} s + ${platt.b.toFixed(4)})))`,
  };
}
