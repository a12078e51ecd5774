import type { RetuneError, ErrorCode } from "../../../engine/errors.ts";
import { IMPORT_LIMITS } from "../../data/import-report.ts";
import { decodeText } from "../../text/decode.ts";
import { textLines } from "../../text/lines.ts";
import { parseJson, type JsonNode, type JsonObject } from "../json.ts";
import { jsonRowWithRepeats } from "../jsonl.ts";
import { rowError, type RowReport } from "./row-report.ts";

/** One object of a JSON Lines file, its members read by kind; a wrong one is E_FIELD with file and line. */
export class JsonRow {
  readonly entries: ReadonlyMap<string, JsonNode>;
  readonly file: string;
  readonly line: number;

  constructor(entries: ReadonlyMap<string, JsonNode>, file: string, line: number) {
    this.entries = entries;
    this.file = file;
    this.line = line;
  }

  /** Whether the member is there with another value than null. */
  has(key: string): boolean {
    return (this.entries.get(key)?.kind ?? "null") !== "null";
  }

  /** A text that is not blank. */
  text(key: string): string {
    return this.filled(this.string(key), key);
  }

  string(key: string): string {
    const node = this.entries.get(key);
    if (node?.kind === "string") return node.value;
    const what = node === undefined ? "is missing" : "must be a text in quotes";
    throw this.error("E_FIELD", `"${key}" ${what}`);
  }

  /** A list of texts of which none is blank; a missing one is empty. */
  texts(key: string): readonly string[] {
    return this.items(key).map((item) => {
      if (item.kind === "string") return this.filled(item.value, key);
      throw this.error("E_FIELD", `"${key}" must be a list of texts`);
    });
  }

  /** A list of numbers; undefined where it is missing or null. */
  numbers(key: string): readonly number[] | undefined {
    if (!this.has(key)) return undefined;
    return this.items(key).map((item) => {
      if (item.kind === "number") return item.value;
      throw this.error("E_NUMBER", `"${key}" must be a list of numbers`);
    });
  }

  /** A text, or a whole number that loses nothing as a double, as text; undefined where it is missing. */
  id(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const node = this.entries.get(key)!;
    if (node.kind === "string" && node.value !== "") return node.value;
    if (node.kind === "number" && Number.isSafeInteger(node.value)) return String(node.value);
    const reason = node.kind === "number" ? "; a number of this kind changes when it is read" : "";
    throw this.error("E_FIELD", `"${key}" must be a text in quotes${reason}`);
  }

  items(key: string): readonly JsonNode[] {
    if (!this.has(key)) return [];
    const node = this.entries.get(key)!;
    if (node.kind === "array") return node.items;
    throw this.error("E_FIELD", `"${key}" must be a list`);
  }

  error(code: ErrorCode, what: string): RetuneError {
    return rowError(code, this.file, this.line, what);
  }

  private filled(text: string, key: string): string {
    if (text.trim() !== "") return text;
    throw this.error("E_EMPTY", `"${key}" is blank; remove it`);
  }
}

/**
 * The objects of a JSON Lines file, or of a file that is one list of objects. Rows that are no object go to the report;
 * keys beside `known` are counted there. Errors that spoil the whole file: those of decodeText, and of parseJson for a list.
 */
export function* readJsonRows(
  file: string,
  bytes: Uint8Array,
  report: RowReport,
  known: readonly string[],
): Generator<JsonRow, void, void> {
  const { text, warnings } = decodeText(bytes, file);
  report.include(warnings);
  let rows = 0;
  for (const { line, read } of /^\s*\[/.test(text) ? listed(text, file, report) : lines(text, file, report)) {
    if (++rows > IMPORT_LIMITS.records)
      throw rowError("E_TOO_LARGE", file, line, "more than a million rows; split the file");
    const object = report.row(file, line, read);
    if (object === undefined) continue;
    for (const key of object.entries.keys()) {
      if (known.includes(key)) continue;
      report.warn("extra-key", file, line, `the key ${JSON.stringify(key)} is not used`);
    }
    yield new JsonRow(object.entries, file, line);
  }
}

interface UnreadRow {
  readonly line: number;
  readonly read: () => JsonObject;
}

function* lines(text: string, file: string, report: RowReport): Generator<UnreadRow> {
  for (const { line, text: own } of textLines(text)) {
    if (own.trim() === "") continue;
    const read = (): JsonObject => {
      const { row, repeats } = jsonRowWithRepeats(own, line, file);
      noteRepeats(repeats, file, line, report);
      return row;
    };
    yield { line, read };
  }
}

function* listed(text: string, file: string, report: RowReport): Generator<UnreadRow> {
  const { root, duplicates } = parseJson(text, file);
  noteRepeats(
    duplicates.map(({ key }) => key),
    file,
    undefined,
    report,
  );
  const items = root.kind === "array" ? root.items : [];
  let [line, counted] = [1, 0];
  for (const item of items) {
    for (let next = text.indexOf("\n", counted); next >= 0 && next < item.at;) {
      line++;
      counted = next + 1;
      next = text.indexOf("\n", counted);
    }
    const at = line;
    const read = (): JsonObject => {
      if (item.kind === "object") return item;
      throw rowError("E_FIELD", file, at, "a row must be an object in braces");
    };
    yield { line: at, read };
  }
}

function noteRepeats(
  keys: readonly string[],
  file: string,
  line: number | undefined,
  report: RowReport,
): void {
  if (keys.length === 0) return;
  const what = `the key ${JSON.stringify(keys[0])} stands twice; the last value counts`;
  report.warn("duplicate-key", file, line, what, keys.length);
}
