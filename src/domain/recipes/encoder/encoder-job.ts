import type { Dataset } from "../../data/dataset.ts";
import type { FrozenPrecision } from "../../models/bert/weights.ts";
import type { EncoderModel } from "../../models/encoder-model.ts";
import type { TrainingStep } from "../adapter-job.ts";

/** A fine-tune of an encoder: of all weights, or of low-rank changes beside frozen ones. */
export interface EncoderJob {
  readonly model: EncoderModel; // what is trained from; its prompts are put before every text
  readonly data: EncoderData;
  readonly settings: EncoderSettings;
}

/** Everything here is plain data by id, so that it may cross to a worker or lie in a file. */
export interface EncoderData {
  /** Questions, graded judgements and passages. Passages of a document stand in their order: neighbours are neighbours. */
  readonly dataset: Dataset;
  /** Passages that are close but wrong, best first, by question id; used as extra columns or as the third of a triplet. */
  readonly negatives?: Readonly<Record<string, readonly string[]>>;
  /** A re-ranker's score by question id, then passage id: what MarginMSE and KL distillation learn from. */
  readonly teacher?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** General questions whose vectors the anchor term holds where the base has them. */
  readonly anchors?: readonly string[];
  /** Questions to judge by; absent: settings.validation.share of the groups of `dataset` are held out. */
  readonly validation?: Dataset;
}

/**
 * The loss, with sentence-transformers' defaults where a field is absent:
 *   "mnrl"             q → d, scale 20; hard negatives are extra columns        needs nothing more
 *   "symmetric-mnrl"   mean of q → d and d → q, scale 20                        needs nothing more
 *   "cached-mnrl"      mnrl by GradCache: memory of one mini-batch, any batch   needs nothing more
 *   "triplet"          max(d(q, p) − d(q, n) + margin, 0); Euclid, margin 5     negatives (else the nearest in the batch)
 *   "cosent"           ranks cosines by grade or teacher score, scale 20        nothing, or teacher
 *   "margin-mse"       (s(q, p) − s(q, n) − teacher's margin)²                  negatives and teacher
 *   "kl-distillation"  KL(softmax(teacher/τ) ‖ softmax(scores/τ))·τ², τ 1       negatives and teacher
 */
export type EncoderLoss =
  | { readonly kind: "mnrl" | "symmetric-mnrl" | "cached-mnrl"; readonly scale?: number }
  | { readonly kind: "triplet"; readonly distance?: "euclidean" | "cosine"; readonly margin?: number }
  | { readonly kind: "cosent"; readonly scale?: number }
  | { readonly kind: "margin-mse" }
  | { readonly kind: "kl-distillation"; readonly temperature?: number };

export const ENCODER_LOSSES = [
  "mnrl",
  "symmetric-mnrl",
  "cached-mnrl",
  "triplet",
  "cosent",
  "margin-mse",
  "kl-distillation",
] as const satisfies readonly EncoderLoss["kind"][];

/** The loss summed over prefixes of the vectors (Kusupati et al. 2022). */
export interface MatryoshkaSettings {
  readonly dimensions: readonly number[]; // the full width included, or it is not trained on
  readonly weights?: readonly number[]; // one a dimension, default 1 each
}

export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly rsLora: boolean;
  readonly targets: "all-linear" | readonly string[]; // ends of layer names: "query", "value", "output.dense"
  readonly dropout: number; // of the input of A
  /** Frozen matrices on the device: absent: in halves where `Backend.halfStorage` says so; "f32" to compare bits. */
  readonly frozen?: FrozenPrecision;
}

export interface ValidationSettings {
  readonly share: number; // of the groups, where no validation set is given
  readonly every: number; // of all steps: 0.05 looks twenty times
  readonly patience: number; // looks without a new best before the run stops; Infinity: never
}

/** What a person may fix; an absent value is the default of `defaults.ts` for this recipe and mode. */
export interface EncoderSettings {
  readonly recipe: "encoder" | "lora";
  /**
   * "recommended": neighbour batches, same-positive columns masked, all positives in turn, validation, patience, best
   * step kept. "compatible": sentence-transformers' fit as LlamaIndex calls it: file order, first positive only, no mask,
   * no validation, the last step kept.
   */
  readonly mode: "recommended" | "compatible";
  readonly loss?: EncoderLoss; // mnrl, scale 20
  readonly matryoshka?: MatryoshkaSettings;
  readonly anchorWeight?: number; // λ of the anchor term, 1 where data.anchors are given
  readonly epochs?: number; // 2
  readonly batchSize?: number; // questions, 10
  readonly negativesPerQuestion?: number; // extra columns or triplet partners of each question, at most; 1
  readonly learningRate?: number; // peak, 2e-5; LoRA 2e-4
  readonly weightDecay?: number; // 0.01, not of biases and LayerNorm
  readonly warmup?: number; // share of all steps, 0.1
  readonly clip?: number; // global gradient norm, 1
  readonly dropout?: boolean; // as config.json asks, true
  readonly maxTokens?: number; // texts are cut there in training; the model's own
  readonly recomputation?: boolean; // activations of a layer are computed again in the backward pass; false
  readonly miniBatch?: number; // questions at once under "cached-mnrl"; 32
  readonly lora?: Partial<LoraSettings>; // rank 16, alpha 32, all linear layers
  readonly validation?: Partial<ValidationSettings> | "none"; // share 0.1, every 0.05, patience 5; compatible: none
  readonly seed: number;
}

/** One look at the validation questions: judged by `hybrid`, the search a person would run. */
export interface EncoderLook {
  readonly step: number; // optimizer steps taken, 0 is the base
  readonly dense: number; // MRR@10 of the vectors alone
  readonly hybrid: number; // MRR@10 of BM25 and vectors, equal z-score weights
  readonly loss: number | null; // mean training loss since the last look
}

/** What a guard did, for the run's record and for people. */
export interface GuardEvent {
  readonly kind: "not-finite" | "spike" | "stopped";
  readonly step: number; // optimizer steps taken when it acted
  readonly back: number; // the step that was gone back to; `step` itself where only a batch was skipped
  readonly learningRateFactor: number; // of every later step
  readonly text: string;
}

/** Every event is a point where weights and optimizer agree. `validation.mrr` is that of the hybrid search. */
export interface EncoderStep extends TrainingStep {
  readonly tokens: number; // of the last batch, padding not counted
  readonly clipped: number; // steps so far whose gradients were longer than `clip`
  readonly look?: EncoderLook;
  readonly guards: readonly GuardEvent[]; // of this stretch
}
