import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import { textLines } from "../text/lines.ts";
import { parseJson, type JsonDocument, type JsonObject } from "./json.ts";

export interface JsonLine {
  readonly line: number; // from 1
  readonly row: JsonObject;
}

/** The objects of a JSON Lines text; blank lines are passed over. E_FIELD for another value, else parseJson's errors. */
export function* readJsonLines(text: string, file?: string): Generator<JsonLine, void, void> {
  for (const { line, text: own } of textLines(text)) {
    if (own.trim() === "") continue;
    yield { line, row: jsonRow(own, line, file) };
  }
}

/** The object of one line. Errors: E_FIELD for another value, else parseJson's, with the line given. */
export function jsonRow(own: string, line: number, file?: string): JsonObject {
  return jsonRowWithRepeats(own, line, file).row;
}

/** The same with the keys that stand twice in it, in it or below: of each the last value counts. */
export function jsonRowWithRepeats(
  own: string,
  line: number,
  file?: string,
): { readonly row: JsonObject; readonly repeats: readonly string[] } {
  const { root: row, duplicates } = documentOf(own, line, file);
  if (row.kind === "object") return { row, repeats: duplicates.map(({ key }) => key) };
  const message = `${opening(file)}line ${line}: a row must be an object in braces`;
  throw new RetuneError("E_FIELD", message, placeIn(file, { line }));
}

function documentOf(own: string, line: number, file: string | undefined): JsonDocument {
  try {
    return parseJson(own);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    const message = error.message.replace(/^line \d+/, `line ${line}`);
    const column = error.place.column;
    const place = placeIn(file, { line, ...(column === undefined ? {} : { column }) });
    throw new RetuneError(error.code, opening(file) + message, place);
  }
}
