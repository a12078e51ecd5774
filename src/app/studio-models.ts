import type { RunControl } from "../domain/ports.ts";
import type { HubModel } from "./encoders/hub-models.ts";

// Models a run can start from or search with, and what a run is taken away as, as the page sees it.

export interface EncoderView {
  readonly id: string;
  readonly name: string;
  readonly origin: "site" | "folder" | "hub" | "trained" | "imported-vectors" | "endpoint";
  readonly available: boolean;
  readonly dimension: number;
  readonly precision: "fp32" | "int8" | "unknown";
  readonly queryInstruction: string;
}

/** A model with weights: what encoder, lora, cross-encoder and router runs start from. */
export interface ModelView {
  readonly id: string; // an encoder's is its EncoderView.id
  readonly name: string;
  readonly kind: "encoder" | "cross-encoder";
  readonly origin: "site" | "folder" | "hub" | "trained";
  readonly runId?: string; // of what was trained here
  readonly parameters: number | null; // null before the model was opened for the first time
  readonly layers: number | null;
  readonly hidden: number | null;
  readonly bytes: number | null; // kept in this browser
  readonly obstacle: string | null; // why it cannot be trained: "int8 weights", "no BERT"
}

export interface EndpointRequest {
  readonly url: string; // up to "/v1"
  readonly model: string;
  readonly key?: string;
}

/**
 * Adapters: "llamaindex", "safetensors", "query-router" (a sentence-transformers folder whose query side has the
 * adapter). Encoders: "sentence-transformers", "peft" (LoRA only), the three ONNX. Re-rankers: "cross-encoder", the
 * ONNX. Routers: "router". "cluster": data, config and script for many GPUs. The rest: figures of any run.
 */
export type RunExportFormat =
  | "llamaindex"
  | "safetensors"
  | "query-router"
  | "sentence-transformers"
  | "peft"
  | "onnx"
  | "onnx-fp16"
  | "onnx-int8"
  | "cross-encoder"
  | "router"
  | "cluster"
  | "fusion"
  | "metrics-csv"
  | "report-json";

/** A way to take a run away, with about how large it gets. */
export interface ExportOffer {
  readonly format: RunExportFormat;
  readonly bytes: number | null; // about; null where it is not known before
  readonly strength: boolean; // takes ExportOptions.strength
  readonly obstacle: string | null; // why not: "the base was not an ONNX file"
}

export interface ExportOptions {
  /** Between the base's weights (0) and the tuned ones (1, the default). */
  readonly strength?: number;
  /** Pooling and normalisation inside the ONNX graph: one vector a text comes out. Default true. */
  readonly pooled?: boolean;
}

export interface ExportedFile {
  readonly name: string;
  readonly blob: Blob;
  readonly verified: string; // what was read back and compared, in words
}

/** What the trained models of a project weigh in its file; adapters are not counted, they are small. */
export interface ProjectWeight {
  readonly models: number;
  readonly modelBytes: number;
}

/** What the page asks about models. */
export interface ModelStudio {
  encoders(): Promise<readonly EncoderView[]>;
  chooseEncoder(projectId: string, encoderId: string): Promise<void>;
  /** A folder with ONNX or safetensors weights of an encoder. */
  addEncoderFolder(files: readonly File[]): Promise<EncoderView>;
  /** Connected page only: an OpenAI-compatible `/v1/embeddings`. The key stays in memory and goes with the page. */
  addEncoderEndpoint(request: EndpointRequest): Promise<EncoderView>;
  /** Connected page only: what a model of the hub consists of and weighs, before anything of it is fetched. */
  lookUpHubModel(id: string): Promise<HubModel>;
  addHubModel(id: string, control?: RunControl): Promise<EncoderView>;

  /** Everything with weights: the site's model, folders, hub models, what was trained here. */
  models(): Promise<readonly ModelView[]>;
  /** A folder of either kind: an encoder (then it is listed under encoders too) or a cross-encoder. */
  addModelFolder(files: readonly File[]): Promise<ModelView>;
  removeModel(id: string): Promise<void>;

  weighProject(projectId: string): Promise<ProjectWeight>;
  exports(runId: string): Promise<readonly ExportOffer[]>;
  /** Read back and compared before it is handed over. */
  exportRun(runId: string, format: RunExportFormat, options?: ExportOptions): Promise<ExportedFile>;
}
