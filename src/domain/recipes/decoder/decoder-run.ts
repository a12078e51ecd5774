import type { Weights } from "../../matrix.ts";
import type { DecoderBase } from "../../models/decoder-model.ts";
import type { LoraAdapter } from "../../models/encoder-model.ts";
import type { GuardEvent } from "../encoder/encoder-job.ts";
import type { DecoderLook, DecoderStep } from "./decoder-job.ts";
import type { DecoderState } from "./decoder-state.ts";

/**
 * One fine-tune of a decoder, pulled like an `EncoderRun`: pausing is not pulling, stopping is `return()`; at every yield, and
 * nowhere else, `state`, `weights` and `keep` may be called.
 */
export interface DecoderRun {
  readonly plan: DecoderEstimate;
  /** Takes `steps` (5) steps that change nothing and says what a run takes on this device. Only before `steps()` is pulled. */
  measure(steps?: number): Promise<DecoderMeasurement>;
  /** Trains to the end from where the run stands; returns what was learnt. Call once. */
  steps(): AsyncGenerator<DecoderStep, TrainedDecoder, void>;
  /** What a later `openDecoderRun` needs to go on to the same bits on the same backend. */
  state(): Promise<DecoderState>;
  /** The trained weights as they are now: the LoRA matrices, or all of the model's. */
  weights(): Promise<Weights>;
  /** Stop and keep the best so far: the best look's weights, or the last ones where nothing was looked at. */
  keep(): Promise<TrainedDecoder>;
  dispose(): void;
}

/** What is known before any step. */
export interface DecoderEstimate {
  readonly totalSteps: number; // optimizer steps
  readonly stepsPerEpoch: number; // of the first epoch
  readonly rows: number; // trained on in an epoch, replay included
  readonly replayRows: number; // among them
  readonly validationRows: number;
  readonly tokens: number; // of the whole run, without padding
  readonly learntTokens: number; // of the whole run
  readonly paddedTokens: number; // of the whole run, as computed
  readonly lookTokens: number; // of one look at the validation rows
  readonly looks: number; // at most
  readonly trainedParameters: number;
  readonly frozenParameters: number;
  readonly memory: DecoderMemory; // on the device
  readonly flops: number; // of the whole run's steps
  readonly launches: number; // of the longest batch
}

/** Bytes on the device while training, by the plan of the longest batch. */
export interface DecoderMemory {
  readonly base: number; // frozen weights and the table of positions
  readonly trained: number; // trained weights, gradients, both moments
  readonly activations: number; // of the longest batch
  readonly total: number;
}

/** What five steps on this device say. Warnings are for people; nothing is refused. */
export interface DecoderMeasurement {
  readonly secondsPerStep: number;
  readonly secondsLeft: number; // steps and looks
  readonly tokensPerSecond: number;
  readonly flopsPerSecond: number;
  readonly peakBytes: number;
  readonly text: string; // "about 4 min on WASM SIMD"
  readonly warnings: readonly string[];
}

/** What a run leaves behind. */
export interface TrainedDecoder {
  readonly tuned:
    | { readonly kind: "lora"; readonly base: DecoderBase; readonly adapter: LoraAdapter }
    | { readonly kind: "full"; readonly base: DecoderBase; readonly weights: Weights }; // all of the model's
  readonly step: number; // whose weights these are
  readonly totalSteps: number;
  readonly losses: readonly number[]; // one a step
  readonly looks: readonly DecoderLook[];
  readonly guards: readonly GuardEvent[];
  readonly clipped: number; // steps whose gradients were clipped
  readonly tokens: number; // trained on
  readonly notes: readonly string[]; // for people
}
