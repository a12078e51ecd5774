import { groupsOf } from "../../domain/data/dataset.ts";
import type { RunComparison } from "../../domain/eval/advice-types.ts";
import { compareRuns, type RankedRun } from "../../domain/eval/comparison.ts";
import { RetuneError } from "../../engine/errors.ts";
import { knownEncoders } from "../encoders/known-encoders.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { RunResults } from "../studio-training.ts";
import type { CompareOptions } from "../studio-verdicts.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
import { projectGround } from "./verdict-ground.ts";

const SEED = 0;

/** Judged runs of one project side by side, from their reports. */
export async function compareJudgedRuns(
  workspace: Workspace,
  runIds: readonly string[],
  { system = "dense" }: CompareOptions,
): Promise<RunComparison> {
  const records = await Promise.all(runIds.map((id) => workspace.runs.get(id)));
  const projects = new Set(records.map(({ projectId }) => projectId));
  if (projects.size > 1) {
    throw new RetuneError("usage", "Only runs of one project can be compared: they share their questions.");
  }
  const known = [...(await knownEncoders(workspace)), ...(await workspace.models())];
  const models = new Map(known.map(({ id, name }) => [id, name]));
  const runs = await Promise.all(
    records.map(async (run) => {
      const results = await workspace.runs.results(run.id);
      const start = ("base" in run.recipe ? run.recipe.base : undefined) ?? run.encoderId;
      return { ...rankedRun(run, results, system), model: models.get(start) ?? start };
    }),
  );
  const clusters = await clustersOf(workspace, records[0]?.projectId);
  return compareRuns(runs, (query) => clusters.get(query) ?? query, { seed: SEED });
}

async function clustersOf(
  workspace: Workspace,
  projectId: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  if (projectId === undefined) return new Map();
  const { data } = await projectGround(workspace, projectId);
  const groups = groupsOf(data.test);
  return new Map(data.test.queries.map(({ id }, row) => [id, groups[row]!]));
}

function rankedRun(
  run: RunRecord,
  results: RunResults,
  system: "dense" | "hybrid",
): Omit<RankedRun, "model"> {
  const head = { id: run.id, name: `Run ${run.number}` };
  if (results.kind === "router") {
    throw new RetuneError("usage", `${head.name} is a router; its choices cannot be compared with ranks.`);
  }
  if (results.kind === "rerank") {
    const rows = results.report.rows.map(({ query, text, ranks }) => ({
      ...{ query, text },
      base: ranks.retrieved ?? null,
      tuned: ranks.rerankedTuned ?? ranks.rerankedBase ?? null,
    }));
    return { ...head, rows };
  }
  const dense = queryInstructionOf(run.recipe) === "" ? "base" : "baseInstruction";
  const [base, tuned] = system === "dense" ? [dense, "tuned"] : ["hybridBase", "hybridTuned"];
  const rows = results.report.rows.map(({ query, text, ranks }) => ({
    ...{ query, text },
    base: ranks[base as "base"] ?? null,
    tuned: ranks[tuned as "tuned"] ?? null,
  }));
  return { ...head, rows };
}
