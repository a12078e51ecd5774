// A look at the start of a file, enough to tell formats apart and cheap for files of any size.
import { parseJson, type JsonObject } from "../json.ts";
import { jsonRow } from "../jsonl.ts";
import type { DatasetFiles } from "./dataset-format.ts";

const HEAD_BYTES = 4_000_000;
const ROWS = 20;
const KEYS = 16;

/** The one file there is, by name; undefined for several. */
export function onlyFile(files: DatasetFiles): readonly [name: string, bytes: Uint8Array] | undefined {
  return files.size === 1 ? [...files][0] : undefined;
}

/** The first objects of a JSON Lines file or of a list of objects; lines that are none are passed over. */
export function firstRows(bytes: Uint8Array): readonly JsonObject[] {
  const text = headOf(bytes);
  const start = text.trimStart();
  if (start.startsWith("[")) return listedRows(bytes);
  if (!start.startsWith("{")) return [];
  const lines = text.split("\n");
  if (bytes.length > HEAD_BYTES) lines.pop(); // cut off in its middle
  const own = lines.filter((line) => line.trim() !== "").slice(0, ROWS);
  return own.flatMap((line) => {
    const row = attempt(() => jsonRow(line, 1));
    return row === undefined ? [] : [row];
  });
}

function listedRows(bytes: Uint8Array): readonly JsonObject[] {
  const root = attempt(() => parseJson(new TextDecoder().decode(bytes)).root);
  const items = root?.kind === "array" ? root.items : [];
  return items.slice(0, ROWS).flatMap((item) => (item.kind === "object" ? [item] : []));
}

/** The share of the first rows that look right, 0 without any. */
export function shareOfRows(bytes: Uint8Array, looksRight: (row: JsonObject) => boolean): number {
  const rows = firstRows(bytes);
  return rows.length === 0 ? 0 : rows.filter(looksRight).length / rows.length;
}

/** The first keys of a file that is one JSON object, and those of its first member; works for cut-off files too. */
export function outlineOf(bytes: Uint8Array): {
  readonly keys: readonly string[];
  readonly inner: readonly string[];
} {
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return new Outline(isWide ? new TextEncoder().encode(headOf(bytes)) : bytes).read();
}

/** Walks the bytes of a JSON text by depth; strings are passed over by their quotes, nothing is parsed. */
class Outline {
  readonly #bytes: Uint8Array;
  readonly #keys: string[] = [];
  readonly #inner: string[] = [];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): { keys: readonly string[]; inner: readonly string[] } {
    let depth = 0;
    for (; this.#at < this.#bytes.length && this.#keys.length < KEYS; this.#at++) {
      const byte = this.#bytes[this.#at]!;
      if (byte === 0x22) this.#string(depth);
      else if (byte === 0x7b || byte === 0x5b) depth++;
      else if (byte === 0x7d || byte === 0x5d) depth--;
      else if (depth === 0 && byte > 0x20 && byte < 0x80) break;
      if (depth === 1 && byte === 0x5b && this.#keys.length === 0) break; // a list, no object
    }
    return { keys: this.#keys, inner: this.#inner };
  }

  /** Passes over a string; it is a key where a colon follows. */
  #string(depth: number): void {
    const start = this.#at;
    let end = this.#bytes.indexOf(0x22, start + 1);
    while (end >= 0 && this.#isEscaped(end)) end = this.#bytes.indexOf(0x22, end + 1);
    this.#at = end < 0 ? this.#bytes.length : end;
    if (depth > 2 || (depth === 2 && this.#keys.length > 1)) return;
    let next = this.#at + 1;
    while (next < this.#bytes.length && this.#bytes[next]! <= 0x20) next++;
    if (this.#bytes[next] !== 0x3a) return;
    const key = new TextDecoder().decode(this.#bytes.subarray(start + 1, this.#at));
    if (depth === 1) this.#keys.push(key);
    else if (depth === 2 && this.#inner.length < KEYS) this.#inner.push(key);
  }

  #isEscaped(quote: number): boolean {
    let backslashes = 0;
    while (this.#bytes[quote - 1 - backslashes] === 0x5c) backslashes++;
    return backslashes % 2 === 1;
  }
}

function headOf(bytes: Uint8Array): string {
  const head = bytes.subarray(0, HEAD_BYTES);
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder("utf-16le").decode(head);
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder("utf-16be").decode(head);
  return new TextDecoder().decode(head);
}

/** What `read` gives, undefined where it throws: a glimpse refuses nothing, the reader does. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
