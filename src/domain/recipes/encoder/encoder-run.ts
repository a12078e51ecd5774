import type { Fusion } from "../../eval/report.ts";
import type { EncoderModel, LoraAdapter, NamedWeights } from "../../models/encoder-model.ts";
import type { EncoderLook, EncoderSettings, EncoderStep, GuardEvent } from "./encoder-job.ts";
import type { EncoderState } from "./encoder-state.ts";

/**
 * One fine-tune of an encoder, pulled like an `AdapterRun`: pausing is not pulling, stopping is `return()`; at every
 * yield, and nowhere else, `state`, `weights` and `keep` may be called.
 */
export interface EncoderRun {
  readonly plan: EncoderEstimate;
  /**
   * Takes `steps` (5) steps that change nothing and says what a run takes on this device. Only before `steps()` is pulled.
   */
  measure(steps?: number): Promise<EncoderMeasurement>;
  /** Trains to the end from where the run stands; returns what was learnt. Call once. */
  steps(): AsyncGenerator<EncoderStep, TrainedEncoder, void>;
  /** What a later `openEncoderRun` needs to go on to the same bits on the same backend. */
  state(): Promise<EncoderState>;
  /** The trained weights as they are now: of the whole model, or of the LoRA matrices. */
  weights(): Promise<NamedWeights>;
  /** Stop and keep the best so far: the best look's weights, or the last ones where nothing was held out. */
  keep(): Promise<TrainedEncoder>;
  dispose(): void;
}

/** What is known before any step. */
export interface EncoderEstimate {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly questions: number; // trained on, an epoch
  readonly heldOut: number; // questions judged at a look
  readonly tokensPerEpoch: number; // without padding
  readonly paddedTokensPerEpoch: number;
  readonly trainedParameters: number;
  readonly frozenParameters: number;
  readonly peakBytes: number; // on the device, at the longest batch, by the plan
  readonly flopsPerEpoch: number;
  readonly launches: number; // of the longest batch's step
}

/** What five steps on this device say. Warnings are for people; nothing is refused. */
export interface EncoderMeasurement {
  readonly secondsPerStep: number; // of a mean batch
  readonly secondsLeft: number; // steps and looks
  readonly tokensPerSecond: number;
  readonly flopsPerSecond: number;
  readonly peakBytes: number;
  readonly text: string; // "about 4 min on WASM SIMD"
  readonly warnings: readonly string[];
}

/** What a run leaves behind. */
export interface TrainedEncoder {
  readonly tuned:
    | { readonly kind: "encoder"; readonly model: EncoderModel }
    | { readonly kind: "lora"; readonly base: EncoderModel; readonly adapter: LoraAdapter };
  readonly chosen: Required<Pick<EncoderSettings, "learningRate" | "epochs" | "batchSize">> & {
    readonly step: number; // whose weights these are
    readonly totalSteps: number;
  };
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion }; // equal weights: nothing was fitted to the training file
  readonly losses: readonly number[]; // one a step
  readonly looks: readonly EncoderLook[];
  readonly heldOut: { readonly base: number; readonly tuned: number } | null; // MRR@10 inside the hybrid search
  readonly guards: readonly GuardEvent[];
  readonly clipped: number; // steps whose gradients were clipped
  readonly notes: readonly string[]; // for people
}
