import type { Dataset } from "../domain/data/dataset.ts";
import type { QuestionFlag } from "../domain/data/gate-flags.ts";
import type { BadRow } from "../domain/formats/datasets/dataset-format.ts";
import type { SplitUse } from "../domain/formats/datasets/sides.ts";
import type { Verdict } from "../domain/eval/report.ts";
import type { WireError } from "../engine/errors.ts";
import type { ExportedFile } from "./studio-models.ts";

// Projects and their data: files, passages, questions, pairs, vectors, as the page sees them.

export type DatasetRole = "train" | "test" | "split"; // "split": divide by document
export type VectorPart = "queries" | "queriesInstruction" | "corpus";

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
  readonly role: DatasetRole;
  readonly split?: string; // of the splits that its dataset names
}

export interface ImportProblem {
  readonly error: WireError;
  readonly severity: "error" | "warning";
}

/** Rows that cannot be read; their file waits for the person's word, or went on without them. */
export interface BadRows {
  readonly count: number;
  readonly shown: readonly BadRow[]; // the first ones
}

/** What became of one file, or of the files that are one dataset. */
export interface FileReport {
  readonly name: string;
  readonly format: string;
  readonly accepted: boolean;
  readonly passages: number;
  readonly questions: number;
  readonly problems: readonly ImportProblem[];
  readonly sourceIds?: readonly string[]; // of an accepted one: one, or one for every split it names
  readonly splits?: readonly SplitUse[]; // what became of the splits that it names
  readonly known?: boolean; // the same file is in the project already: left as it is
  readonly badRows?: BadRows;
  readonly pairs?: number; // scored ones, which take the place of an earlier file's
  readonly copies?: number; // passages whose text stands in this import already
}

export interface ImportReport {
  readonly files: readonly FileReport[]; // refused and waiting ones all, of the others the first 1,000
  readonly total: { readonly files: number; readonly accepted: number; readonly passages: number };
  readonly waiting: boolean; // nothing is in the project yet: some files have bad rows
  readonly resumed: number; // files that an earlier attempt had read
}

export interface ChunkSettings {
  readonly maxTokens: number; // of one chunk, at most 510 for bge
  readonly overlapTokens: number;
}

export interface ChunkPreview {
  readonly count: number;
  readonly lengths: readonly number[]; // tokens of every chunk
  readonly first: readonly {
    readonly document: string;
    readonly heading?: string;
    readonly page?: number; // where it begins, in a PDF
    readonly text: string;
  }[];
}

/** A question as a row of the list; what stands beside it comes with GateStudio.question. */
export interface QuestionView {
  readonly id: string;
  readonly text: string;
  readonly passageId: string;
  readonly document?: string;
  readonly source: string; // file name
  readonly split: "train" | "test";
  readonly state: "accepted" | "rejected" | "review";
  readonly made: string; // "imported", "rule: definition", "teacher: llama3", "typed"
  readonly flags?: readonly QuestionFlag[]; // absent: not checked yet
}

export type QuestionChange =
  | { readonly kind: "accept" }
  | { readonly kind: "reject" }
  | { readonly kind: "edit"; readonly text: string };

export interface GenerateOptions {
  readonly perPassage: number;
  readonly teacher:
    | { readonly kind: "rules" }
    | { readonly kind: "endpoint"; readonly url: string; readonly model: string; readonly key?: string }
    | { readonly kind: "built-in" } // the browser's own model
    | { readonly kind: "local"; readonly modelId: string }; // an instruct model kept here
  readonly template?: string; // the prompt, with {context_str} and {num_questions_per_chunk}; absent: our own
}

/** {query, context, score} rows of a project: what re-rankers learn from besides its questions. */
export interface PairsReport {
  readonly name: string;
  readonly format: string; // "query, context, score CSV"
  readonly queries: number;
  readonly pairs: number;
  readonly scores: "labels" | "teacher"; // a teacher's scores leave 0–1
  readonly warnings: readonly string[];
}

/** What the page asks about projects and their data. */
export interface DataStudio {
  projects(): Promise<readonly ProjectSummary[]>;
  createProject(name: string): Promise<ProjectSummary>;
  /** The bundled handbook with its shipped vectors; opens the existing one if it is there. */
  openSample(): Promise<ProjectSummary>;
  project(projectId: string): Promise<ProjectView>;
  renameProject(projectId: string, name: string): Promise<void>;
  removeProject(projectId: string): Promise<void>;
  exportProject(projectId: string, options?: { readonly models?: boolean }): Promise<ExportedFile>;
  importProject(file: File): Promise<ProjectSummary>;

  addFiles(projectId: string, files: readonly File[], role?: DatasetRole): Promise<ImportReport>;
  removeSource(projectId: string, sourceId: string): Promise<void>;
  previewChunks(projectId: string, settings: ChunkSettings): Promise<ChunkPreview>;
  applyChunks(projectId: string, settings: ChunkSettings): Promise<ProjectView>;
  questions(projectId: string): Promise<readonly QuestionView[]>;
  /** Job: writes questions by rules or, on the connected page, by an endpoint the person named. */
  generate(projectId: string, options: GenerateOptions): Promise<string>;
  splitByDocument(projectId: string, testShare: number, seed: number): Promise<ProjectView>;
  dataset(projectId: string, split: "train" | "test"): Promise<Dataset>;
  exportDataset(projectId: string, split: "train" | "test"): Promise<ExportedFile>;
  importVectors(projectId: string, split: "train" | "test", part: VectorPart, file: File): Promise<void>;
  /** A CSV or JSONL of {query, context, score}; replaces the pairs of an earlier file. */
  importPairs(projectId: string, file: File): Promise<PairsReport>;
  /** The pairs that re-rankers will be trained on besides mined ones, or null. */
  pairs(projectId: string): Promise<PairsReport | null>;
  removePairs(projectId: string): Promise<void>;
  /** Job: embeds what is not in the cache yet. */
  embed(projectId: string): Promise<string>;
}
