import { RetuneError } from "../../engine/errors.ts";
import type { PlanSummary } from "../../engine/plan.ts";
import type { Fusion } from "../eval/report.ts";
import type { Weights } from "../matrix.ts";
import type { AdapterConfig } from "../models/adapter-config.ts";
import type { ChosenSettings, TrainingStep } from "./adapter-job.ts";
import type { RecipeState } from "./recipe-state.ts";

/**
 * One training run of an adapter. `steps()` is pulled: pausing is not pulling, stopping is `return()`. Every yield is a
 * point where weights and optimizer agree, so `state`, `weights` and `keep` may be called there, and nowhere else.
 */
export interface AdapterRun {
  readonly plan: RunEstimate;
  /** Trains to the end from where the run stands; returns what was learnt. Call once. */
  steps(): AsyncGenerator<TrainingStep, TrainedAdapter, void>;
  /** What a later `openAdapterRun` needs to go on to the same bits. */
  state(): Promise<RecipeState>;
  /** The weights of the training under way, at the chosen strength once it is known. */
  weights(): Promise<Weights>;
  /** Stop and keep the best so far: in the search the weights that were best on held-out questions. */
  keep(): Promise<TrainedAdapter>;
  dispose(): void;
}

export interface RunEstimate {
  readonly summary: PlanSummary; // of one step
  readonly searchSteps: number; // at most; 0 in compatible mode
  readonly finalSteps: number; // expected, exact in compatible mode
}

/** What a run leaves behind. */
export interface TrainedAdapter {
  readonly config: AdapterConfig;
  readonly weights: Weights; // at strength chosen.alpha
  readonly chosen: ChosenSettings;
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion }; // chosen on held-out groups of the training file
  readonly losses: readonly number[]; // one a step of the kept training
  readonly heldOut: { readonly base: number; readonly tuned: number } | null; // MRR@10 on held-out groups
  readonly notes: readonly string[]; // for people
}

/** Rejects a state of other data, other settings or another mode. */
export function checkState(
  saved: RecipeState,
  fingerprint: string,
  mode: RecipeState["progress"]["mode"],
): void {
  if (saved.fingerprint !== fingerprint || saved.progress.mode !== mode) {
    throw new RetuneError(
      "corrupt",
      "resume: the checkpoint belongs to other data or settings; start a new run, or restore the files it was made with",
    );
  }
}
