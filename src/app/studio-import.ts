import type { Container, DatasetFormatId } from "../domain/formats/datasets/dataset-format.ts";
import type { TextFormat } from "../domain/text/documents.ts";
import type { WireError } from "../engine/errors.ts";
import type { DatasetRole, ImportReport } from "./studio-data.ts";
import type { ExportedFile } from "./studio-models.ts";

// Getting files in and datasets out, as the page sees it.

/** What one file, or the files of one dataset, are read as. "passages": the rows of a table, each a passage. */
export type ReadAs = TextFormat | DatasetFormatId | "passages";

export const COLUMN_ROLES = ["question", "passage", "negative", "score", "id", "document", "ignore"] as const;
export type ColumnRole = (typeof COLUMN_ROLES)[number];
export type ColumnRoles = Readonly<Record<string, ColumnRole>>; // by column

/** What was dropped, found by its content: a file, or the files that are one dataset (a BEIR folder). */
export interface FoundFile {
  readonly name: string; // path of the file, or of the folder of a dataset
  readonly bytes: number;
  readonly readAs: ReadAs | null; // null: not looked into; a document of whatever format it turns out to be
  readonly offers: readonly ReadAs[]; // what it could be read as instead, likeliest first
  readonly table?: TablePreview;
  readonly ambiguous?: string; // why a person should look at the columns, one sentence
  readonly problem?: WireError;
}

export interface TablePreview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[]; // the first ones, long cells cut
  readonly roles: ColumnRoles; // guessed
}

export interface FileChoice {
  readonly readAs?: ReadAs | "nothing"; // "nothing": leave it out
  readonly roles?: ColumnRoles;
  readonly skipBadRows?: boolean;
}

export interface ImportChoices {
  readonly role?: DatasetRole;
  readonly files?: Readonly<Record<string, FileChoice>>; // by FoundFile.name
  readonly replace?: readonly string[]; // sources of an earlier import of these files, which go when this one comes
}

/** An import that did not end: what it read is kept, and counts for nothing until it is brought to its end. */
export interface UnfinishedImport {
  readonly names: readonly string[]; // of files or folders that were dropped, the first ones
  readonly sources: number; // files read so far
  readonly passages: number;
}

export interface DatasetTarget {
  readonly format: DatasetFormatId;
  readonly label: string;
  readonly containers: readonly Container[]; // empty: the format has its own
}

export interface DatasetExport {
  readonly file: ExportedFile;
  readonly losses: readonly string[]; // what the format cannot hold, a sentence each
}

export interface ImportStudio {
  /** Looks at the start of tables and datasets; documents are not opened. */
  look(files: readonly File[]): Promise<readonly FoundFile[]>;
  /**
   * Job: all of it is in the project afterwards or nothing, but for files that cannot be read, which the report names.
   * `report.waiting`: some have bad rows, and nothing is in the project yet; call again with the person's choice.
   */
  start(projectId: string, files: readonly File[], choices?: ImportChoices): Promise<ImportReport>;
  unfinished(projectId: string): Promise<UnfinishedImport | null>;
  discard(projectId: string): Promise<void>;
  targets(): Promise<readonly DatasetTarget[]>;
  /** Written in the worker, read back and compared; what is lost is said before it is saved. */
  exportDataset(
    projectId: string,
    split: "train" | "test",
    target: { readonly format: DatasetFormatId; readonly container?: Container },
  ): Promise<DatasetExport>;
}
