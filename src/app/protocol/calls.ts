import type { Dataset } from "../../domain/data/dataset.ts";
import type { WireError } from "../../engine/errors.ts";
import type { EncoderIdentity } from "../../domain/ports.ts";
import type { Precision } from "../encoders/encoder-hash.ts";
import type { RunRecord } from "../storage/records.ts";
import type { BackendChoice, EnvironmentView } from "../studio.ts";
import type {
  ChunkPreview,
  ChunkSettings,
  GenerateOptions,
  PairsReport,
  ProjectView,
  QuestionView,
  SourceView,
  VectorPart,
} from "../studio-data.ts";
import type { ExportedFile, ExportOffer, ExportOptions, ProjectWeight } from "../studio-models.ts";
import type { RunExportFormat } from "../studio-models.ts";
import type { SearchAnswer, SearchRequest } from "../studio-playground.ts";
import type { RouteAnswer, RouteRequest, RouterImportReport } from "../studio-routers.ts";
import type { LossNeeds, Recipe, RunPlan, Task } from "../studio-training.ts";
import type { GateMethods } from "./gate-calls.ts";
import type { TeacherMethods } from "./teacher-calls.ts";
import type { ImportMethods } from "./import-calls.ts";
import type { LabEvent } from "./lab-calls.ts";
import type { MapMethods } from "./map-calls.ts";
import type { MiningMethods } from "./mining-calls.ts";
import type { VerdictDataMethods, VerdictTrainMethods } from "./verdict-calls.ts";
import type { SentBytes, SentFile } from "./sent-files.ts";

// What each worker can be asked, types only. Every worker opens the database itself: rows, vectors and weights do
// not cross threads.

export type { SentBytes, SentFile };

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

export interface DataMethods
  extends GateMethods, MapMethods, MiningMethods, VerdictDataMethods, ImportMethods {
  readonly facts: Call<OfProject, ProjectFacts>;
  readonly previewChunks: Call<OfProject & { readonly settings: ChunkSettings }, ChunkPreview>;
  readonly applyChunks: Call<OfProject & { readonly settings: ChunkSettings }, null>;
  readonly questions: Call<OfProject, readonly QuestionView[]>;
  readonly generate: Call<OfProject & { readonly options: GenerateOptions }, number>;
  readonly generateRouted: Call<OfProject & { readonly options: GenerateOptions }, number>;
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
  readonly weighProject: Call<OfProject, ProjectWeight>;
  readonly exportProject: Call<OfProject & { readonly models: boolean }, ExportedFile>;
  readonly importProject: Call<{ readonly file: SentFile }, string>;
  readonly exports: Call<{ readonly runId: string }, readonly ExportOffer[]>;
  readonly exportRun: Call<
    { readonly runId: string; readonly format: RunExportFormat; readonly options: ExportOptions },
    SentBytes
  >;
  readonly importPairs: Call<OfProject & { readonly file: SentFile }, PairsReport>;
  readonly importRouter: Call<OfProject & { readonly files: readonly SentFile[] }, RouterImportReport>;
  readonly exportRouterData: Call<OfProject, SentBytes>;
  /** Judges a rung that needs no training, from cached vectors. */
  readonly judgeRung: Call<OfProject & { readonly rung: "base" | "instruction" | "fusion" }, null>;
  /** What each loss of each task lacks in the training questions and scored pairs. */
  readonly lossNeeds: Call<OfProject, Readonly<Partial<Record<Task, LossNeeds>>>>;
  readonly importAdapter: Call<OfProject & { readonly files: readonly SentFile[] }, string>;
}

/** A question's vectors, where its view needs them. */
export interface QueryVectors {
  readonly plain?: Float32Array;
  readonly instruction?: Float32Array;
  readonly tuned?: Float32Array; // by the run's own encoder
}

/** Where an encoder is opened from. An endpoint's key is handed over each time and never kept. */
export interface EncoderAddress {
  readonly encoderId: string;
  readonly key?: string;
}

export interface EmbedMethods extends TeacherMethods {
  /** "search": passages and questions of both sides; "router": its questions and descriptions; "general": the bundled set. */
  readonly embed: Call<
    OfProject &
      EncoderAddress & { readonly instruction: string; readonly texts?: "search" | "router" | "general" },
    number
  >;
  readonly encode: Call<
    EncoderAddress & { readonly instruction: string; readonly texts: readonly string[] },
    Float32Array
  >;
  /** Logits of a re-ranker run for one question with many passages. */
  readonly rerank: Call<
    { readonly runId: string; readonly text: string; readonly passages: readonly string[] },
    Float32Array
  >;
  readonly route: Call<OfProject & { readonly request: RouteRequest }, RouteAnswer>;
  /** Opens a folder's ONNX model once, to learn what it is. */
  readonly inspect: Call<
    { readonly files: readonly SentFile[]; readonly name: string; readonly precision: Precision },
    EncoderIdentity
  >;
  /** Reads a folder's weights: what training starts from, and what our own encoder runs. */
  readonly inspectWeights: Call<{ readonly files: readonly SentFile[]; readonly name: string }, WeightFacts>;
}

/** What is known of a model whose weights were read. */
export interface WeightFacts {
  readonly kind: "encoder" | "cross-encoder";
  readonly identity: EncoderIdentity; // of its vectors by our own encoder; of a cross-encoder: name and hash
  readonly parameters: number;
  readonly layers: number;
  readonly hidden: number;
}

export interface TrainMethods extends VerdictTrainMethods {
  readonly probe: Call<{ readonly choice: BackendChoice }, BackendFacts>;
  readonly plan: Call<
    OfProject & { readonly recipe: Recipe; readonly choice: BackendChoice },
    Omit<RunPlan, "textsToEmbed">
  >;
  /** Resolves when the run ends, pauses or fails; progress comes as events. */
  readonly train: Call<
    { readonly runId: string; readonly choice: BackendChoice; readonly stop: boolean },
    RunRecord
  >;
  /** Judges the mixture of base and tuned weights on the test questions and adds it to the run. */
  readonly judgeStrength: Call<
    { readonly runId: string; readonly strength: number; readonly choice: BackendChoice },
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
  | LabEvent
  | ({ readonly kind: "run" } & RunEvent)
  | { readonly kind: "request"; readonly url: string } // one went to another origin
  | { readonly kind: "storage-problem"; readonly error: WireError };
