// A strict JSON reader (RFC 8259) for files of others. JSON.parse reorders integer-like keys, takes the last of two
// equal keys silently, turns 1e999 into Infinity, follows any depth and, in Node 20, gives no place for an error.
// Here objects are Maps in file order (so "__proto__" is a key like any other), and every value knows its offset.
import { RetuneError, type ErrorCode, type ErrorPlace } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";

export type JsonNode = JsonScalar | JsonArray | JsonObject;

export type JsonScalar =
  | { readonly kind: "null"; readonly at: number; readonly value: null }
  | { readonly kind: "boolean"; readonly at: number; readonly value: boolean }
  | { readonly kind: "number"; readonly at: number; readonly value: number }
  | { readonly kind: "string"; readonly at: number; readonly value: string };

export interface JsonArray {
  readonly kind: "array";
  readonly at: number; // offset in UTF-16 units of the first character
  readonly items: readonly JsonNode[];
}

export interface JsonObject {
  readonly kind: "object";
  readonly at: number;
  readonly entries: ReadonlyMap<string, JsonNode>; // file order; of equal keys the last value at the first place
}

export interface JsonDocument {
  readonly root: JsonNode;
  readonly duplicates: readonly { readonly key: string; readonly at: number }[];
  placeOf(at: number): ErrorPlace;
}

export interface JsonLimits {
  readonly depth: number;
  readonly textCharacters: number;
  readonly keyCharacters: number;
  readonly records: number; // entries of one object or array
}

/** Line and column (both from 1, columns in UTF-16 units) of an offset. */
export function lineAndColumn(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1)) {
    line++;
    start = next + 1;
  }
  return { line, column: at - start + 1 };
}

/**
 * Parses one JSON document. Errors, all with line and column: E_EMPTY, E_JSON (syntax, NaN and Infinity words),
 * E_NUMBER (a number past the doubles), E_DEPTH, E_TOO_LARGE (a key, a text or a container past the limits).
 */
export function parseJson(text: string, file?: string, limits: JsonLimits = IMPORT_LIMITS): JsonDocument {
  return new JsonReader(text, file, limits).document();
}

/** A node as plain values: objects without prototype, so that no key of a file can reach one. */
export function plainJson(node: JsonNode): unknown {
  if (node.kind === "array") return node.items.map(plainJson);
  if (node.kind !== "object") return node.value;
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of node.entries) result[key] = plainJson(value);
  return result;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const FOREIGN_WORD = /[-+]?(?:NaN|Infinity|undefined|None|True|False)\b/y;

class JsonReader {
  private at = 0;
  private readonly duplicates: { key: string; at: number }[] = [];
  private readonly text: string;
  private readonly file: string | undefined;
  private readonly limits: JsonLimits;

  constructor(text: string, file: string | undefined, limits: JsonLimits) {
    this.text = text;
    this.file = file;
    this.limits = limits;
  }

  document(): JsonDocument {
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1;
    this.skipSpace();
    if (this.at >= this.text.length) throw this.error("E_EMPTY", "the file holds no JSON");
    const root = this.value(0);
    this.skipSpace();
    if (this.at < this.text.length) throw this.error("E_JSON", `more text after the end: ${this.here()}`);
    const { text, file } = this;
    return { root, duplicates: this.duplicates, placeOf: (at) => placeIn(file, lineAndColumn(text, at)) };
  }

