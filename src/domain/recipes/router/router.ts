import type { Backend } from "../../../engine/backend.ts";
import type { PullOptions } from "../back-pressure.ts";
import { openHeadRun } from "./head-run.ts";
import { openModelRun } from "./model-run.ts";
import type { RouterJob, RouterRun, RouterState } from "./router-job.ts";

/**
 * Opens a router's training by its trainer, at the beginning or at a saved state. Nothing trains before `steps()` is
 * pulled. Errors: "usage" (vectors or model missing), E_MISMATCH, "too-little-data", "corrupt" (a state of another run).
 */
export function openRouterRun(
  backend: Backend,
  job: RouterJob,
  saved?: RouterState,
  options: PullOptions = {},
): Promise<RouterRun> {
  const { trainer, tune = "adapter" } = job.settings;
  const onVectors = trainer === "softmax" || (trainer === "embedding" && tune === "adapter");
  return onVectors ? openHeadRun(backend, job, saved, options) : openModelRun(backend, job, saved, options);
}
