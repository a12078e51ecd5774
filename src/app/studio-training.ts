import type { EvaluationReport, Verdict } from "../domain/eval/report.ts";
import type { RerankReport } from "../domain/eval/rerank.ts";
import type { Calibration } from "../domain/eval/calibration.ts";
import type { RouterReport } from "../domain/eval/classification.ts";
import type { AdapterSettings, ChosenSettings, TrainingStep } from "../domain/recipes/adapter-job.ts";
import type { CrossEncoderSettings } from "../domain/recipes/cross-encoder/cross-encoder-job.ts";
import type { EncoderSettings } from "../domain/recipes/encoder/encoder-job.ts";
import type { RouterSettings } from "../domain/recipes/router/router-job.ts";
import type { RunControl } from "../domain/ports.ts";
import type { WireError } from "../engine/errors.ts";

// Recipes, plans, runs, their results and the ladder, as the page sees them.

/** What can be trained: the `task` of a job file. "encoder" is the full fine-tune, "lora" the same by LoRA. */
export type Task = "adapter" | "encoder" | "lora" | "cross-encoder" | "router";

/**
 * A task with all that a person may fix of it. `base` is the id of the model it starts from (ModelView.id); absent:
 * the project's encoder. Adapters always belong to the project's encoder.
 */
export type Recipe =
  | { readonly task: "adapter"; readonly settings: AdapterSettings }
  | {
      readonly task: "encoder" | "lora"; // settings.recipe is the same
      readonly settings: EncoderSettings;
      readonly queryInstruction?: string; // before every question, in training, judging and use; absent: none
      readonly anchors?: readonly string[]; // general questions held where the base has them
      readonly base?: string;
    }
  | { readonly task: "cross-encoder"; readonly settings: CrossEncoderSettings; readonly base?: string }
  | { readonly task: "router"; readonly settings: RouterSettings; readonly base?: string };

/** One card of Train/Setup: a task with its starting settings and what stands in its way here. */
export interface RecipeOffer {
  readonly task: Task;
  readonly recommended: Recipe;
  readonly compatible: Recipe; // LlamaIndex's or sentence-transformers' own defaults, filled in
  readonly bases: readonly string[]; // models it can start from, the one taken by default first
  readonly obstacle: string | null; // "There are no choices yet: …"; null: it can start
  readonly fields: readonly SettingField[]; // of the Advanced drawer, in order
  readonly losses: LossNeeds; // those that cannot train on these data
}

/** What losses lack in a project's data, by their names. */
export type LossNeeds = Readonly<Record<string, LossNeed>>;

export interface LossNeed {
  readonly text: string; // what is missing and what to do
  readonly mined: boolean; // hard negatives, where a recipe asks for them, are enough
}

/**
 * A setting that a person may change, by its path in `settings` ("lora.rank", "loss.kind"). `values` are what the two
 * modes do where it is left alone; null where the run chooses by itself.
 */
export type SettingField = {
  readonly path: string;
  readonly values: {
    readonly recommended: number | string | boolean | null;
    readonly compatible: number | string | boolean | null;
  };
} & (
  | { readonly kind: "number"; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "numbers" } // a list, "384, 192, 96"
  | { readonly kind: "names"; readonly choices: readonly string[]; readonly all: string } // some, or the word for all
  | { readonly kind: "flag" }
);

/** What the page shows before a run. Seconds are measured on this device or null when nothing was measured yet. */
export interface RunPlan {
  readonly backend: string;
  readonly textsToEmbed: number; // with the base model, before training
  readonly secondsToEmbed: number | null;
  readonly secondsToTrain: number | null; // from five steps on this device
  readonly textsToEmbedAgain: number; // with what was trained: "re-embed 395 passages"; 0 for adapters
  readonly secondsToEmbedAgain: number | null;
  readonly peakBytes: number;
  readonly launchesPerStep: number;
  readonly steps: number;
  readonly trainQuestions: number;
  readonly testQuestions: number;
  readonly parameters: { readonly trained: number; readonly total: number };
  readonly storage: StoragePlan;
  readonly anchors: number; // general questions held in place
  readonly warnings: readonly string[];
}

/** What a run will keep in this browser while it goes, against what the browser allows. */
export interface StoragePlan {
  readonly checkpointBytes: number; // two are kept until the run ends
  readonly resultBytes: number;
  readonly freeBytes: number | null; // null where the browser does not say
}

export type RunState = "running" | "paused" | "interrupted" | "failed" | "finished" | "stopped";

export interface RunSummary {
  readonly id: string;
  readonly projectId: string;
  readonly number: number; // "Run 3"
  readonly state: RunState;
  readonly recipe: Recipe;
  readonly imported: boolean;
  readonly startedAt: number; // ms since 1970, for display only
  readonly seconds: number;
  readonly verdict?: Verdict;
  readonly mrrDelta?: number; // tuned − base; of a re-ranker: re-ranked − first list
  readonly accuracy?: number; // of a router, tuned
  readonly accuracyDelta?: number; // of a router with a base
}

