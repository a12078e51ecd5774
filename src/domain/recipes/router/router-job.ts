import type { PlanSummary } from "../../../engine/plan.ts";
import type { RouterDataset, RouterChoice } from "../../data/router-dataset.ts";
import type { Calibration } from "../../eval/calibration.ts";
import type { Matrix, Weights } from "../../matrix.ts";
import type { AdapterConfig } from "../../models/adapter-config.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import type { TrainingStep } from "../adapter-job.ts";
import type { CrossEncoderState } from "../cross-encoder/cross-encoder-job.ts";
import type { EncoderState } from "../encoder/encoder-state.ts";

export type RouterTrainer = "embedding" | "cross-encoder" | "softmax";

/** What a person may fix in a router run; an absent value is the recommended one. */
export interface RouterSettings {
  readonly trainer: RouterTrainer;
  /** Of the embedding router: "adapter" on frozen query vectors (seconds, default) or the whole "encoder". */
  readonly tune?: "adapter" | "encoder";
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly scale?: number; // 1 / temperature of the softmax over choices, 20
  readonly negatives?: number; // cross-encoder: wrong choices a question, 4
  readonly precision?: number; // wanted of accepted answers when the threshold is set, 0.9
  readonly queryInstruction?: string; // already in the vectors given; kept for the export
  readonly seed: number;
}

/** Frozen vectors of the job's texts, rows in the order of the dataset: what "adapter" and "softmax" train on. */
export interface RouterVectors {
  readonly queries: Matrix; // [examples, D]
  readonly choices: Matrix; // [choices, D], of choiceText
}

export interface RouterJob {
  readonly settings: RouterSettings;
  readonly dataset: RouterDataset;
  readonly vectors?: RouterVectors; // needed by "softmax" and by "embedding" with tune "adapter"
  readonly model?: EncoderModel | CrossEncoderModel; // needed by the others
  readonly encoderName?: string; // of the vectors, for the export
}

/** One training run; the same contract as AdapterRun. */
export interface RouterRun {
  readonly plan: RouterEstimate;
  steps(): AsyncGenerator<TrainingStep, TrainedRouter, void>;
  state(): Promise<RouterState>;
  keep(): Promise<TrainedRouter>;
  dispose(): void;
}

export interface RouterEstimate {
  readonly summary?: PlanSummary; // of a head's step; a model's run says its own
  readonly searchSteps: number; // of the folds that choose epochs and calibrate
  readonly finalSteps: number;
}

interface TrainedParts {
  readonly choices: readonly RouterChoice[];
  readonly calibration: Calibration; // from examples that the scores had not been trained on
  readonly baseCalibration: Calibration | null; // the same of the untrained router; null for a fresh cross-encoder
  readonly encoderName: string;
  readonly queryInstruction: string;
  readonly losses: readonly number[];
  readonly heldOut: { readonly base: number; readonly tuned: number } | null; // accuracy on held-out examples
  readonly epochs: number;
  readonly notes: readonly string[];
}

/** cos(adapter(query), description) over frozen vectors. */
export interface AdapterRouter extends TrainedParts {
  readonly kind: "adapter";
  readonly config: AdapterConfig;
  readonly weights: Weights;
  readonly choiceVectors: Matrix; // [choices, D]
}

/** cos(query, description), both by the tuned encoder. */
export interface EncoderRouter extends TrainedParts {
  readonly kind: "encoder";
  readonly model: EncoderModel;
  readonly choiceVectors: Matrix; // by the tuned encoder
}

/** The logit of (query, description). */
export interface CrossEncoderRouter extends TrainedParts {
  readonly kind: "cross-encoder";
  readonly model: CrossEncoderModel;
}

/** query · weightᵀ + bias over frozen unit vectors. */
export interface SoftmaxRouter extends TrainedParts {
  readonly kind: "softmax";
  readonly weight: Matrix; // [choices, D]
  readonly bias: Float32Array; // [choices]
}

export type TrainedRouter = AdapterRouter | EncoderRouter | CrossEncoderRouter | SoftmaxRouter;

export interface RouterState {
  readonly format: 1;
  readonly recipe: "router";
  readonly fingerprint: string;
  readonly progress: RouterProgress;
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** Of a head over frozen vectors: the stretch under way and the steps taken in it. What looks saw is a tensor. */
export interface HeadProgress {
  readonly fold: number; // under way; the number of folds while the final training runs
  readonly step: number;
  readonly losses: readonly number[]; // of the final training
}

export type RouterProgress =
  | ({ readonly trainer: "softmax" | "adapter" } & HeadProgress)
  | { readonly trainer: "encoder"; readonly inner: Omit<EncoderState, "tensors"> }
  | { readonly trainer: "cross-encoder"; readonly inner: Omit<CrossEncoderState, "tensors"> };
