import type { RunRecord } from "../storage/records.ts";
import { runAdapter } from "./run-adapter.ts";
import { runCrossEncoder } from "./run-cross-encoder.ts";
import { runEncoder } from "./run-encoder.ts";
import type { RunPorts } from "./run-ports.ts";
import { runRouter } from "./run-router.ts";

/** A run of any task from where it stands to its end. */
export async function runRecipe(ports: RunPorts, runId: string): Promise<RunRecord> {
  const run = await ports.workspace.runs.get(runId);
  const { recipe } = run;
  switch (recipe.task) {
    case "adapter":
      return runAdapter(ports, run, recipe.settings);
    case "encoder":
    case "lora":
      return runEncoder(ports, run, recipe);
    case "cross-encoder":
      return runCrossEncoder(ports, run, recipe);
    case "router":
      return runRouter(ports, run, recipe);
  }
}
