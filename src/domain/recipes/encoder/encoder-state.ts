import { RetuneError } from "../../../engine/errors.ts";
import type { RunProgress, StateTensors } from "../guarded-progress.ts";
import type { EncoderLook, EncoderSettings } from "./encoder-job.ts";

/** All that a run needs to go on to the same bits: what is small as JSON, what is large as arrays by name. */
export interface EncoderState {
  readonly format: 1;
  readonly recipe: EncoderSettings["recipe"];
  readonly fingerprint: string; // of model, settings and data: a state of another run is refused
  readonly progress: RunProgress<EncoderLook>;
  readonly tensors: StateTensors;
}

/** Rejects a state of another model, other data or other settings. */
export function checkState(saved: EncoderState, fingerprint: string, recipe: EncoderState["recipe"]): void {
  if (saved.format !== 1 || saved.recipe !== recipe || saved.fingerprint !== fingerprint) {
    throw new RetuneError(
      "corrupt",
      "resume: the checkpoint belongs to another model, other data or settings; start a new run, or restore the files " +
        "it was made with",
    );
  }
}
