import type { MinedFormat } from "../domain/data/mining/mined-rows.ts";
import type { MiningReport } from "../domain/data/mining/mining-report.ts";
import type { MiningSettings } from "../domain/data/mining/settings.ts";
import type { CohereMethod } from "../domain/data/mining/cohere-rows.ts";
import type { ExportedFile } from "./studio-models.ts";

// Wrong passages of the training questions, as the page sees them: proposed by mining, decided on by a person.

export type MiningSearch = "hybrid" | "dense" | "bm25";

export interface MiningRequest {
  readonly search: MiningSearch;
  readonly settings: MiningSettings;
  readonly crossEncoder?: string; // a model's id: its scores are what thresholds are compared with
}

export type NegativeState = "proposed" | "accepted" | "rejected";

export interface NegativeCandidate {
  readonly passageId: string;
  readonly kind: "mined" | "random" | "given"; // "given": it came with the data
  readonly rank: number | null; // from 1, of mined ones
  readonly score: number | null; // null where mining did not score it
  readonly state: NegativeState;
}

export interface MinedQuestionView {
  readonly questionId: string;
  readonly text: string;
  readonly positives: readonly { readonly passageId: string; readonly score: number | null }[];
  readonly candidates: readonly NegativeCandidate[];
}

export interface MiningView {
  /** The last mining; `outdated` where questions or passages have changed since. */
  readonly mined: {
    readonly request: MiningRequest;
    readonly report: MiningReport;
    readonly outdated: boolean;
  } | null;
  readonly questions: readonly MinedQuestionView[]; // of the training side, in its order
}

export interface NegativeDecision {
  readonly questionId: string;
  readonly passageId: string;
  readonly state: NegativeState;
}

/** Training rows, or the file that headless jobs take as "negatives". */
export type NegativesFormat = MinedFormat | "job";

export interface CohereOptions {
  readonly method: CohereMethod;
  readonly negatives: number;
  readonly mode: "recommended" | "compatible";
  readonly seed: number;
}

export interface MiningStudio {
  /** Job: embeds what the search needs, mines and keeps the proposals until the next mining. */
  mine(projectId: string, request: MiningRequest): Promise<string>;
  view(projectId: string): Promise<MiningView>;
  /** Texts of passages, in the order of the ids; "" for one that is gone. */
  texts(projectId: string, passageIds: readonly string[]): Promise<readonly string[]>;
  /** Accepted ones are kept with their question at once. Answers the decisions that take these back. */
  decide(projectId: string, decisions: readonly NegativeDecision[]): Promise<readonly NegativeDecision[]>;
  /** The accepted ones: training rows, one JSON object a line, or {question id: [passage ids]}. */
  exportRows(projectId: string, format: NegativesFormat): Promise<ExportedFile>;
  /** The training questions as LlamaIndex's file for Cohere's re-ranker. */
  exportCohere(projectId: string, options: CohereOptions): Promise<ExportedFile>;
}
