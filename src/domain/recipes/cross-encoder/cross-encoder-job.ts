import type { RerankDataset } from "../../data/rerank-dataset.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import type { TrainingStep } from "../adapter-job.ts";

export type CrossEncoderLoss = "bce" | "listwise" | "margin-mse";

/** What a person may fix; an absent value is the recommended one, in compatible mode sentence-transformers' default. */
export interface CrossEncoderSettings {
  /**
   * "recommended": shuffled, questions held out, looks at them every 5 % of steps, the best step restored.
   * "compatible": LlamaIndex's CrossEncoderFinetuneEngine: pairs in file order, BCE, 2 epochs, nothing held out.
   */
  readonly mode: "recommended" | "compatible";
  readonly loss?: CrossEncoderLoss; // default "bce"; "margin-mse" for a teacher's scores
  readonly epochs?: number; // 2
  readonly batchSize?: number; // pairs a step, 10; listwise and margin-mse: questions a step, 4
  readonly learningRate?: number; // peak after warm-up over 10 % of steps, 2e-5
  readonly weightDecay?: number; // 0.01, not on biases and LayerNorm
  readonly positiveWeight?: number | "balanced"; // BCE: weight of right pairs; "balanced" = wrong / right; default 1
  readonly maxTokens?: number; // pairs are cut there; default the model's, at most 512
  readonly dropout?: boolean; // as config.json asks, true
  readonly seed: number;
}

/** Everything a run needs. A bi-encoder gets a pooler and a classifier of its own, drawn from the seed. */
export interface CrossEncoderJob {
  readonly model: EncoderModel | CrossEncoderModel;
  readonly train: RerankDataset;
  readonly validation?: RerankDataset; // looked at while training; default: groups held out of `train`
  readonly settings: CrossEncoderSettings;
}

/** One training run; the same contract as AdapterRun: everything may be called at a yield, and nowhere else. */
export interface CrossEncoderRun {
  readonly plan: CrossEncoderEstimate;
  /** Takes `steps` (5) steps that change nothing and says what the run takes here. Only before `steps()` is pulled. */
  measure(steps?: number): Promise<CrossEncoderMeasurement>;
  steps(): AsyncGenerator<TrainingStep, TrainedCrossEncoder, void>;
  /** What a later `openCrossEncoderRun` needs to go on to the same bits. */
  state(): Promise<CrossEncoderState>;
  /** The model as it is now. */
  model(): Promise<CrossEncoderModel>;
  /** Stop and keep the best look so far (without looks: the model as it is). */
  keep(): Promise<TrainedCrossEncoder>;
  dispose(): void;
}

export interface CrossEncoderEstimate {
  readonly summary: PlanSummary; // of the largest step
  readonly steps: number;
  readonly pairs: number; // of one epoch
  readonly tokens: number; // of one epoch, special tokens included
  readonly heldOutQueries: number; // looked at, 0 where nothing is held out
}

/** What five steps on this device say. Warnings are for people; nothing is refused. */
export interface CrossEncoderMeasurement {
  readonly secondsPerStep: number; // of a mean batch
  readonly secondsLeft: number; // steps and looks
  readonly tokensPerSecond: number;
  readonly text: string; // "about 4 min"
  readonly warnings: readonly string[];
}

/** What a run leaves behind. */
export interface TrainedCrossEncoder {
  readonly model: CrossEncoderModel;
  readonly chosen: {
    readonly loss: CrossEncoderLoss;
    readonly epochs: number; // up to the step that was kept
    readonly learningRate: number;
    readonly batchSize: number;
    readonly positiveWeight: number;
  };
  readonly losses: readonly number[]; // one a step
  readonly looks: readonly CrossEncoderLook[]; // the first is the base
  readonly heldOut: { readonly base: number; readonly tuned: number } | null; // MRR@10 over held-out candidates
  readonly notes: readonly string[];
}

export interface CrossEncoderLook {
  readonly step: number; // optimizer steps taken, 0 is the base
  readonly mrr: number; // MRR@10 of held-out questions over their candidates
  readonly averagePrecision: number; // over all held-out pairs
}

/** The defaults of both modes: sentence-transformers', but for what a look decides. */
export const CROSS_ENCODER_DEFAULTS = {
  epochs: 2,
  pairs: 10, // a step under BCE
  questions: 4, // a step under the other losses
  learningRate: 2e-5,
  weightDecay: 0.01,
  warmup: 0.1, // share of all steps
  heldOut: 0.1, // share of the questions, whole groups
  lookEvery: 0.05, // of all steps
  patience: 5, // looks without a new best, after half of the steps
} as const;

export interface CrossEncoderState {
  readonly format: 1;
  readonly recipe: "cross-encoder";
  readonly fingerprint: string;
  readonly progress: {
    readonly step: number;
    readonly losses: readonly number[];
    readonly looks: readonly CrossEncoderLook[];
    readonly best: number | null; // index in `looks` of the best one, whose weights are the tensors "best.…"
    readonly rateFactor: number; // what the guards left of the learning rate
    readonly rollbacks: number;
    readonly skipped: readonly number[]; // steps that a guard left out
    readonly notes: readonly string[];
  };
  readonly tensors: Readonly<Record<string, Float32Array>>; // "<w>", "<w>.m", "<w>.v", "step", "best.<w>"
}
