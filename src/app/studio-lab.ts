import type { LabComparison } from "../domain/lab/compare.ts";
import type { LabMeasure, LabTaskId } from "../domain/lab/lab-task.ts";
import type { RaditTable } from "../domain/lab/radit/radit-table.ts";
import type { RetrievalFigures } from "../domain/lab/radit/retrieval-tuning.ts";
import type { RunControl } from "../domain/ports.ts";
import type { DecoderSettings } from "../domain/recipes/decoder/decoder-job.ts";
import type { WireError } from "../engine/errors.ts";
import type { HubModel } from "./encoders/hub-models.ts";
import type { KeptAs } from "./encoders/keep-decoder.ts";
import type { ExportedFile } from "./studio-models.ts";
import type { RunState } from "./studio-training.ts";

// The LLM lab as the page sees it: projects of one system each, their rows, small language models, runs, answers side by side.

/** One of the ten systems. Names and words for people are the page's. */
export interface LabSystem {
  readonly id: LabTaskId;
  readonly measures: readonly LabMeasureView[]; // the first decides the verdict
  readonly canConstrain: boolean; // answers can be held to a schema or grammar
}

export type LabMeasureView = Pick<LabMeasure, "key" | "label" | "meaning" | "better" | "unit">;

export interface LabSummary {
  readonly id: string;
  readonly name: string;
  readonly system: LabTaskId;
  readonly sample: boolean;
  readonly createdAt: number; // ms since 1970, for display only
  readonly rows: number;
  readonly runs: number;
}

/** "train": rows to learn, or all rows where no other file is there; "test": rows to judge by; "replay": what must not be forgotten. */
export type LabSide = "train" | "test" | "replay";

export interface LabFileView {
  readonly side: LabSide;
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly notes: readonly { readonly line: number; readonly reason: string; readonly skipped: boolean }[];
}

export interface LabView extends LabSummary {
  readonly files: readonly LabFileView[];
  readonly split: {
    readonly train: { readonly rows: number; readonly groups: number };
    readonly test: { readonly rows: number; readonly groups: number };
    readonly byFile: boolean; // false: held out of the one file by whole groups
    readonly sharedGroups: readonly string[]; // stand on both sides: judged on what was learnt
    readonly obstacle: string | null; // why nothing can be trained yet, and what to do
  };
}

/** A row as it is learnt: what the model reads, what it should say. */
export interface LabRowView {
  readonly id: string;
  readonly line: number;
  readonly group: string;
  readonly prompt: string;
  readonly answer: string;
}

/** What a service would count, and what LlamaIndex's check finds in a file of conversations. */
export interface LabEstimate {
  readonly examples: number;
  readonly tooLong: number; // for the bundled model
  readonly longest: number; // tokens
  readonly epochs: number; // that OpenAI would choose
  readonly totalTokens: number; // of all epochs
  readonly faults: Readonly<Record<string, number>>; // by LlamaIndex's names
}

export interface LabModelView {
  readonly id: string;
  readonly name: string;
  readonly origin: "site" | "folder" | "hub";
  readonly parameters: number;
  readonly contextTokens: number;
  readonly bytes: number;
  readonly precisions: readonly LabPrecision[]; // how its weights may lie on the device
  readonly placeholders: boolean; // knows only delexicalised words: the bundled nano
}

/** Decoders from the hub, on the connected page. */
export interface LabHubStudio {
  /** Files and sizes of a Llama-type decoder; of the weights nothing is fetched. */
  lookUp(id: string): Promise<HubModel>;
  add(model: HubModel, keptAs?: KeptAs, control?: RunControl): Promise<LabModelView>;
}

export type LabPrecision = "f32" | "f16" | "q8" | "q4";

export interface LabRecipe {
  readonly base: string; // LabModelView.id
  readonly settings: DecoderSettings;
  readonly learn: "answers" | "last-answer" | "everything";
  readonly maxTokens: number; // of a row; longer ones are left out
  readonly maxNewTokens: number; // of an answer while judging
  readonly constrained: boolean; // judged with the constraint beside without it, where the system has one
  readonly judgedRows: number; // at most so many held-out rows are asked
}

