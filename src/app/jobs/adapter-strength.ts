import { mergeAdapter } from "../../domain/models/merge-adapter.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import type { StrengthView } from "../studio-training.ts";
import { judgeAdapter } from "./evaluate.ts";
import { runInputs } from "./run-adapter.ts";
import type { RunPorts } from "./run-ports.ts";
import { loadResult } from "./result-store.ts";

/** Test figures of a run's model at a strength. */
export async function judgedAtStrength(
  ports: RunPorts,
  run: RunRecord,
  strength: number,
): Promise<StrengthView["measures"]> {
  const { recipe } = run;
  if (recipe.task !== "adapter") throw new RetuneError("unsupported", `No slider for a ${recipe.task} yet.`);
  const { workspace } = ports;
  const { queryInstruction, seed } = recipe.settings;
  const { test } = await runInputs(workspace, run, queryInstruction);
  const kept = await loadResult(workspace.checkpoints, run.id);
  const weights = mergeAdapter(kept.config, kept.weights, strength);
  const report = judgeAdapter(test, { ...kept, weights }, (queryInstruction ?? "") !== "", seed);
  const { tuned } = report.systems;
  return { "hit@5": tuned!["hit@5"], "mrr@10": tuned!["mrr@10"] };
}
