import type { LoraAdapter } from "../../models/encoder-model.ts";
import type { DecoderBase } from "../../models/decoder-model.ts";
import type { FrozenKind } from "../../models/llama/frozen.ts";
import type { SupervisedSequence } from "../../models/llama/supervision.ts";
import type { GuardEvent } from "../encoder/encoder-job.ts";

/** A fine-tune of a decoder on rows that are tokens already (`decoderRows`). */
export interface DecoderJob {
  readonly base: DecoderBase;
  readonly rows: readonly SupervisedSequence[];
  /** Rows whose loss is looked at during the run; the best look's weights are kept. Absent or empty: the last step's are. */
  readonly validationRows?: readonly SupervisedSequence[];
  /** Rows of what the base knows already, mixed in so that it is not forgotten (`settings.replayShare`). */
  readonly replayRows?: readonly SupervisedSequence[];
  /** An adapter of this base to go on from; its rank, alpha and targets are the run's. */
  readonly adapter?: LoraAdapter;
  readonly settings: DecoderSettings;
}

export interface DecoderLoraSettings {
  readonly rank: number; // 8
  readonly alpha: number; // 16
  readonly rsLora: boolean; // false
  readonly targets: "all-linear" | readonly string[]; // as PEFT's target_modules: "q_proj", "down_proj"
  readonly layers: "all" | number; // only so many layers, from the top: less to compute backwards
  readonly dropout: number; // of the input of A; 0
}

export interface DecoderValidationSettings {
  readonly every: number; // of all steps: 0.1 looks ten times
  readonly patience: number; // looks without a new best before the run stops; Infinity: never
}

/** What a person may fix; an absent value is the default of `decoder-defaults.ts`. */
export interface DecoderSettings {
  /** "lora": low-rank changes beside a frozen base. "full": every weight trains, which suits small models only. */
  readonly method?: "lora" | "full"; // lora
  readonly lora?: Partial<DecoderLoraSettings>;
  readonly frozen?: FrozenKind; // f32, f16, q8 or q4: how the base's matrices lie on the device; absent: what suits the device
  readonly epochs?: number; // 3
  readonly steps?: number; // optimizer steps of the whole run, instead of epochs
  /**
   * How rows come together in a batch: "shuffled" and "in-order" take `batchSize` rows; "packed" (nearly full batches) and
   * "buckets" (rows of about one length) fill `batchTokens`.
   */
  readonly order?: "packed" | "buckets" | "shuffled" | "in-order"; // shuffled where batchSize is given, else packed
  readonly batchSize?: number; // rows of a batch; 16
  readonly batchTokens?: number; // tokens of a batch; 1024, or the longest row
  readonly accumulate?: number; // batches of an optimizer step, whose loss is the mean over all their learnt tokens; 1
  readonly learningRate?: number; // peak, 2e-4; full 2e-3
  readonly warmup?: number; // share of all steps, 0.05
  readonly warmupSteps?: number; // instead of the share
  readonly decayFrom?: number; // share of all steps after which the rate falls to zero in a line; 0: right after warm-up
  readonly weightDecay?: number; // LoRA 0; full 0.1, not of norms and biases
  readonly betas?: readonly [number, number]; // 0.9, 0.999; full 0.9, 0.95
  readonly epsilon?: number; // 1e-8
  readonly clip?: number; // global gradient norm, 1
  readonly recomputation?: boolean; // layers are computed again in the backward pass; where they would take over 192 MiB
  readonly replayShare?: number; // of all rows trained on, where replay rows are given; 0.25
  readonly validation?: Partial<DecoderValidationSettings> | "none"; // every 0.1, patience Infinity
  readonly seed: number;
}

/** One look at the validation rows. */
export interface DecoderLook {
  readonly step: number; // optimizer steps taken, 0 is the base
  readonly loss: number; // mean of −ln p over their learnt tokens
  readonly perplexity: number; // e^loss
  readonly trainingLoss: number | null; // mean since the last look
}

/** Every event is a point where weights and optimizer agree. */
export interface DecoderStep {
  readonly step: number; // places of the schedule done
  readonly totalSteps: number;
  readonly epoch: number;
  readonly loss: number; // of the last step, mean over its learnt tokens
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly tokens: number; // of the last step
  readonly learntTokens: number; // of the last step
  readonly clipped: number; // steps so far whose gradients were longer than `clip`
  readonly look?: DecoderLook;
  readonly guards: readonly GuardEvent[]; // of this stretch
}