export interface LabPlan {
  readonly backend: string;
  readonly steps: number;
  readonly rows: number;
  readonly tokens: number; // of the whole run
  readonly learntTokens: number;
  readonly trainedParameters: number;
  readonly totalParameters: number;
  readonly peakBytes: number;
  readonly secondsToTrain: number; // from five steps on this device
  readonly checkpointBytes: number;
  readonly notes: readonly string[]; // rows left out, by line; warnings
}

/** The stages with "retriever" or "passages" are RA-DIT's alone. */
export type LabStage =
  | "loading"
  | "training"
  | "scoring-passages"
  | "tuning-retriever"
  | "asking-base"
  | "asking-tuned"
  | "asking-retriever"
  | "done";

export interface LabRunSummary {
  readonly id: string;
  readonly labId: string;
  readonly number: number;
  readonly state: RunState;
  readonly recipe: LabRecipe;
  readonly startedAt: number;
  readonly seconds: number;
  readonly verdict?: LabComparison["verdict"];
  readonly headline?: { readonly key: string; readonly base: number; readonly tuned: number };
}

export interface LabRunView extends LabRunSummary {
  readonly stage: LabStage;
  readonly progress: { readonly done: number; readonly total: number; readonly etaSeconds: number | null };
  readonly losses: readonly { readonly step: number; readonly loss: number }[]; // thinned to at most 2,000 points
  readonly looks: readonly { readonly step: number; readonly perplexity: number }[];
  readonly tokensPerSecond: number | null;
  readonly backend: string;
  readonly ownedElsewhere: boolean; // another tab trains it: read-only here
  readonly checkpointAge: number | null; // seconds
  readonly error?: WireError;
  readonly notes: readonly string[];
}

/** Who answered: the base and the tuned model, each free and, where the system has one, under its constraint. */
export type LabArm = "base" | "tuned" | "base-constrained" | "tuned-constrained";

export interface LabResults {
  readonly comparison: LabComparison; // tuned against base
  readonly constrained: LabComparison | null; // tuned under the constraint against base under it
  readonly rows: readonly LabResultRow[];
  readonly retrieval?: LabRetrieval; // where a retriever was tuned beside the model
}

/** RA-DIT's other half: what became of the search, and both models over the search as it was and as it is tuned. */
export interface LabRetrieval extends RetrievalFigures, RaditTable {}

export interface LabResultRow extends LabRowView {
  readonly answers: Readonly<Partial<Record<LabArm, LabArmAnswer>>>;
}

export interface LabArmAnswer {
  readonly text: string;
  readonly measures: Readonly<Record<string, number>>;
  readonly detail?: Readonly<Record<string, unknown>>; // a result table, errors of a schema: by system
}

export interface LabQuestion {
  /** A held-out row by its id, or a person's own text. */
  readonly rowId?: string;
  readonly text?: string;
  readonly runId?: string; // whose tuned model answers beside its base; absent: the base alone
  readonly base?: string; // where there is no run yet
  readonly constrained?: boolean;
  readonly maxNewTokens: number;
  readonly temperature: number;
}

/** The answers so far; told while they grow. */
export type LabAnswers = Readonly<Partial<Record<LabArm, LabArmAnswer>>>;

/** An answer of the Playground that a person kept, to learn from or to show. */
export interface LabRecording {
  readonly id: string;
  readonly prompt: string;
  readonly answer: string;
  readonly edited: boolean;
  readonly model: string;
  readonly createdAt: number;
}

export type LabExportFormat = "peft" | "merged" | "gguf" | "retriever" | "report-json";

export interface LabExportOffer {
  readonly format: LabExportFormat;
  readonly bytes: number | null;
  readonly obstacle: string | null;
}

