import type { Backend } from "../../../engine/backend.ts";
import type { PullOptions } from "../back-pressure.ts";
import { layGround } from "./encoder-ground.ts";
import type { EncoderJob } from "./encoder-job.ts";
import type { EncoderRun } from "./encoder-run.ts";
import type { EncoderState } from "./encoder-state.ts";
import { EncoderTraining } from "./encoder-training.ts";
import { jobFingerprint } from "./fingerprint.ts";

/**
 * Opens a fine-tune of an encoder (all weights, or LoRA), at its beginning or at a saved state. Nothing trains before
 * `steps()` is pulled. Errors: E_MISMATCH and E_TOKENIZER (model), "too-little-data", "usage" (settings, negatives),
 * "out-of-memory", "corrupt" (a state of another run).
 */
export async function openEncoderRun(
  backend: Backend,
  job: EncoderJob,
  saved?: EncoderState,
  options: PullOptions = {},
): Promise<EncoderRun> {
  const ground = await layGround(backend, job, options);
  const run = new EncoderTraining(ground, jobFingerprint(job, ground.settings));
  run.begin(saved);
  return run;
}
