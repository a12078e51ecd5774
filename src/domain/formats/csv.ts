import Papa from "papaparse";
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";

/** A table with a header row. */
export interface CsvTable {
  readonly columns: readonly string[]; // as written, trimmed
  readonly rows: readonly CsvRow[];
}

export interface CsvRow {
  readonly line: number; // where the row begins, from 1
  readonly fields: ReadonlyMap<string, string>; // by column; an unnamed column is left out
}

/**
 * CSV as RFC 4180 has it, separated by commas, semicolons or tabs; blank lines are passed over. All or nothing. Errors
 * with the line: E_CSV_QUOTE (a quote that never closes, or text after a closing one), E_CSV_COLUMNS (another number of
 * fields than the header, or a column twice), E_TOO_LARGE, E_EMPTY (no row below the header).
 */
export function readCsv(text: string, file?: string): CsvTable {
  const reader = new CsvReader(text, file);
  return reader.read();
}

class CsvReader {
  private readonly text: string;
  private readonly file: string | undefined;
  private line = 1; // of the row that is read next
  private counted = 0; // offset up to which line breaks were counted
  private columns: readonly string[] | undefined;
  private readonly rows: CsvRow[] = [];

  constructor(text: string, file: string | undefined) {
    this.text = text;
    this.file = file;
  }

  read(): CsvTable {
    Papa.parse<string[]>(this.text, {
      delimitersToGuess: [",", ";", "\t"],
      step: ({ data, errors, meta }) => {
        const fault = errors.find(({ type }) => type === "Quotes");
        if (fault)
          throw this.error("E_CSV_QUOTE", `${fault.message.toLowerCase()}; double a quote inside quotes`);
        this.row(data);
        this.advance(meta.cursor, meta.linebreak);
      },
    });
    if (!this.columns || this.rows.length === 0) throw this.error("E_EMPTY", "no row below a header");
    return { columns: this.columns, rows: this.rows };
  }

  private row(fields: readonly string[]): void {
    if (fields.length === 1 && fields[0]!.trim() === "") return;
    if (!this.columns) {
      this.columns = fields.map((name) => name.trim());
      const named = this.columns.filter((name) => name !== "");
      const twice = named.find((name, index) => named.indexOf(name) !== index);
      if (twice !== undefined)
        throw this.error("E_CSV_COLUMNS", `the column ${JSON.stringify(twice)} stands twice`);
      return;
    }
    if (fields.length !== this.columns.length) {
      throw this.error("E_CSV_COLUMNS", `${fields.length} fields, the header has ${this.columns.length}`);
    }
    if (fields.some((field) => field.length > IMPORT_LIMITS.textCharacters))
      throw this.error("E_TOO_LARGE", "a text of more than a million characters");
    if (this.rows.length >= IMPORT_LIMITS.records)
      throw this.error("E_TOO_LARGE", "more than a million rows");
    const named = this.columns.flatMap((name, index) =>
      name === "" ? [] : [[name, fields[index]!] as const],
    );
    this.rows.push({ line: this.line, fields: new Map(named) });
  }

  private advance(cursor: number, linebreak: string): void {
    const mark = linebreak === "\r" ? "\r" : "\n";
    for (
      let at = this.text.indexOf(mark, this.counted);
      at >= 0 && at < cursor;
      at = this.text.indexOf(mark, at + 1)
    ) {
      this.line++;
      this.counted = at + 1;
    }
  }

  private error(code: ErrorCode, what: string): RetuneError {
    const { line, file } = this;
    return new RetuneError(code, `${opening(file)}line ${line}: ${what}`, placeIn(file, { line }));
  }
}

export interface CsvWriting {
  readonly formulas?: "marked"; // a leading ' before what a spreadsheet would run (OWASP); readTable takes it off again
  readonly separator?: "," | "\t";
}

/** Fields in quotes where they need them, "\n" after every row: Python's csv with lineterminator "\n", as pandas writes. */
export function writeCsv(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  { formulas, separator = "," }: CsvWriting = {},
): string {
  const field = (text: string): string =>
    quotedField(formulas === "marked" && isFormula(text) ? `'${text}` : text, separator);
  return [columns, ...rows].map((row) => `${row.map(field).join(separator)}\n`).join("");
}

/** A field as Python's csv writes it: in quotes where it holds the separator, a quote or a line end. */
export function quotedField(text: string, separator: "," | "\t"): string {
  const needed = separator === "," ? /[",\r\n]/ : /["\t\r\n]/;
  return needed.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a spreadsheet would take for a formula, or for one that is marked; a plain number is none. */
export function isFormula(text: string): boolean {
  return /^'?[=+\-@\t\r]/.test(text) && !/^[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text);
}
