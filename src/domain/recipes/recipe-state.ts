import type { Fusion } from "../eval/report.ts";
import type { ChosenSettings } from "./adapter-job.ts";
import type { Look } from "./held-out-look.ts";

/** All that a run needs to go on to the same bits: what is small as JSON, what is large as arrays by name. */
export interface RecipeState {
  readonly format: 1;
  readonly recipe: "adapter";
  readonly fingerprint: string; // of settings and data: a state of another run is refused
  readonly progress: CompatibleProgress | SearchProgress;
  readonly tensors: Readonly<Record<string, Float32Array>>; // "w", "w.m", "w.v" of every parameter, "order"
}

export interface CompatibleProgress {
  readonly mode: "compatible";
  readonly step: number; // optimizer steps taken
  readonly losses: readonly number[]; // one a step
}

export interface SearchProgress {
  readonly mode: "recommended";
  readonly results: readonly TrialResult[]; // finished trials, in the order they ran
  readonly final: FinalPlan | null; // once the search is over
  readonly step: number; // taken in the trial under way, or in the final training
  readonly looks: readonly Look[]; // of the trial under way
  readonly losses: readonly number[]; // of the final training, one a step
  readonly best: BestLook;
}

/** What the search decided, all of it from held-out questions. */
export interface FinalPlan {
  readonly settings: ChosenSettings;
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly heldOut: { readonly base: number; readonly tuned: number } | null; // MRR@10
}

/** The look with the largest gain over the base so far; its weights are the tensors "best.…". */
export interface BestLook {
  readonly gain: number;
  readonly candidate: number;
  readonly alpha: number;
  readonly epochs: number;
}

/** One candidate trained without one fold, and the looks at that fold. */
export interface TrialResult {
  readonly candidate: number;
  readonly fold: number;
  readonly looks: readonly Look[];
}
