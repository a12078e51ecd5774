import type {
  DifferenceReport,
  DriftReport,
  LearningCurve,
  MergeCurve,
  MergePoint,
  Remedy,
  RunComparison,
  ScoreThreshold,
  TestOpenings,
  TriageReport,
} from "../domain/eval/advice-types.ts";
import type { ExportedFile } from "./studio-models.ts";

// Verdicts around runs, as the page sees them: triage before, honesty about the test split, comparison, advice after.

/** A kept result. `stale`: it was found on data that have changed since. */
export interface Found<Value> {
  readonly value: Value;
  readonly stale: boolean;
}

export interface TriageOptions {
  /** ModelView.id of a cross-encoder to try untrained; absent: none is tried. */
  readonly reranker?: string;
  readonly rerankQuestions?: number; // sample it reads, default 40
  readonly rerankDepth?: number; // passages a question, default 30
}

export interface CompareOptions {
  /** Which search of a run: by vectors alone (default) or fused with words. */
  readonly system?: "dense" | "hybrid";
}

/** Questions to change, all by one remedy; of the training or the test side. */
export interface RemedyRequest {
  readonly side: "train" | "test";
  readonly remedy: Remedy;
  readonly queries: readonly string[]; // ids
}

export interface RemedyOutcome {
  readonly changed: number;
  readonly unchanged: number; // had the negative or label already, or no intruder
  readonly sentence: string; // "12 questions got a hard negative. Repeat the run to see what it brings."
}

export interface ReportOptions {
  readonly rows?: boolean; // questions and passages of the person's data; default false
}

/** What the page asks about verdicts, as `studio.verdicts`. Jobs are of kind "triage" or "advise"; what they find is kept with the project. */
export interface VerdictStudio {
  /** Job: embeds what is missing, then puts searches side by side on the training questions. */
  triage(projectId: string, options?: TriageOptions): Promise<string>;
  triageReport(projectId: string): Promise<Found<TriageReport> | null>;

  /** How often the test split was looked at, and by what. */
  openings(projectId: string): Promise<TestOpenings>;
  /** Up to four judged runs on the questions they share. Does not open the test split anew: it reads their reports. */
  compareRuns(runIds: readonly string[], options?: CompareOptions): Promise<RunComparison>;

  /** Job: trains adapters on n/8 … n of the training documents; a quarter is held out to judge them. */
  learnCurve(projectId: string): Promise<string>;
  learningCurve(projectId: string): Promise<Found<LearningCurve> | null>;

  /** Job: the run's model on general questions (bundled) and on the project's own passages. Adapter, encoder, lora. */
  guardDrift(runId: string): Promise<string>;
  driftReport(runId: string): Promise<Found<DriftReport> | null>;

  /** Job: target and general figures at strengths 0, .1 … 1. Adapter, encoder, lora. */
  mergeCurve(runId: string): Promise<string>;
  mergeCurveReport(runId: string): Promise<Found<MergeCurve> | null>;
  /** One strength at once, adapters only: no text is embedded. For the slider while it is dragged. */
  mergePoint(runId: string, strength: number): Promise<MergePoint>;

  /** Job: from which score on an answer can be trusted. All runs but routers, which are calibrated as they train. */
  calibrate(runId: string, target?: number): Promise<string>;
  thresholds(runId: string): Promise<Found<ScoreThreshold> | null>;

  /** Job: ranks of every question before and after, with clusters of what got worse. Not of routers. */
  findDifferences(runId: string, side: "train" | "test"): Promise<string>;
  differences(runId: string, side: "train" | "test"): Promise<Found<DifferenceReport> | null>;
  /** Changes the questions. Error "usage" for hard negatives of test questions, which nothing is trained on. */
  remedy(runId: string, request: RemedyRequest): Promise<RemedyOutcome>;
  /** Starts the same recipe on the data as they are now; the new run's id. */
  repeatRun(runId: string): Promise<string>;

  /** Everything found about a run in one file that needs nothing else; without the person's texts unless asked. */
  exportVerdict(runId: string, format: "html" | "json", options?: ReportOptions): Promise<ExportedFile>;
}
