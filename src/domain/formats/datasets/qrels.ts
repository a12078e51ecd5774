// Judgements of TREC and BEIR: tab-separated query-id, corpus-id, score with a header, or TREC's four fields
// query, iteration, passage, score without one. Fields may stand in double quotes, as Python's csv reads them.
import Papa from "papaparse";
import { decodeText } from "../../text/decode.ts";
import { textLines } from "../../text/lines.ts";
import { rowError, type RowReport } from "./row-report.ts";

const HEADER = /^\s*(?:query|qid|topic)[^\t]*\t.*(?:score|rel|grade|label)[^\t]*$/i;

export interface QrelsRow {
  readonly line: number;
  readonly query: string;
  readonly passage: string;
  readonly score: number; // whole
}

/** The good rows; E_CSV_COLUMNS and E_NUMBER go to the report. Errors of decodeText spoil the file. */
export function* readQrels(
  file: string,
  bytes: Uint8Array,
  report: RowReport,
): Generator<QrelsRow, void, void> {
  const { text, warnings } = decodeText(bytes, file);
  report.include(warnings);
  let first = true;
  for (const { line, fields } of text.includes('"') ? quotedRows(text) : plainRows(text)) {
    if (fields.length === 1 && fields[0]!.trim() === "") continue;
    const isHeader = first && HEADER.test(fields.join("\t"));
    first = false;
    if (isHeader) continue;
    const row = report.row(file, line, () => judgementOf(fields, file, line));
    if (row) yield row;
  }
}

function judgementOf(fields: readonly string[], file: string, line: number): QrelsRow {
  const own = fields.length === 1 ? fields[0]!.trim().split(/\s+/) : fields;
  if (own.length !== 3 && own.length !== 4)
    throw rowError(
      "E_CSV_COLUMNS",
      file,
      line,
      `${own.length} fields; query-id, corpus-id and score are expected`,
    );
  const score = own.at(-1)!.trim();
  if (!isWhole(score))
    throw rowError("E_NUMBER", file, line, `the score ${JSON.stringify(score)} is no whole number`);
  return { line, query: own[0]!, passage: own.at(-2)!, score: Number(score) };
}

function isWhole(text: string): boolean {
  return /^\s*[-+]?\d{1,15}(?:\.0+)?\s*$/.test(text);
}

function* plainRows(text: string): Generator<{ line: number; fields: readonly string[] }> {
  for (const { line, text: own } of textLines(text)) yield { line, fields: own.split("\t") };
}

function* quotedRows(text: string): Generator<{ line: number; fields: readonly string[] }> {
  let line = 1;
  for (const fields of Papa.parse<string[]>(text, { delimiter: "\t" }).data) {
    yield { line, fields };
    line += 1 + fields.reduce((sum, field) => sum + field.split("\n").length - 1, 0);
  }
}
