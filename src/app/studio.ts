import type { WireError } from "../engine/errors.ts";
import type { DataStudio } from "./studio-data.ts";
import type { GateStudio } from "./studio-gate.ts";
import type { ImportStudio } from "./studio-import.ts";
import type { LabRunView, LabStudio } from "./studio-lab.ts";
import type { MapStudio } from "./studio-map.ts";
import type { MiningStudio } from "./studio-mining.ts";
import type { ModelStudio } from "./studio-models.ts";
import type { SearchAnswer, SearchRequest } from "./studio-playground.ts";
import type { RouterStudio } from "./studio-routers.ts";
import type { TeacherStudio } from "./studio-teachers.ts";
import type { RunSummary, RunView, TrainingStudio } from "./studio-training.ts";
import type { VerdictStudio } from "./studio-verdicts.ts";

/**
 * The program without a face, as the page sees it. Every method that takes long starts a job and returns its id at
 * once; what happens is told through `subscribe`. Errors reject with RetuneError or arrive as WireError in a view.
 */
export interface Studio extends DataStudio, TrainingStudio, RouterStudio, ModelStudio {
  readonly gate: GateStudio;
  readonly lab: LabStudio;
  readonly imports: ImportStudio;
  readonly maps: MapStudio;
  readonly teachers: TeacherStudio;
  readonly mining: MiningStudio;
  readonly verdicts: VerdictStudio;
  subscribe(listener: (event: StudioEvent) => void): () => void;
  environment(): EnvironmentView;
  /** "auto" lets the probe decide. Takes effect with the next run. */
  chooseBackend(choice: BackendChoice): Promise<void>;
  search(projectId: string, request: SearchRequest): Promise<SearchAnswer>;
  importAdapter(projectId: string, files: readonly File[]): Promise<RunSummary>;
  cancel(jobId: string): Promise<void>;
  storage(): Promise<StorageView>;
  persistStorage(): Promise<boolean>;
}

export type BackendChoice = "auto" | "webgpu" | "cpu";

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

export interface StorageView {
  readonly usedBytes: number;
  readonly persistent: boolean;
  readonly caches: readonly { readonly name: string; readonly bytes: number }[];
}

export type JobKind =
  | "import"
  | "generate"
  | "distil"
  | "check"
  | "mine"
  | "embed"
  | "train"
  | "judge"
  | "triage"
  | "advise"
  | "map"
  | "export";

export interface JobView {
  readonly id: string;
  readonly kind: JobKind;
  readonly projectId: string;
  readonly runId?: string;
  readonly lab?: true; // the project and the run are the lab's
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
  | { readonly kind: "lab"; readonly labId: string } // its rows or runs changed, or it came or went
  | { readonly kind: "lab-run"; readonly run: LabRunView } // at most 4 a second
  | { readonly kind: "storage-problem"; readonly error: WireError };
