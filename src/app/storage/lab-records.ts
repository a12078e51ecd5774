import type { TaughtRow } from "../../domain/lab/distil/teach.ts";
import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import type { Verdict } from "../../domain/eval/report.ts";
import type { WireError } from "../../engine/errors.ts";
import type { LabFileView, LabRecipe, LabRecording, LabResults, LabSide, LabStage } from "../studio-lab.ts";
import type { RunState } from "../studio-training.ts";

// What the database holds of the LLM lab. Files are kept as they came: rows are read from them whenever they are needed,
// so nothing of a file is ever lost to a reader.

export interface LabRecord {
  readonly id: string;
  readonly sequence: number;
  readonly name: string;
  readonly system: LabTaskId;
  readonly sample: boolean;
  readonly createdAt: number;
  readonly nextRun: number;
  readonly files: readonly LabFileView[];
  readonly recordings: readonly LabRecording[];
}

export interface LabFileRecord {
  readonly labId: string;
  readonly side: LabSide;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly skipBadRows: boolean;
}

export interface LabRunRecord {
  readonly id: string;
  readonly labId: string;
  readonly number: number;
  readonly state: RunState;
  readonly stage: LabStage;
  readonly recipe: LabRecipe;
  readonly startedAt: number;
  readonly seconds: number; // of work so far, by a monotonic clock
  readonly progress: { readonly done: number; readonly total: number };
  readonly losses: readonly { readonly step: number; readonly loss: number }[];
  readonly looks: readonly { readonly step: number; readonly perplexity: number }[];
  readonly tokensPerSecond: number | null;
  readonly backend: string;
  readonly dataHash: string; // of the files as trained and judged
  readonly notes: readonly string[];
  readonly error?: WireError;
  readonly verdict?: Verdict;
  readonly headline?: { readonly key: string; readonly base: number; readonly tuned: number };
}

export interface LabResultRecord {
  readonly runId: string;
  readonly results: LabResults;
}

/** A teacher's answer, kept the moment it came: a question that was paid for is not asked again. */
export interface LabAnswerRecord extends TaughtRow {
  readonly labId: string;
  readonly teacher: string; // address and model, never a key
}

/** A decoder that was picked as a folder; its files lie in the browser's private file system. */
export interface LabModelRecord {
  readonly id: string;
  readonly name: string;
  readonly origin: "folder" | "hub";
  readonly parameters: number;
  readonly contextTokens: number;
  readonly bytes: number;
  readonly placeholders: boolean;
  readonly paths: readonly string[];
}
