import { RetuneError } from "../../../engine/errors.ts";
import type { GuardEvent } from "../encoder/encoder-job.ts";
import type { DecoderLook } from "./decoder-job.ts";

/** All that a run needs to go on to the same bits: what is small as JSON, what is large as arrays by name. */
export interface DecoderState {
  readonly format: 1;
  readonly recipe: "decoder";
  readonly fingerprint: string; // of model, settings and rows: a state of another run is refused
  readonly progress: DecoderProgress;
  readonly tensors: Readonly<Record<string, Float32Array>>; // "w", "w.m", "w.v" of every trained tensor, "step", "best.w"
}

export interface DecoderProgress {
  readonly step: number; // place in the schedule: steps taken or skipped
  readonly losses: readonly number[]; // one a step
  readonly norms: readonly number[]; // gradient norms before clipping, one a step
  readonly looks: readonly DecoderLook[];
  readonly best: number | null; // index in `looks` of the best one, whose weights are the tensors "best.…"
  readonly rateFactor: number; // what the guards left of the learning rate
  readonly rollbacks: number;
  readonly skipped: readonly number[]; // steps that a guard left out, by place in the schedule
  readonly guards: readonly GuardEvent[];
  readonly clipped: number;
  readonly sinceLook: number; // steps counted since the last look
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
