import { RetuneError } from "../../../engine/errors.ts";
import type { EncoderLook, EncoderSettings, GuardEvent } from "./encoder-job.ts";

/** All that a run needs to go on to the same bits: what is small as JSON, what is large as arrays by name. */
export interface EncoderState {
  readonly format: 1;
  readonly recipe: EncoderSettings["recipe"];
  readonly fingerprint: string; // of model, settings and data: a state of another run is refused
  readonly progress: EncoderProgress;
  readonly tensors: Readonly<Record<string, Float32Array>>; // "w", "w.m", "w.v" of every trained tensor, "step", "best.w"
}

export interface EncoderProgress {
  readonly step: number; // place in the schedule: batches taken or skipped
  readonly losses: readonly number[]; // one a step
  readonly norms: readonly number[]; // gradient norms before clipping, one a step
  readonly looks: readonly EncoderLook[];
  readonly best: number | null; // index in `looks` of the best one, whose weights are the tensors "best.…"
  readonly rateFactor: number; // what the guards left of the learning rate
  readonly rollbacks: number;
  readonly skipped: readonly number[]; // batches that a guard left out, by place in the schedule
  readonly guards: readonly GuardEvent[];
  readonly clipped: number;
  readonly sinceLook: number; // steps counted since the last look
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