/** Questions for a teacher: of a search project, or of a file (readAskedQuestions says how it looks). */
export interface LabTeaching {
  readonly source:
    { readonly kind: "project"; readonly projectId: string } | { readonly kind: "file"; readonly file: File };
  readonly teacher: { readonly url: string; readonly model: string; readonly key?: string };
  readonly topK: number; // passages of a prompt: those that BM25 finds, or the first of a file's own
  readonly questions: number; // at most so many, spread evenly
}

/** What the page asks about the lab. Long work rejects with "cancelled" by the signal; events: "lab" and "lab-run". */
export interface LabStudio {
  systems(): Promise<readonly LabSystem[]>;
  list(): Promise<readonly LabSummary[]>;
  create(name: string, system: LabTaskId): Promise<LabSummary>;
  /** The site's rows for a system, made for the bundled model. */
  openSample(system: LabTaskId): Promise<LabSummary>;
  view(labId: string): Promise<LabView>;
  rename(labId: string, name: string): Promise<void>;
  remove(labId: string): Promise<void>;
  /** Rows, kept answers, judged runs with what they learnt as one .zip, without their bases; read back and compared. */
  exportProject(labId: string): Promise<ExportedFile>;
  /** A .zip of `exportProject`: a project of its own, nothing is overwritten. */
  importProject(file: File): Promise<LabSummary>;

  /** Reads the file first; nothing is kept where it cannot be read. Bad rows refuse it, or are left out with `skipBadRows`. */
  addFile(
    labId: string,
    side: LabSide,
    file: File,
    options?: { readonly skipBadRows?: boolean },
  ): Promise<LabFileView>;
  removeFile(labId: string, side: LabSide): Promise<void>;
  rows(labId: string, side: "train" | "test", from: number, count: number): Promise<readonly LabRowView[]>;

  /** Of distillation's rows. */
  estimate(labId: string): Promise<LabEstimate>;

  /**
   * Job: a teacher answers questions, and its answers become rows to learn of a project of system "sft". Connected page only; what
   * was answered is kept at once, and not asked again.
   */
  distil(labId: string, teaching: LabTeaching): Promise<string>;

  models(): Promise<readonly LabModelView[]>;
  /**
   * A folder with config.json, safetensors and tokenizer of a Llama-type decoder; kept in this browser as it came ("files", the
   * default) or with its weights in f16, q8 or q4, streamed and read back.
   */
  addModelFolder(files: readonly File[], control?: RunControl, keptAs?: KeptAs): Promise<LabModelView>;
  readonly hub: LabHubStudio;
  removeModel(modelId: string): Promise<void>;

  /** What a run from a base (absent: the site's own) is started with where nothing is changed. */
  recommended(labId: string, base?: string): Promise<LabRecipe>;
  plan(labId: string, recipe: LabRecipe, control?: RunControl): Promise<LabPlan>;
  start(labId: string, recipe: LabRecipe): Promise<string>;
  pause(runId: string): Promise<void>;
  resume(runId: string): Promise<void>;
  stopAndKeep(runId: string): Promise<void>;
  discard(runId: string): Promise<void>;
  runs(labId: string): Promise<readonly LabRunSummary[]>;
  run(runId: string): Promise<LabRunView>;
  results(runId: string): Promise<LabResults>;
  jobFile(runId: string): Promise<string>; // JSON for `npm run retune -- run`

  /** Both models answer; `onAnswers` is told while they write. */
  ask(
    labId: string,
    question: LabQuestion,
    onAnswers: (answers: LabAnswers) => void,
    control?: RunControl,
  ): Promise<LabAnswers>;
  record(labId: string, recording: Omit<LabRecording, "id" | "createdAt">): Promise<void>;
  recordings(labId: string): Promise<readonly LabRecording[]>;
  removeRecording(labId: string, id: string): Promise<void>;
  /** As OpenAI's chat JSONL, a line each. */
  exportRecordings(labId: string): Promise<ExportedFile>;

  exports(runId: string): Promise<readonly LabExportOffer[]>;
  /** Read back and compared before it is handed over. */
  exportRun(runId: string, format: LabExportFormat): Promise<ExportedFile>;
}
