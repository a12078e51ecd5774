import { RetuneError, type ErrorCode } from "../../../engine/errors.ts";
import { opening, placeIn, type ImportWarning, type ImportWarningCode } from "../../data/import-report.ts";
import type { BadRow } from "./dataset-format.ts";

/** What a reader notes on its way: rows it had to leave out, and things worth telling, counted by kind. */
export class RowReport {
  readonly badRows: BadRow[] = [];
  readonly #warnings = new Map<string, ImportWarning>();
  readonly #skip: boolean;
  #firstError: RetuneError | undefined;

  constructor(skipBadRows = false) {
    this.#skip = skipBadRows;
  }

  get warnings(): readonly ImportWarning[] {
    return [...this.#warnings.values()];
  }

  /** What `read` gives; undefined, and the row listed, where it refuses and bad rows may be skipped. */
  row<T>(file: string, line: number, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RetuneError)) throw error;
      this.refuse(file, line, error);
      return undefined;
    }
  }

  /** Lists a row as bad, or throws its error where bad rows may not be skipped. */
  refuse(file: string, line: number, error: RetuneError): void {
    if (!this.#skip) throw error;
    this.#firstError ??= error;
    this.badRows.push({ file, line: error.place.line ?? line, reason: reasonOf(error, file) });
  }

  /** Adds to a kind of warning; message and place are those of the first case. */
  warn(code: ImportWarningCode, file: string, line: number | undefined, what: string, count = 1): void {
    const place = placeIn(file, line === undefined ? {} : { line });
    const at = line === undefined ? "" : `line ${line}: `;
    this.include([{ code, message: `${opening(file)}${at}${what}`, count, place }], `${code} ${file}`);
  }

  /** Takes over warnings of another reader. */
  include(warnings: readonly ImportWarning[], key?: string): void {
    for (const warning of warnings) {
      const name = key ?? `${warning.code} ${warning.message}`;
      const seen = this.#warnings.get(name);
      this.#warnings.set(name, seen ? { ...seen, count: seen.count + warning.count } : warning);
    }
  }

  /** Where nothing could be read: the first bad row's error, else E_EMPTY. */
  nothingRead(file: string, what: string): RetuneError {
    return this.#firstError ?? new RetuneError("E_EMPTY", opening(file) + what, placeIn(file));
  }
}

/** The error of a row: "file: line n: what". */
export function rowError(code: ErrorCode, file: string, line: number, what: string): RetuneError {
  return new RetuneError(code, `${opening(file)}line ${line}: ${what}`, placeIn(file, { line }));
}

function reasonOf(error: RetuneError, file: string): string {
  const own = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message;
  return own.replace(/^line \d+(?:, column \d+)?: /, "");
}
