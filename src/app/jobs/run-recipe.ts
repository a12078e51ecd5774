import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import { runAdapter } from "./run-adapter.ts";
import type { RunPorts } from "./run-ports.ts";

/** A run of any task from where it stands to its end. */
export async function runRecipe(ports: RunPorts, runId: string): Promise<RunRecord> {
  const run = await ports.workspace.runs.get(runId);
  if (run.recipe.task === "adapter") return runAdapter(ports, run, run.recipe.settings);
  throw new RetuneError("unsupported", `This version cannot train a ${run.recipe.task}.`);
}
