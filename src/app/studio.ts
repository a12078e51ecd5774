import type { Dataset } from "../domain/data/dataset.ts";
import type { EvaluationReport, Verdict } from "../domain/eval/report.ts";
import type { RunControl } from "../domain/ports.ts";
import type { AdapterSettings, ChosenSettings, TrainingStep } from "../domain/recipes/adapter-job.ts";
import type { WireError } from "../engine/errors.ts";
import type { HubModel } from "./encoders/hub-models.ts";

/**
 * The program without a face, as the page sees it. Every method that takes long starts a job and returns its id at
 * once; what happens is told through `subscribe`. Errors reject with RetuneError or arrive as WireError in a view.
 */
export interface Studio {
  subscribe(listener: (event: StudioEvent) => void): () => void;
  environment(): EnvironmentView;
  /** "auto" lets the probe decide. Takes effect with the next run. */
  chooseBackend(choice: BackendChoice): Promise<void>;

  projects(): Promise<readonly ProjectSummary[]>;
  createProject(name: string): Promise<ProjectSummary>;
  /** The bundled handbook with its shipped vectors; opens the existing one if it is there. */
  openSample(): Promise<ProjectSummary>;
  project(projectId: string): Promise<ProjectView>;
  renameProject(projectId: string, name: string): Promise<void>;
  removeProject(projectId: string): Promise<void>;
  exportProject(projectId: string): Promise<ExportedFile>;
  importProject(file: File): Promise<ProjectSummary>;

  addFiles(projectId: string, files: readonly File[], role?: DatasetRole): Promise<ImportReport>;
  removeSource(projectId: string, sourceId: string): Promise<void>;
  previewChunks(projectId: string, settings: ChunkSettings): Promise<ChunkPreview>;
  applyChunks(projectId: string, settings: ChunkSettings): Promise<ProjectView>;
  questions(projectId: string): Promise<readonly QuestionView[]>;
  reviewQuestion(projectId: string, questionId: string, change: QuestionChange): Promise<void>;
  /** Job: writes questions by rules or, on the connected page, by an endpoint the person named. */
  generate(projectId: string, options: GenerateOptions): Promise<string>;
  splitByDocument(projectId: string, testShare: number, seed: number): Promise<ProjectView>;
  dataset(projectId: string, split: "train" | "test"): Promise<Dataset>;
  exportDataset(projectId: string, split: "train" | "test"): Promise<ExportedFile>;
  importVectors(projectId: string, split: "train" | "test", part: VectorPart, file: File): Promise<void>;

  encoders(): Promise<readonly EncoderView[]>;
  chooseEncoder(projectId: string, encoderId: string): Promise<void>;
  addEncoderFolder(files: readonly File[]): Promise<EncoderView>;
  /** Connected page only: an OpenAI-compatible `/v1/embeddings`. The key stays in memory and goes with the page. */
  addEncoderEndpoint(request: EndpointRequest): Promise<EncoderView>;
  /** Connected page only: what a model of the hub consists of and weighs, before anything of it is fetched. */
  lookUpHubModel(id: string): Promise<HubModel>;
  addHubModel(id: string, control?: RunControl): Promise<EncoderView>;
  /** Job: embeds what is not in the cache yet. */
  embed(projectId: string): Promise<string>;

  plan(projectId: string, settings: AdapterSettings): Promise<RunPlan>;
  /** Job: embeds what is missing, trains, evaluates, stores. Returns the run's id. */
  startRun(projectId: string, settings: AdapterSettings): Promise<string>;
  pause(runId: string): Promise<void>;
  resume(runId: string): Promise<void>;
  stopAndKeep(runId: string): Promise<void>;
  discard(runId: string): Promise<void>;
  runs(projectId: string): Promise<readonly RunSummary[]>;
  run(runId: string): Promise<RunView>;
  report(runId: string): Promise<EvaluationReport>;
  jobFile(runId: string): Promise<string>; // JSON for `npm run retune -- run`

