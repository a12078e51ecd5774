import { RetuneError } from "../../../engine/errors.ts";
import type { DatasetFiles } from "./dataset-format.ts";

/** The one file of a format that has one. E_UNKNOWN_FORMAT for another number. */
export function soleFile(files: DatasetFiles, label: string): readonly [name: string, bytes: Uint8Array] {
  const [first] = files;
  if (first && files.size === 1) return first;
  const names = [...files.keys()].slice(0, 5).join(", ");
  const what = files.size === 0 ? "none was given" : `${files.size} were given (${names})`;
  throw new RetuneError("E_UNKNOWN_FORMAT", `${label} is one file; ${what}; read them one at a time`);
}

/** One text file. */
export function filesOf(name: string, text: string): DatasetFiles {
  return new Map([[name, new TextEncoder().encode(text)]]);
}

/** One object a line, compact, UTF-8 unescaped, a line end after each: as pydantic and most tools write JSON Lines. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** What `read` gives, its error as a rejection. */
export function asPromise<T>(read: () => T): Promise<T> {
  return Promise.resolve().then(read);
}
