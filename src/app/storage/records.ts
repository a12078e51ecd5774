import type { Passage, Query } from "../../domain/data/dataset.ts";
import type { EvaluationReport, Verdict } from "../../domain/eval/report.ts";
import type { RerankPair } from "../../domain/data/rerank-dataset.ts";
import type { RouterDataset } from "../../domain/data/router-dataset.ts";
import type { ChosenSettings, TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { WireError } from "../../engine/errors.ts";
import type { TextBlock } from "../../domain/text/structure.ts";
import type { ChunkSettings, DatasetRole } from "../studio-data.ts";
import type {
  ProbeView,
  Recipe,
  RunResults,
  RunStage,
  RunState,
  RungName,
  StrengthView,
} from "../studio-training.ts";

// What the database holds. Records are plain data (structured clone); ids are random UUIDs, order is by `sequence`,
// never by a clock.

export interface SettingRecord {
  readonly key: string;
  readonly value: unknown;
}

export interface ProjectRecord {
  readonly id: string;
  readonly sequence: number;
  readonly name: string;
  readonly sample: boolean;
  readonly createdAt: number;
  readonly chunking: ChunkSettings;
  readonly encoderId: string;
  readonly split: { readonly testShare: number; readonly seed: number };
  readonly nextRun: number;
}

/** One imported file. A text source keeps its blocks, so that it can be cut again with other chunk settings. */
export interface SourceRecord {
  readonly id: string;
  readonly projectId: string;
  readonly sequence: number;
  readonly name: string;
  readonly format: string;
  readonly bytes: number;
  readonly role: DatasetRole;
  readonly passages: number;
  readonly questions: number;
  readonly blocks?: readonly TextBlock[]; // of a text document
  readonly hash: string; // SHA-256 of the file
}

export interface StoredQuestion extends Query {
  readonly state: "accepted" | "rejected";
}

/** Rows of one source in blocks, so that 10⁵ passages are some hundred records. */
export interface PassageBlock {
  readonly projectId: string;
  readonly sourceId: string;
  readonly block: number;
  readonly rows: readonly Passage[];
}

export interface QuestionBlock {
  readonly projectId: string;
  readonly sourceId: string;
  readonly block: number;
  readonly rows: readonly StoredQuestion[];
}

/** Which texts a block of vectors holds: SHA-256 of each text, 32 bytes a row. */
export interface VectorKeys {
  readonly block: string;
  readonly space: string; // encoder hash and instruction
  readonly dimension: number;
  readonly hashes: Uint8Array<ArrayBuffer>;
}

export interface VectorBlock {
  readonly block: string;
  readonly values: Float32Array<ArrayBuffer>; // [rows, dimension]
}

export interface RunRecord {
  readonly id: string;
  readonly projectId: string;
  readonly number: number;
  readonly state: RunState;
  readonly stage: RunStage;
  readonly recipe: Recipe;
  readonly encoderId: string;
  readonly imported: boolean;
  readonly startedAt: number;
  readonly seconds: number; // training time so far, by a monotonic clock
  readonly progress: { readonly done: number; readonly total: number };
  readonly curve: readonly TrainingStep[];
  readonly losses: readonly number[]; // of the kept run, one a step
  readonly validation: readonly { readonly step: number; readonly mrr: number }[];
  readonly probes: readonly ProbeView[];
  readonly chosen?: ChosenSettings;
  readonly backend: string;
  readonly build: string; // kernel build
  readonly bufferBytes: number;
  readonly dataHash: string; // of both splits as trained and judged
  readonly error?: WireError;
  readonly notes: readonly string[];
  readonly verdict?: Verdict;
  readonly mrrDelta?: number;
  readonly accuracyDelta?: number; // of a router
  readonly tokensPerSecond?: number | null;
  readonly strengths?: readonly StrengthView[];
  readonly rung?: RungName; // the ladder started it: trained without the ladder's held-out questions
}

/** How a run was judged; records of retrieval runs hold `report` alone. */
export interface ReportRecord {
  readonly runId: string;
  readonly report?: EvaluationReport;
  readonly results?: RunResults;
}

/** A project's choices and example questions. */
export interface RouterRecord {
  readonly projectId: string;
  readonly dataset: RouterDataset;
  readonly split: { readonly testShare: number; readonly seed: number };
}

/** {query, context, score} rows of a project. */
export interface PairsRecord {
  readonly projectId: string;
  readonly name: string; // of the file
  readonly format: string;
  readonly rows: readonly RerankPair[];
  readonly warnings: readonly string[];
}

/** What the ladder knows of a rung: reciprocal ranks of the held-out questions inside the hybrid search. */
export interface RungRecord {
  readonly key: string; // `${projectId} ${rung}`
  readonly projectId: string;
  readonly rung: RungName | "base";
  readonly dataHash: string; // of the data it was judged on: other data make it void
  readonly encoderId: string;
  readonly runId?: string;
  readonly reciprocalRanks: readonly number[];
  readonly groups: readonly string[];
}

/** What was found out about a project's data: triage, leaks, a learning curve, a map. Void once the data changed. */
export interface FindingRecord {
  readonly key: string; // `${projectId} ${kind}`, or `${projectId} ${kind} ${runId}` for a run's
  readonly projectId: string;
  readonly kind: string;
  readonly runId?: string;
  readonly dataHash: string; // of the data it was found on
  readonly value: unknown;
}

/** A model with weights that is kept here: files in the model store, or the result of a run. */
export interface ModelRecord {
  readonly id: string;
  readonly name: string;
  readonly kind: "encoder" | "cross-encoder";
  readonly origin: "site" | "folder" | "hub" | "trained";
  readonly runId?: string;
  readonly parameters: number | null;
  readonly layers: number | null;
  readonly hidden: number | null;
  readonly bytes: number | null;
  readonly obstacle: string | null;
}

export interface ManifestTensor {
  readonly name: string;
  readonly dtype: "f32" | "u32";
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly chunks: readonly string[]; // SHA-256 of each 4 MB part, in order
}

/** The commit point of a checkpoint. `self` is the SHA-256 over all other fields. */
export interface ManifestRecord {
  readonly runId: string;
  readonly sequence: number;
  readonly previous: number | null;
  readonly version: 1;
  readonly config: string; // hash of what the run was started with
  readonly device: string; // backend and kernel build: bits are promised on the same one only
  readonly state: string; // JSON: cursor, generators, guards
  readonly tensors: readonly ManifestTensor[];
  readonly self: string;
}

export interface ChunkRecord {
  readonly runId: string;
  readonly sequence: number;
  readonly tensor: string;
  readonly part: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An encoder the person added: a folder's and a hub model's files lie in the model store, an endpoint has none. */
export interface EncoderRecord {
  readonly id: string;
  readonly name: string;
  readonly origin: "folder" | "hub" | "trained" | "imported-vectors" | "endpoint";
  readonly dimension: number;
  readonly precision: "fp32" | "int8" | "unknown";
  readonly queryInstruction: string;
  readonly hash: string;
  readonly url?: string;
  readonly projectId?: string; // imported vectors belong to one project
  readonly runId?: string; // of what was trained here
  readonly own?: boolean; // safetensors weights: our own encoder runs it
}
