// CSV and its relatives as RFC 4180 has them, read row by row.
import Papa from "papaparse";
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn, type ImportWarning } from "../data/import-report.ts";
import { TableRows, type Table } from "./table-rows.ts";

const SEPARATORS = [",", "\t", ";", "|"];
const MOST_COLUMNS = 1000;
const FORMULA_MARK = /^'(?='?[=+\-@\t\r])/; // writeCsv puts it before what a spreadsheet would run

/**
 * A table with a header row, its separator found in its first lines; blank lines are passed over. Rows with another
 * number of fields than the header, or with a text past the limit, are counted as bad. Errors that spoil the whole file:
 * E_CSV_QUOTE (with the line where the quote opened), E_CSV_COLUMNS (a column twice, too many of them), E_TOO_LARGE,
 * E_EMPTY.
 */
export function readSeparated(name: string, text: string, warnings: readonly ImportWarning[] = []): Table {
  return new SeparatedReader(name, text).read(warnings);
}

class SeparatedReader {
  private readonly name: string;
  private readonly text: string;
  private readonly rows: TableRows;
  private columns: readonly string[] | undefined;
  private line = 1; // of the row that is read next
  private counted = 0; // offset up to which line breaks were counted

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    this.rows = new TableRows(name);
  }

  read(warnings: readonly ImportWarning[]): Table {
    const delimiter = separatorOf(this.text);
    Papa.parse<string[]>(this.text, {
      delimiter,
      step: ({ data, errors, meta }) => {
        const fault = errors.find(({ type }) => type === "Quotes");
        if (fault) throw this.quoteError(data, fault.message);
        this.row(data);
        this.advance(meta.cursor, meta.linebreak);
      },
    });
    const { columns } = this;
    const format = delimiter === "\t" ? "tsv" : "csv";
    return this.rows.table(format, columns ?? [], [...warnings, ...this.oneColumn()]);
  }

  private row(fields: readonly string[]): void {
    if (fields.length === 1 && fields[0]!.trim() === "") return;
    if (!this.columns) {
      this.columns = this.header(fields);
      return;
    }
    const { columns, line } = this;
    if (fields.length !== columns.length) {
      const what = `${fields.length} fields, the header has ${columns.length}; quote fields that hold separators`;
      this.rows.refuse(this.error("E_CSV_COLUMNS", what));
    } else if (fields.some((field) => field.length > IMPORT_LIMITS.textCharacters)) {
      this.rows.refuse(this.error("E_TOO_LARGE", "a text of more than a million characters"));
    } else this.rows.add({ line, cells: fields.map((field) => field.replace(FORMULA_MARK, "")) });
  }

  /** Names as written, trimmed; a column without a name, as pandas writes its index, is called by its place. */
  private header(fields: readonly string[]): readonly string[] {
    if (fields.length > MOST_COLUMNS)
      throw this.error("E_TOO_LARGE", `${fields.length} columns; at most ${MOST_COLUMNS} are read`);
    const columns = fields.map((field, index) => field.trim() || `column ${index + 1}`);
    const twice = columns.find((column, index) => columns.indexOf(column) !== index);
    if (twice === undefined) return columns;
    throw this.error("E_CSV_COLUMNS", `the column ${JSON.stringify(twice)} stands twice; rename one`);
  }

  private oneColumn(): ImportWarning[] {
    if (this.columns?.length !== 1) return [];
    const message = `${opening(this.name)}one column only; columns are parted by comma, tab, semicolon or |`;
    return [{ code: "one-column", message, count: 1, place: placeIn(this.name, { line: 1 }) }];
  }

  /** The line of the field that never closes, or that goes on after its quote, not the line of its row. */
  private quoteError(fields: readonly string[], fault: string): RetuneError {
    const before = fields.slice(0, -1).reduce((sum, field) => sum + field.split("\n").length - 1, 0);
    const line = this.line + before;
    const what = `${fault.toLowerCase()}: the quote opens at line ${line}; double a quote inside quotes`;
    return this.error("E_CSV_QUOTE", what, line);
  }

  private advance(cursor: number, linebreak: string): void {
    const mark = linebreak === "\r" ? "\r" : "\n";
    let at = this.text.indexOf(mark, this.counted);
    while (at >= 0 && at < cursor) {
      this.line++;
      this.counted = at + 1;
      at = this.text.indexOf(mark, at + 1);
    }
  }

  private error(code: ErrorCode, what: string, line = this.line): RetuneError {
    return new RetuneError(code, `${opening(this.name)}line ${line}: ${what}`, placeIn(this.name, { line }));
  }
}

/** The separator that parts the first lines into the same number of fields, the most of them; comma where none does. */
function separatorOf(text: string): string {
  const start = text.slice(0, 100_000);
  const scores = SEPARATORS.map((delimiter) => {
    const { data } = Papa.parse<string[]>(start, { delimiter, preview: 20, skipEmptyLines: true });
    const widths = data.map((row) => row.length);
    const same = widths.filter((width) => width === widths[0]).length / Math.max(1, widths.length);
    return (widths[0] ?? 1) > 1 ? same * 1000 + widths[0]! : 0;
  });
  const best = Math.max(...scores);
  return best === 0 ? "," : SEPARATORS[scores.indexOf(best)]!;
}