export interface RunView extends RunSummary {
  readonly stage: RunStage;
  readonly progress: { readonly done: number; readonly total: number; readonly etaSeconds: number | null };
  readonly curve: readonly TrainingStep[]; // thinned to at most 2,000 points
  readonly validation: readonly { readonly step: number; readonly mrr: number }[]; // of a router: accuracy
  readonly probes: readonly ProbeView[]; // empty but for adapters
  readonly chosen?: ChosenSettings; // of an adapter
  readonly backend: string;
  readonly bufferBytes: number; // allocated by Retune
  readonly tokensPerSecond: number | null; // of encoders and re-rankers while they train
  readonly checkpointAge: number | null; // seconds since the last saved one
  readonly ownedElsewhere: boolean; // another tab trains it: read-only here
  readonly error?: WireError;
  readonly notes: readonly string[]; // "GPU was lost at step 40, resumed from 32"
  readonly strengths: readonly StrengthView[]; // what judgeStrength found
}

/** "embedding" with the base model, "embedding-again" with what was trained. */
export type RunStage = "embedding" | "searching" | "training" | "embedding-again" | "evaluating" | "done";

export interface ProbeView {
  readonly text: string;
  readonly before: number | null; // rank of the right passage
  readonly now: number | null;
}

/** A place on the slider between base (0) and tuned (1), judged on the test questions. */
export interface StrengthView {
  readonly strength: number;
  readonly measures: Readonly<Record<string, number>>; // "hit@5", "mrr@10"; of a router: "accuracy"
}

/** What Results shows, by what was trained. */
export type RunResults =
  | { readonly kind: "retrieval"; readonly report: EvaluationReport } // adapter, encoder, lora
  | { readonly kind: "rerank"; readonly report: RerankReport }
  | {
      readonly kind: "router";
      readonly report: RouterReport; // its choices are positions in `choices`
      readonly choices: readonly { readonly id: string; readonly name: string }[];
      readonly calibration: Calibration; // threshold, how sure, on what
    };

/** The rungs, cheapest first. Each is judged inside the hybrid search, on questions held out of training. */
export type RungName = "instruction" | "fusion" | "adapter" | "re-ranker" | "lora" | "full";

export interface LadderView {
  readonly rungs: readonly Rung[];
  readonly present: RungName | "base"; // the best so far by more than one standard error
  readonly next: RungName | null; // null: the top is reached, or a rung that trains did not pay
  readonly anyway: RungName | null; // after one that did not pay: what can be tried against the advice
  readonly questions: number; // held out to judge on
  readonly advice: string; // one sentence: what to do now and why
}

/**
 * "better": beat `over` by more than one standard error and is now the present one. "no-gain": did not, so the ladder
 * goes on from `over`. "running" and "paused" have a run.
 */
export interface Rung {
  readonly name: RungName;
  readonly state: "untried" | "running" | "paused" | "better" | "no-gain";
  readonly runId?: string;
  readonly mrr: number | null; // MRR@10 of the hybrid search, held-out questions
  readonly over?: RungName | "base"; // what it was measured against
  readonly gain: { readonly value: number; readonly standardError: number } | null;
  readonly obstacle: string | null; // why it cannot be tried here: "the model names no instruction"
}

/** What the page asks about training. */
export interface TrainingStudio {
  /** All five, in order of cost. */
  recipes(projectId: string): Promise<readonly RecipeOffer[]>;
  /** Takes up to five steps on this device, so it may take some seconds with a large model. "cancelled" by the signal. */
  plan(projectId: string, recipe: Recipe, control?: RunControl): Promise<RunPlan>;
  /** Job: embeds what is missing, trains, evaluates, stores. Returns the run's id. "storage-full" with numbers. */
  startRun(projectId: string, recipe: Recipe): Promise<string>;
  pause(runId: string): Promise<void>;
  resume(runId: string): Promise<void>;
  stopAndKeep(runId: string): Promise<void>;
  discard(runId: string): Promise<void>;
  runs(projectId: string): Promise<readonly RunSummary[]>;
  run(runId: string): Promise<RunView>;
  /** Of an adapter, encoder or lora run. */
  report(runId: string): Promise<EvaluationReport>;
  results(runId: string): Promise<RunResults>;
  jobFile(runId: string): Promise<string>; // JSON for `npm run retune -- run`
  ladder(projectId: string): Promise<LadderView>;
  /**
   * Job: tries a rung. Instruction and fusion are judged at once; the others start a run. Returns the job's id.
   * "usage" for another rung than the next one; with `anyway` the one after a rung that did not pay is tried.
   */
  climb(projectId: string, rung: RungName, anyway?: boolean): Promise<string>;
  /** Job: judges the mixture of base and tuned weights; the figure joins RunView.strengths. */
  judgeStrength(runId: string, strength: number): Promise<string>;
}
