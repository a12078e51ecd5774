import type { Passage, Query } from "../../domain/data/dataset.ts";
import type { EvaluationReport, Verdict } from "../../domain/eval/report.ts";
import type { QuestionFlag } from "../../domain/data/gate-flags.ts";
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
  readonly split: {
    readonly testShare: number;
    readonly seed: number;
    readonly together?: readonly (readonly string[])[]; // groups (see groupsOf) that stay on one side
  };
  readonly nextRun: number;
  readonly tally?: ContentTally; // absent in projects from before it was kept: count the files then
  readonly revision?: number; // grows with every change of files, passages or questions
}

/** How much a project holds, so that a list of projects reads no rows. */
export interface ContentTally {
  readonly sources: number;
  readonly passages: number;
  readonly questions: number;
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
  readonly split?: string; // which of the splits that its dataset names; another source of the same file holds the other
  readonly passages: number;
  readonly questions: number;
  readonly blocks?: readonly TextBlock[]; // of a text document; in the database they lie among the texts
  readonly hash: string; // SHA-256 of the file
  readonly rowsIn?: Segment; // absent: under its own id, as before rows were packed
  readonly textIn?: Segment;
  readonly importId?: string; // not there to be seen while that import is open
}

/** Blocks `from` to `to`, both included, of a pack: where rows of a source lie, among those of others. */
export interface Segment {
  readonly pack: string;
  readonly from: number;
  readonly to: number;
}

/** So many rows of a block, in order, belong to this source. */
export interface BlockPart {
  readonly sourceId: string;
  readonly rows: number;
}

/** An import that is not committed: what it wrote is not there to be seen, and goes with it where it is discarded. */
export interface ImportRecord {
  readonly id: string;
  readonly projectId: string;
  readonly names: readonly string[]; // of files or folders as they were dropped, the first ones
  readonly blocks: number; // of whole sources: later ones were cut off and are written anew
  readonly sources: number;
  readonly passages: number;
  readonly questions: number;
  readonly startedAt: number;
}

export interface StoredQuestion extends Query {
  readonly state: "accepted" | "rejected" | "review"; // "review": flagged and not decided; neither trained on nor judged by
  readonly flags?: readonly QuestionFlag[]; // absent: not checked yet
  readonly decided?: true; // by a person: a later check leaves the state alone
}

/**
 * Rows in blocks, so that 10⁵ passages of 10⁵ files are some hundred records. `sourceId` names the pack; without
 * `parts`, as blocks were written before, it is the one source of all rows.
 */
export interface RowBlock<Row> {
  readonly projectId: string;
  readonly sourceId: string;
  readonly block: number;
  readonly rows: readonly Row[];
  readonly parts?: readonly BlockPart[];
}

export type PassageBlock = RowBlock<Passage>;
export type QuestionBlock = RowBlock<StoredQuestion>;

/** The text blocks of a document, so that it can be cut again. */
export interface SourceText {
  readonly sourceId: string;
  readonly blocks: readonly TextBlock[];
}
export type TextsBlock = RowBlock<SourceText>;

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
  readonly accuracy?: number; // of a router
  readonly accuracyDelta?: number;
  readonly tokensPerSecond?: number | null;
  readonly strengths?: readonly StrengthView[];
  readonly testOpenings?: number; // how often the test split had been opened when this run was judged, this included
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
  readonly kind: "encoder" | "cross-encoder" | "instruct";
  readonly origin: "site" | "folder" | "hub" | "trained";
  readonly runId?: string;
  readonly parameters: number | null;
  readonly layers: number | null;
  readonly hidden: number | null;
  readonly bytes: number | null;
  readonly obstacle: string | null;
  readonly paths?: readonly string[]; // of an instruct model's files
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
