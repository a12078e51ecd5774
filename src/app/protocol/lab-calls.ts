import type { LabTaught, SentTeaching } from "../jobs/lab-distil.ts";
import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { BackendChoice } from "../studio.ts";
import type {
  LabAnswers,
  LabEstimate,
  LabExportFormat,
  LabExportOffer,
  LabFileView,
  LabModelView,
  LabPlan,
  LabQuestion,
  LabRecipe,
  LabRowView,
  LabSide,
  LabSystem,
  LabView,
} from "../studio-lab.ts";
import type { KeptAs } from "../encoders/keep-decoder.ts";
import type { ExportedFile } from "../studio-models.ts";
import type { SentFile } from "./sent-files.ts";

// What the lab's worker can be asked, types only. It reads rows, trains, asks and exports: one place holds the model.

type Call<Params, Result> = { readonly params: Params; readonly result: Result };
interface OfLab {
  readonly labId: string;
}
interface OfRun {
  readonly runId: string;
}

export interface LabMethods {
  readonly systems: Call<null, readonly LabSystem[]>;
  readonly split: Call<OfLab, LabView["split"]>;
  readonly readFile: Call<
    OfLab & { readonly side: LabSide; readonly file: SentFile; readonly skipBadRows: boolean },
    LabFileView
  >;
  /** The site's sample of a system, put into an empty project. */
  readonly fillSample: Call<OfLab & { readonly system: LabTaskId }, null>;
  readonly rows: Call<
    OfLab & { readonly side: "train" | "test"; readonly from: number; readonly count: number },
    readonly LabRowView[]
  >;
  readonly estimate: Call<OfLab, LabEstimate>;
  readonly distil: Call<OfLab & { readonly teaching: SentTeaching }, LabTaught>;
  readonly models: Call<null, readonly LabModelView[]>;
  readonly addModel: Call<
    { readonly files: readonly SentFile[]; readonly keptAs?: KeptAs; readonly origin?: "folder" | "hub" },
    LabModelView
  >;
  readonly removeModel: Call<{ readonly id: string }, null>;
  readonly recommended: Call<OfLab & { readonly base?: string }, LabRecipe>;
  readonly plan: Call<OfLab & { readonly recipe: LabRecipe; readonly choice: BackendChoice }, LabPlan>;
  readonly train: Call<OfRun & { readonly choice: BackendChoice; readonly stop: boolean }, LabRunRecord>;
  readonly pause: Call<OfRun, null>;
  readonly stopAndKeep: Call<OfRun, null>;
  readonly ask: Call<
    OfLab & { readonly askId: string; readonly question: LabQuestion; readonly choice: BackendChoice },
    LabAnswers
  >;
  readonly exportProject: Call<OfLab, ExportedFile>;
  readonly importProject: Call<{ readonly file: SentFile }, string>;
  readonly exports: Call<OfRun, readonly LabExportOffer[]>;
  readonly exportRun: Call<OfRun & { readonly format: LabExportFormat }, ExportedFile>;
}

export type LabEvent =
  | { readonly kind: "lab-run"; readonly run: LabRunRecord; readonly checkpointAge: number | null }
  | { readonly kind: "lab-answers"; readonly askId: string; readonly answers: LabAnswers };
