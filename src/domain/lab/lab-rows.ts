// Rows of the lab's files, whatever their container: JSON Lines, one JSON list of objects, or CSV (a cell is a text; an empty
// one counts as missing). Bad rows are notes with their line, or the first one is the error.
import type { JsonNode } from "../formats/json.ts";
import { JsonRow, readJsonRows } from "../formats/datasets/json-rows.ts";
import { RowReport, rowError } from "../formats/datasets/row-report.ts";
import { readSeparated } from "../formats/separated.ts";
import { decodeText } from "../text/decode.ts";
import type { LabExample, LabNote, LabRead } from "./lab-task.ts";

export interface LabReadOptions {
  readonly skipBadRows?: boolean;
}

/** Says something about a row that is taken all the same. */
export type NoteOfRow = (row: JsonRow, reason: string) => void;

/**
 * The examples that `read` makes of rows; a row of which it makes none (undefined) is one that says something about the others.
 * `known` are the keys that mean something; others are noted. Errors: those of decodeText, parseJson and readSeparated; what
 * `read` throws; E_DUPLICATE for an id twice; E_EMPTY where no row is an example.
 */
export function readLabRows<Example extends LabExample>(
  file: string,
  bytes: Uint8Array,
  known: readonly string[],
  read: (row: JsonRow, note: NoteOfRow) => Example | undefined,
  options?: LabReadOptions,
): LabRead<Example> {
  return examplesOf(file, (report) => labRows(file, bytes, report, known), read, options);
}

/** The same of rows that come from elsewhere. */
export function examplesOf<Example extends LabExample>(
  file: string,
  rows: (report: RowReport) => Iterable<JsonRow>,
  read: (row: JsonRow, note: NoteOfRow) => Example | undefined,
  { skipBadRows = false }: LabReadOptions = {},
): LabRead<Example> {
  const report = new RowReport(skipBadRows);
  const [examples, notes, ids] = [[] as Example[], [] as LabNote[], new Set<string>()];
  const note: NoteOfRow = ({ line }, reason) => notes.push({ line, reason, skipped: false });
  for (const row of rows(report)) {
    const example = report.row(file, row.line, () => unique(read(row, note), row, ids));
    if (example) examples.push(example);
  }
  if (examples.length === 0) throw report.nothingRead(file, "no row to learn from or to ask about in it");
  notes.push(...report.badRows.map(({ line, reason }) => ({ line, reason, skipped: true })));
  for (const { message, count, place } of report.warnings) {
    notes.push({ line: place?.line ?? 1, reason: `${message} (${count})`, skipped: false });
  }
  return { examples, notes: notes.sort((a, b) => a.line - b.line) };
}

/** The first of several names of one thing under which a row has a value that is not blank. */
export function keyOf(row: JsonRow, names: readonly string[]): string | undefined {
  return names.find((name) => {
    const node = row.entries.get(name);
    return (
      node !== undefined && node.kind !== "null" && !(node.kind === "string" && node.value.trim() === "")
    );
  });
}

/** A text under one of several names; E_FIELD naming the first where there is none. */
export function textOf(row: JsonRow, names: readonly string[]): string {
  return row.text(keyOf(row, names) ?? names[0]!);
}

export function optionalText(row: JsonRow, names: readonly string[]): string | undefined {
  const key = keyOf(row, names);
  return key === undefined ? undefined : row.text(key);
}

/** A text that may be empty, and then says "nothing" instead of "not given". */
export function textOrEmpty(row: JsonRow, name: string): string | undefined {
  return row.has(name) ? row.string(name) : undefined;
}

/** A row's own id, else its line. */
export function idOf(row: JsonRow): string {
  return row.id("id") ?? String(row.line);
}

function unique<Example extends LabExample>(
  example: Example | undefined,
  row: JsonRow,
  ids: Set<string>,
): Example | undefined {
  if (example === undefined) return undefined;
  if (ids.has(example.id))
    throw row.error(
      "E_DUPLICATE",
      `the id ${JSON.stringify(example.id)} stands above already; ids are unique`,
    );
  ids.add(example.id);
  return example;
}

function labRows(
  file: string,
  bytes: Uint8Array,
  report: RowReport,
  known: readonly string[],
): Iterable<JsonRow> {
  const { text, warnings } = decodeText(bytes, file);
  if (/^\s*[{[]/.test(text)) return readJsonRows(file, bytes, report, known);
  const table = readSeparated(file, text, warnings);
  if (!table.columns.some((column) => known.includes(column))) {
    const columns = table.columns.slice(0, 12).join(", ");
    throw rowError(
      "E_UNKNOWN_FORMAT",
      file,
      1,
      `no column is known here: ${columns}; wanted are ${known.join(", ")}`,
    );
  }
  report.include(table.warnings);
  for (const problem of table.problems) report.refuse(file, problem.place.line ?? 1, problem);
  return table.rows.map(({ line, cells }) => {
    const entries = table.columns.flatMap((column, place): [string, JsonNode][] => {
      const cell = cells[place];
      return typeof cell === "string" && cell !== ""
        ? [[column, { kind: "string", at: 0, value: cell }]]
        : [];
    });
    return new JsonRow(new Map(entries), file, line);
  });
}