  search(projectId: string, request: SearchRequest): Promise<SearchAnswer>;
  exportRun(runId: string, format: RunExportFormat): Promise<ExportedFile>;
  importAdapter(projectId: string, files: readonly File[]): Promise<RunSummary>;
  cancel(jobId: string): Promise<void>;
  storage(): Promise<StorageView>;
  persistStorage(): Promise<boolean>;
}

export type BackendChoice = "auto" | "webgpu" | "cpu";
export type DatasetRole = "train" | "test" | "split"; // "split": divide by document
export type VectorPart = "queries" | "queriesInstruction" | "corpus";
export type RunExportFormat = "llamaindex" | "safetensors" | "fusion" | "metrics-csv" | "report-json";

export interface EnvironmentView {
  readonly page: "sealed" | "connected";
  readonly seal: "browser" | "policy" | "none"; // Connection-Allowlist header, CSP header, neither
  readonly backend: {
    readonly choice: BackendChoice;
    readonly active: "webgpu" | "cpu";
    readonly label: string;
    readonly reason: string;
  };
  readonly gpu: { readonly available: boolean; readonly software: boolean; readonly name: string };
  readonly isolated: boolean; // cross-origin isolated: wasm threads possible
  readonly threads: number;
  readonly requestsSent: number; // to anything but this origin
  readonly offlineReady: boolean; // the service worker holds the shell
  readonly defaultModel: "ready" | "missing";
  readonly storageWarning?: "private-window" | "lost" | "blocked" | "not-persistent";
}

export interface ProjectSummary {
  readonly id: string;
  readonly name: string;
  readonly sample: boolean;
  readonly createdAt: number; // ms since 1970, for display only
  readonly passages: number;
  readonly questions: number;
  readonly runs: number;
  readonly best?: { readonly runId: string; readonly mrrDelta: number; readonly verdict: Verdict };
}

export interface ProjectView extends ProjectSummary {
  readonly sources: readonly SourceView[];
  readonly chunking: ChunkSettings;
  readonly split: { readonly train: SplitView; readonly test: SplitView };
  readonly encoderId: string;
  readonly vectors: { readonly cached: number; readonly needed: number };
}

export interface SplitView {
  readonly documents: number;
  readonly passages: number;
  readonly questions: number;
}

export interface SourceView {
  readonly id: string;
  readonly name: string;
  readonly format: string; // "LlamaIndex dataset", "Markdown", …
  readonly bytes: number;
  readonly passages: number;
  readonly questions: number;
}

export interface ImportProblem {
  readonly error: WireError;
  readonly severity: "error" | "warning";
}

export interface ImportReport {
  readonly files: readonly {
    readonly name: string;
    readonly format: string;
    readonly accepted: boolean;
    readonly passages: number;
    readonly questions: number;
    readonly problems: readonly ImportProblem[];
  }[];
}

export interface ChunkSettings {
  readonly maxTokens: number; // of one chunk, at most 510 for bge
  readonly overlapTokens: number;
}

export interface ChunkPreview {
  readonly count: number;
  readonly lengths: readonly number[]; // tokens of every chunk
  readonly first: readonly { readonly document: string; readonly heading?: string; readonly text: string }[];
}

export interface QuestionView {
  readonly id: string;
  readonly text: string;
  readonly passageId: string;
  readonly passageText: string;
  readonly document?: string;
  readonly split: "train" | "test";
  readonly state: "accepted" | "rejected";
  readonly made: string; // "imported", "rule: definition", "teacher: llama3", "typed"
  readonly sentence?: string;
  readonly copyRate: number;
}

export type QuestionChange =
  | { readonly kind: "accept" }
  | { readonly kind: "reject" }
  | { readonly kind: "edit"; readonly text: string };

export interface GenerateOptions {
  readonly perPassage: number;
  readonly teacher:
    | { readonly kind: "rules" }
    | { readonly kind: "endpoint"; readonly url: string; readonly model: string; readonly key?: string };
}

