import type { Backend } from "../../engine/backend.ts";
import type { PullOptions } from "./back-pressure.ts";
import { openCompatibleRun } from "./adapter-compatible.ts";
import type { AdapterSettings } from "./adapter-job.ts";
import { openRecommendedRun } from "./adapter-recommended.ts";
import type { AdapterRun } from "./adapter-run.ts";
import type { RecipeState } from "./recipe-state.ts";
import type { TrainingData } from "./training-data.ts";

/**
 * Opens a run in the mode of its settings, at its beginning or at a saved state. Nothing trains before `steps()` is
 * pulled. `data.queries` hold the instruction where settings.queryInstruction is set. Errors: E_MISMATCH,
 * "too-little-data", "usage" (settings), "corrupt" (a state of other data).
 */
export async function openAdapterRun(
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
  saved?: RecipeState,
  options: PullOptions = {},
): Promise<AdapterRun> {
  return settings.mode === "compatible"
    ? await openCompatibleRun(backend, data, settings, saved, options)
    : await openRecommendedRun(backend, data, settings, saved, options);
}
