import type { Backend } from "../../../engine/backend.ts";
import type { PullOptions } from "../back-pressure.ts";
import { jobFingerprint } from "./decoder-fingerprint.ts";
import { layGround } from "./decoder-ground.ts";
import type { DecoderJob } from "./decoder-job.ts";
import type { DecoderRun } from "./decoder-run.ts";
import type { DecoderState } from "./decoder-state.ts";
import { DecoderTraining } from "./decoder-training.ts";

/**
 * Opens a fine-tune of a decoder (LoRA, or all weights of a small one), at its beginning or at a saved state. Nothing trains before
 * `steps()` is pulled. Errors: "usage" (settings), "too-little-data", E_MISMATCH (rows or adapter of another model),
 * "out-of-memory", "corrupt" (a state of another run), and those of reading the base.
 */
export async function openDecoderRun(
  backend: Backend,
  job: DecoderJob,
  saved?: DecoderState,
  options: PullOptions = {},
): Promise<DecoderRun> {
  const ground = await layGround(backend, job, options);
  const run = new DecoderTraining(ground, await jobFingerprint(job));
  run.begin(saved);
  return run;
}
