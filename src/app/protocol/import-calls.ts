import type { Container, DatasetFormatId } from "../../domain/formats/datasets/dataset-format.ts";
import type { ImportReport } from "../studio-data.ts";
import type { DatasetTarget, FoundFile, ImportChoices } from "../studio-import.ts";
import type { SentBytes, SentFile } from "./sent-files.ts";

/** Imports and exports of datasets, in the data worker. */
export interface ImportMethods {
  /** Some of many files, kept under the name of their drop: handing over thousands at once would hold up the page. */
  readonly handOver: {
    readonly params: { readonly drop: string; readonly files: readonly SentFile[] };
    readonly result: null;
  };
  readonly lookAtFiles: {
    readonly params: { readonly drop: string };
    readonly result: readonly FoundFile[];
  };
  readonly addFiles: {
    readonly params: {
      readonly projectId: string;
      readonly drop: string; // forgotten afterwards
      readonly choices: ImportChoices;
    };
    readonly result: ImportReport;
  };
  readonly datasetTargets: { readonly params: null; readonly result: readonly DatasetTarget[] };
  readonly exportDatasetAs: {
    readonly params: {
      readonly projectId: string;
      readonly split: "train" | "test";
      readonly format: DatasetFormatId;
      readonly container?: Container;
    };
    readonly result: { readonly file: SentBytes; readonly losses: readonly string[] };
  };
}

/** The lock that a worker holds while it imports into a project. */
export function importLock(projectId: string): string {
  return `retune-import-${projectId}`;
}
