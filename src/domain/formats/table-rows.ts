// Rows and columns of a file of others, whatever its format. A bad row does not cost the good ones: it is named with
// its line, and the person decides whether to go on without it.
import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn, type ImportWarning } from "../data/import-report.ts";

export type TableFormat = "csv" | "tsv" | "jsonl" | "parquet";

export type TableCell = string | number | boolean | null | readonly TableCell[] | TableRecord;

/** A nested object, as chats and structs have them; a Map, so that no key of a file reaches a prototype. */
export type TableRecord = ReadonlyMap<string, TableCell>;

export interface TableRow {
  readonly line: number; // from 1: where it begins in a text file, the row's number in Parquet
  readonly cells: readonly (TableCell | undefined)[]; // by column; undefined where the row lacks it
}

export interface Table {
  readonly format: TableFormat;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[]; // the good ones, in file order
  readonly badRows: number;
  readonly problems: readonly RetuneError[]; // of the first 1,000 bad rows, each with its line
  readonly warnings: readonly ImportWarning[];
}

const SHOWN_PROBLEMS = 1000;

/** Gathers the rows of a table and counts those that cannot be read. */
export class TableRows {
  readonly rows: TableRow[] = [];
  readonly problems: RetuneError[] = [];
  badRows = 0;
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  add(row: TableRow): void {
    if (this.rows.length + this.badRows >= IMPORT_LIMITS.records) {
      const message = `${opening(this.file)}line ${row.line}: more than a million rows; split the file`;
      throw new RetuneError("E_TOO_LARGE", message, placeIn(this.file, { line: row.line }));
    }
    this.rows.push(row);
  }

  /** What `read` gives; where it refuses, the row is counted as bad. */
  attempt<Read>(read: () => Read): Read | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RetuneError)) throw error;
      this.refuse(error);
      return undefined;
    }
  }

  refuse(problem: RetuneError): void {
    this.badRows++;
    if (this.problems.length < SHOWN_PROBLEMS) this.problems.push(problem);
  }

  /** The table; E_EMPTY where there is no row at all, the first problem where there is none but bad ones. */
  table(format: TableFormat, columns: readonly string[], warnings: readonly ImportWarning[]): Table {
    const { rows, problems, badRows } = this;
    if (rows.length === 0) {
      const what = `${opening(this.file)}no row in it`;
      throw problems[0] ?? new RetuneError("E_EMPTY", what, placeIn(this.file, { line: 1 }));
    }
    return { format, columns, rows, badRows, problems, warnings };
  }
}