export interface EncoderView {
  readonly id: string;
  readonly name: string;
  readonly origin: "site" | "folder" | "hub" | "imported-vectors" | "endpoint";
  readonly available: boolean;
  readonly dimension: number;
  readonly precision: "fp32" | "int8" | "unknown";
  readonly queryInstruction: string;
}

export interface EndpointRequest {
  readonly url: string; // up to "/v1"
  readonly model: string;
  readonly key?: string;
}

/** What the page shows before a run. Seconds are measured on this device or null when nothing was measured yet. */
export interface RunPlan {
  readonly backend: string;
  readonly textsToEmbed: number;
  readonly secondsToEmbed: number | null;
  readonly secondsToTrain: number | null;
  readonly peakBytes: number;
  readonly launchesPerStep: number;
  readonly trainQuestions: number;
  readonly testQuestions: number;
  readonly warnings: readonly string[];
}

export type RunState = "running" | "paused" | "interrupted" | "failed" | "finished" | "stopped";

export interface RunSummary {
  readonly id: string;
  readonly projectId: string;
  readonly number: number; // "Run 3"
  readonly state: RunState;
  readonly settings: AdapterSettings;
  readonly imported: boolean;
  readonly startedAt: number; // ms since 1970, for display only
  readonly seconds: number;
  readonly verdict?: Verdict;
  readonly mrrDelta?: number;
}

export interface RunView extends RunSummary {
  readonly stage: RunStage;
  readonly progress: { readonly done: number; readonly total: number; readonly etaSeconds: number | null };
  readonly curve: readonly TrainingStep[]; // thinned to at most 2,000 points
  readonly validation: readonly { readonly step: number; readonly mrr: number }[];
  readonly probes: readonly ProbeView[];
  readonly chosen?: ChosenSettings;
  readonly backend: string;
  readonly bufferBytes: number; // allocated by Retune
  readonly checkpointAge: number | null; // seconds since the last saved one
  readonly ownedElsewhere: boolean; // another tab trains it: read-only here
  readonly error?: WireError;
  readonly notes: readonly string[]; // "GPU was lost at step 40, resumed from 32"
}

export type RunStage = "embedding" | "searching" | "training" | "evaluating" | "done";

export interface ProbeView {
  readonly text: string;
  readonly before: number | null; // rank of the right passage
  readonly now: number | null;
}

export interface SearchRequest {
  readonly text: string;
  readonly view: "dense" | "lexical" | "hybrid";
  readonly runId?: string; // the tuned column; absent: base only
  readonly top: number;
}

export interface SearchHit {
  readonly passageId: string;
  readonly text: string;
  readonly document?: string;
  readonly score: number;
  readonly otherRank: number | null; // its rank in the other column
}

export interface SearchAnswer {
  readonly base: readonly SearchHit[];
  readonly tuned: readonly SearchHit[];
  readonly milliseconds: number;
}

export interface ExportedFile {
  readonly name: string;
  readonly blob: Blob;
  readonly verified: string; // what was read back and compared, in words
}

export interface StorageView {
  readonly usedBytes: number;
  readonly persistent: boolean;
  readonly caches: readonly { readonly name: string; readonly bytes: number }[];
}

export interface JobView {
  readonly id: string;
  readonly kind: "import" | "generate" | "embed" | "train" | "export";
  readonly projectId: string;
  readonly runId?: string;
  readonly state: "running" | "paused" | "failed" | "finished" | "cancelled";
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly etaSeconds: number | null;
  readonly error?: WireError;
}

export type StudioEvent =
  | { readonly kind: "environment"; readonly environment: EnvironmentView }
  | { readonly kind: "projects" } // the list changed
  | { readonly kind: "project"; readonly projectId: string } // its content changed
  | { readonly kind: "job"; readonly job: JobView }
  | { readonly kind: "run"; readonly run: RunView } // at most 4 a second
  | { readonly kind: "storage-problem"; readonly error: WireError };