  private value(depth: number): JsonNode {
    const at = this.at;
    const code = this.text.charCodeAt(at);
    if (code === 0x7b) return this.object(depth);
    if (code === 0x5b) return this.array(depth);
    if (code === QUOTE)
      return { kind: "string", at, value: this.string(this.limits.textCharacters, "a text") };
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return { kind: "number", at, value: this.number() };
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, at)) continue;
      this.at += word.length;
      return value === null ? { kind: "null", at, value } : { kind: "boolean", at, value };
    }
    throw this.unexpectedValue();
  }

  private object(depth: number): JsonObject {
    const at = this.open(depth);
    const entries = new Map<string, JsonNode>();
    if (this.closes(0x7d)) return { kind: "object", at, entries };
    do {
      this.skipSpace();
      const keyAt = this.at;
      if (this.text.charCodeAt(keyAt) !== QUOTE) throw this.expected(`a key in double quotes`);
      const key = this.string(this.limits.keyCharacters, "a key");
      this.skipSpace();
      if (this.text[this.at] !== ":") throw this.expected(`":" after the key`);
      this.at++;
      this.skipSpace();
      if (entries.has(key)) this.duplicates.push({ key, at: keyAt });
      entries.set(key, this.value(depth + 1));
      this.checkRecords(entries.size);
    } while (this.continues(0x7d, "}"));
    return { kind: "object", at, entries };
  }

  private array(depth: number): JsonArray {
    const at = this.open(depth);
    const items: JsonNode[] = [];
    if (this.closes(0x5d)) return { kind: "array", at, items };
    do {
      this.skipSpace();
      items.push(this.value(depth + 1));
      this.checkRecords(items.length);
    } while (this.continues(0x5d, "]"));
    return { kind: "array", at, items };
  }

  private open(depth: number): number {
    if (depth >= this.limits.depth) {
      throw this.error("E_DEPTH", `nested deeper than ${this.limits.depth} levels`);
    }
    return this.at++;
  }

  private closes(bracket: number): boolean {
    this.skipSpace();
    if (this.text.charCodeAt(this.at) !== bracket) return false;
    this.at++;
    return true;
  }

  /** After an entry: true at a comma, false at the closing bracket. */
  private continues(bracket: number, name: string): boolean {
    if (this.closes(bracket)) return false;
    if (this.text[this.at] !== ",") throw this.expected(`"," or "${name}"`);
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === bracket) {
      throw this.error("E_JSON", `a comma before "${name}"; remove it`);
    }
    return true;
  }

  private checkRecords(count: number): void {
    if (count <= this.limits.records) return;
    throw this.error("E_TOO_LARGE", `more than ${this.limits.records} entries in one list; split the file`);
  }

  private string(limit: number, what: string): string {
    const start = this.at++;
    let result = "";
    let from = this.at;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) break;
      if (Number.isNaN(code)) {
        this.at = this.text.length;
        const opened = lineAndColumn(this.text, start);
        // A row of JSON Lines has no lines of its own: its number stands before the message.
        const line = this.text.includes("\n") ? `line ${opened.line}, ` : "";
        throw this.error("E_JSON", `ends inside a text opened at ${line}column ${opened.column}`);
      }
      if (code < 0x20) throw this.error("E_JSON", `a raw control character (code ${code}) inside a text`);
      if (code === BACKSLASH) {
        result += this.text.slice(from, this.at) + this.escape();
        from = this.at;
      } else this.at++;
      if (this.at - start > 6 * limit + 2) throw this.tooLong(start, limit, what);
    }
    result += this.text.slice(from, this.at);
    this.at++;
    if (result.length > limit) throw this.tooLong(start, limit, what);
    return result;
  }

  private tooLong(start: number, limit: number, what: string): RetuneError {
    this.at = start;
    return this.error("E_TOO_LARGE", `${what} longer than ${limit} characters`);
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? "";
    const short = Object.hasOwn(SHORT_ESCAPES, letter) ? SHORT_ESCAPES[letter] : undefined;
    if (short !== undefined) {
      this.at += 2;
      return short;
    }
    const digits = this.text.slice(this.at + 2, this.at + 6);
    if (letter !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits)) {
      throw this.error("E_JSON", `unknown escape \\${letter}${letter === "u" ? digits : ""} in a text`);
    }
    this.at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) throw this.unexpectedValue();
    const value = Number(match[0]);
    if (!Number.isFinite(value)) {
      throw this.error("E_NUMBER", `${match[0].slice(0, 40)} is larger than any double`);
    }
    this.at += match[0].length;
    return value;
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  private unexpectedValue(): RetuneError {
    FOREIGN_WORD.lastIndex = this.at;
    const word = FOREIGN_WORD.exec(this.text)?.[0];
    if (word !== undefined) return this.error("E_JSON", `${word} is not JSON`);
    if (this.at === 0 && this.text.startsWith("<")) {
      return this.error("E_JSON", "this is a web page, not JSON; download the file itself");
    }
    return this.expected("a value");
  }

  private expected(what: string): RetuneError {
    const found = this.at >= this.text.length ? "the file ends; it may be cut off" : `found ${this.here()}`;
    return this.error("E_JSON", `expected ${what}, ${found}`);
  }

  private here(): string {
    return JSON.stringify(this.text.slice(this.at, this.at + 12));
  }

  private error(code: ErrorCode, what: string): RetuneError {
    const place = lineAndColumn(this.text, this.at);
    const message = `${opening(this.file)}line ${place.line}, column ${place.column}: ${what}`;
    return new RetuneError(code, message, placeIn(this.file, place));
  }
}
