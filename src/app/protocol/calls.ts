import type { Dataset } from "../../domain/data/dataset.ts";
import type { WireError } from "../../engine/errors.ts";
import type { EncoderIdentity } from "../../domain/ports.ts";
import type { Precision } from "../encoders/encoder-hash.ts";
import type { RunRecord } from "../storage/records.ts";
import type {
  BackendChoice,
  ChunkPreview,
  ChunkSettings,
  DatasetRole,
  EnvironmentView,
  GenerateOptions,
  ImportReport,
  ProjectView,
  QuestionChange,
  QuestionView,
  RunPlan,
  SearchAnswer,
  SearchRequest,
  SourceView,
  VectorPart,
} from "../studio.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";

// What each worker can be asked, types only. Every worker opens the database itself: rows, vectors and weights do
// not cross threads.

/** A file as it crosses to a worker. */
export interface SentFile {
  readonly name: string;
  readonly blob: Blob;
}

export interface SentBytes {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly verified: string;
}

/** What of a project is found in its rows. */
export type ProjectFacts = Pick<ProjectView, "split" | "vectors"> & {
  readonly sources: readonly SourceView[];
  readonly dataHash: string;
};

type Call<Params, Result> = { readonly params: Params; readonly result: Result };
interface OfProject {
  readonly projectId: string;
}
interface OfSplit extends OfProject {
  readonly split: "train" | "test";
}

export interface DataMethods {
  readonly facts: Call<OfProject, ProjectFacts>;
  readonly addFiles: Call<
    OfProject & { readonly files: readonly SentFile[]; readonly role?: DatasetRole },
    ImportReport
  >;
  readonly previewChunks: Call<OfProject & { readonly settings: ChunkSettings }, ChunkPreview>;
  readonly applyChunks: Call<OfProject & { readonly settings: ChunkSettings }, null>;
  readonly questions: Call<OfProject, readonly QuestionView[]>;
  readonly reviewQuestion: Call<
    OfProject & { readonly questionId: string; readonly change: QuestionChange },
    null
  >;
  readonly generate: Call<OfProject & { readonly options: GenerateOptions }, number>;
  readonly dataset: Call<OfSplit, Dataset>;
  readonly exportDataset: Call<OfSplit, SentBytes>;
  readonly importVectors: Call<OfSplit & { readonly part: VectorPart; readonly file: SentFile }, null>;
  readonly fillSample: Call<OfProject, null>;
  readonly queryVector: Call<
    OfProject & { readonly text: string; readonly instruction: string },
    Float32Array | null
  >;
  readonly search: Call<
    OfProject & { readonly request: SearchRequest; readonly vectors: QueryVectors },
    SearchAnswer
  >;
  readonly exportProject: Call<OfProject, SentBytes>;
  readonly importProject: Call<{ readonly file: SentFile }, string>;
  readonly exportRun: Call<{ readonly runId: string; readonly format: string }, SentBytes>;
  readonly importAdapter: Call<OfProject & { readonly files: readonly SentFile[] }, string>;
}

/** A question's vectors, where its view needs them. */
export interface QueryVectors {
  readonly plain?: Float32Array;
  readonly instruction?: Float32Array;
}

/** Where an encoder is opened from. An endpoint's key is handed over each time and never kept. */
export interface EncoderAddress {
  readonly encoderId: string;
  readonly key?: string;
}

export interface EmbedMethods {
  readonly embed: Call<OfProject & EncoderAddress & { readonly instruction: string }, number>;
  readonly encode: Call<
    EncoderAddress & { readonly instruction: string; readonly texts: readonly string[] },
    Float32Array
  >;
  /** Opens a folder's model once, to learn what it is. */
  readonly inspect: Call<
    { readonly files: readonly SentFile[]; readonly name: string; readonly precision: Precision },
    EncoderIdentity
  >;
}

export interface TrainMethods {
  readonly probe: Call<{ readonly choice: BackendChoice }, BackendFacts>;
  readonly plan: Call<
    OfProject & { readonly settings: AdapterSettings; readonly choice: BackendChoice },
    Omit<RunPlan, "textsToEmbed">
  >;
  /** Resolves when the run ends, pauses or fails; progress comes as events. */
  readonly train: Call<
    { readonly runId: string; readonly choice: BackendChoice; readonly stop: boolean },
    RunRecord
  >;
  readonly pause: Call<{ readonly runId: string }, null>;
  readonly stopAndKeep: Call<{ readonly runId: string }, null>;
}

export interface BackendFacts {
  readonly backend: Omit<EnvironmentView["backend"], "choice">;
  readonly gpu: EnvironmentView["gpu"];
  readonly threads: number;
}

/** Every event of a run names it. */
export interface RunEvent {
  readonly runId: string;
  readonly run: RunRecord;
  readonly checkpointAge: number | null;
}

/** What any worker tells besides. */
export type WorkerEvent =
  | ({ readonly kind: "run" } & RunEvent)
  | { readonly kind: "request"; readonly url: string } // one went to another origin
  | { readonly kind: "storage-problem"; readonly error: WireError };
