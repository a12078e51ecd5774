import { RetuneError } from "../../../engine/errors.ts";
import type { RunProgress, StateTensors } from "../guarded-progress.ts";
import type { DecoderLook } from "./decoder-job.ts";

/** All that a run needs to go on to the same bits: what is small as JSON, what is large as arrays by name. */
export interface DecoderState {
  readonly format: 1;
  readonly recipe: "decoder";
  readonly fingerprint: string; // of model, settings and rows: a state of another run is refused
  readonly progress: RunProgress<DecoderLook>;
  readonly tensors: StateTensors;
}

/** Rejects ("corrupt") a state of another model, other rows or other settings. */
export function checkState(saved: DecoderState, fingerprint: string): void {
  if (saved.format === 1 && saved.recipe === "decoder" && saved.fingerprint === fingerprint) return;
  throw new RetuneError(
    "corrupt",
    "resume: the checkpoint belongs to another model, other rows or settings; start a new run, or restore the files it " +
      "was made with",
  );
}
