// Tables of texts on their way in and out, in whichever of four containers.
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";
import { isFormula, writeCsv } from "../csv.ts";
import { writeParquet } from "../parquet.ts";
import { readTable } from "../table.ts";
import type { Table, TableCell } from "../table-rows.ts";
import { guessColumns, numberOf, placesOf, type ColumnGuess } from "./columns.ts";
import type { ColumnMapping, Container, DatasetFiles, Writing } from "./dataset-format.ts";
import { firstRows } from "./glimpse.ts";
import { rowError, type RowReport } from "./row-report.ts";

/** A row of a mapped table: texts that are not blank; blank or missing wrong texts are left out. */
export interface MappedRow {
  readonly line: number;
  readonly query: string;
  readonly positive: string;
  readonly negatives: readonly string[];
  readonly score: number | undefined;
}

/**
 * The good rows under a mapping, the guessed one where none is given; bad ones go to the report. E_CSV_COLUMNS where
 * columns are missing or cannot be guessed, beside readTable's errors.
 */
export async function readMappedRows(
  file: string,
  bytes: Uint8Array,
  report: RowReport,
  given: ColumnMapping | undefined,
): Promise<readonly MappedRow[]> {
  const table = await readTable(file, bytes);
  report.include(table.warnings);
  for (const problem of table.problems) report.refuse(file, problem.place.line ?? 1, problem);
  const mapping = given ?? guessColumns(table)?.mapping;
  if (!mapping) throw unknownColumns(file, table);
  noteUnused(table, file, mapping, report);
  const places = placesOf(table, file, mapping);
  return table.rows.flatMap(({ line, cells }) => {
    const row = report.row(file, line, (): MappedRow => ({
      line,
      query: textOf(cells[places.query], mapping.query, file, line),
      positive: textOf(cells[places.positive], mapping.positive, file, line),
      negatives: places.negatives.flatMap((place) => wrongTexts(cells[place], file, line)),
      score:
        places.score === undefined ? undefined : scoreOf(cells[places.score], mapping.score!, file, line),
    }));
    return row ? [row] : [];
  });
}

/** The columns of a table by its first lines, and what they may be; undefined for what is no table of texts. */
export async function glimpseTable(
  name: string,
  bytes: Uint8Array,
): Promise<(ColumnGuess & { readonly columns: readonly string[] }) | undefined> {
  const known = GLIMPSES.get(bytes) ?? glimpsed(name, bytes);
  GLIMPSES.set(bytes, known);
  return known;
}

/** Three formats ask about the same bytes. */
const GLIMPSES = new WeakMap<Uint8Array, ReturnType<typeof glimpsed>>();
const HEAD_BYTES = 1_000_000;

async function glimpsed(
  name: string,
  bytes: Uint8Array,
): Promise<(ColumnGuess & { readonly columns: readonly string[] }) | undefined> {
  const isParquet = String.fromCharCode(...bytes.subarray(0, 4)) === "PAR1";
  const start = new TextDecoder().decode(bytes.subarray(0, 1000)).trimStart();
  if (start.startsWith("[") || (start.startsWith("{") && firstRows(bytes).length === 0)) return undefined;
  const cut = isParquet || bytes.length <= HEAD_BYTES ? -1 : bytes.lastIndexOf(10, HEAD_BYTES);
  const head = cut > 0 ? bytes.subarray(0, cut + 1) : bytes;
  const table =
    (await attemptTable(name, head)) ??
    (cut > 0 && !start.startsWith("{") ? await attemptTable(name, bytes) : undefined); // the cut fell into a quoted text
  const guess = table && guessColumns(table);
  return guess && { ...guess, columns: table.columns };
}

function attemptTable(name: string, bytes: Uint8Array): Promise<Table | undefined> {
  return readTable(name, bytes).catch(() => undefined);
}

/** Rows of equal length as a file of the container; numbers only in `numbers`' columns. */
export async function writeTextTable(
  container: Container,
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Promise<Writing> {
  const name = `train.${container}`;
  if (container === "parquet") {
    const cells = (place: number) => rows.map((row) => row[place]!);
    const written = columns.map((column, place) => ({
      name: column,
      kind: typeof rows[0]?.[place] === "number" ? ("number" as const) : ("text" as const),
      cells: cells(place),
    }));
    return { files: new Map([[name, await writeParquet(written)]]), losses: [] };
  }
  const utf8 = (text: string): DatasetFiles => new Map([[name, new TextEncoder().encode(text)]]);
  if (container === "jsonl") {
    const lines = rows.map((row) =>
      JSON.stringify(Object.fromEntries(columns.map((key, place) => [key, row[place]]))),
    );
    return { files: utf8(lines.map((line) => `${line}\n`).join("")), losses: [] };
  }
  const texts = rows.map((row) => row.map(String));
  const separator = container === "tsv" ? "\t" : ",";
  const marked = texts.reduce((sum, row) => sum + row.filter(isFormula).length, 0);
  const what = `${marked} texts begin like a spreadsheet formula and got a leading '; Retune takes it off again, other readers do not (JSON Lines and Parquet need none)`;
  const text = writeCsv(columns, texts, { formulas: "marked", separator });
  return { files: utf8(text), losses: marked > 0 ? [`${what}.`] : [] };
}

function noteUnused(table: Table, file: string, mapping: ColumnMapping, report: RowReport): void {
  const used = [mapping.query, mapping.positive, mapping.score, ...(mapping.negatives ?? [])];
  const unused = table.columns.filter((column) => !used.includes(column));
  if (unused.length === 0) return;
  const what = `columns that are not used: ${unused.slice(0, 8).join(", ")}`;
  report.warn("extra-key", file, undefined, what, unused.length);
}

function unknownColumns(file: string, { columns }: Table): RetuneError {
  const what = `which columns are question and right text cannot be told from ${columns.slice(0, 8).join(", ")}; name them`;
  return new RetuneError("E_CSV_COLUMNS", opening(file) + what, placeIn(file, { line: 1 }));
}

function textOf(cell: TableCell | undefined, column: string, file: string, line: number): string {
  if (cell === undefined || cell === null || (typeof cell === "string" && cell.trim() === ""))
    throw rowError("E_EMPTY", file, line, `"${column}" is blank; remove the row`);
  if (typeof cell === "string") return cell;
  throw rowError("E_FIELD", file, line, `"${column}" must be a text`);
}

function wrongTexts(cell: TableCell | undefined, file: string, line: number): readonly string[] {
  if (cell === undefined || cell === null) return [];
  const cells: readonly TableCell[] = Array.isArray(cell) ? (cell as readonly TableCell[]) : [cell];
  return cells.flatMap((item) => {
    if (typeof item !== "string") throw rowError("E_FIELD", file, line, "a wrong text must be a text");
    return item.trim() === "" ? [] : [item];
  });
}

function scoreOf(cell: TableCell | undefined, column: string, file: string, line: number): number {
  const score = numberOf(cell);
  if (score !== undefined) return score;
  const shown = typeof cell === "string" ? JSON.stringify(cell.slice(0, 40)) : "missing or no single value";
  throw rowError("E_NUMBER", file, line, `"${column}" must be a number, it is ${shown}`);
}
