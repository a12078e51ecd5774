// LlamaIndex's EmbeddingQAFinetuneDataset: {"queries": {id: text}, "corpus": {id: text}, "relevant_docs": {id: [id]},
// "mode": "text"}. Read in every variant its own tools wrote, written byte for byte as Python's json.dump(indent=4).
// Our one extension is an optional key "documents" {passage id: document name}; LlamaIndex ignores keys it does not know.
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening, placeIn, type ImportWarning, type ImportWarningCode } from "../data/import-report.ts";
import type { Dataset, Judgement, Origin, Passage, Query } from "../data/dataset.ts";
import { decodeText } from "../text/decode.ts";
import type { BadRow } from "./datasets/dataset-format.ts";
import { RowReport } from "./datasets/row-report.ts";
import { parseJson, type JsonDocument, type JsonNode, type JsonObject } from "./json.ts";

export interface DatasetReading {
  readonly dataset: Dataset;
  readonly warnings: readonly ImportWarning[];
  readonly badRows: readonly BadRow[]; // empty unless they may be skipped
}

export interface DatasetReadingOptions {
  readonly skipBadRows?: boolean; // leave out questions and passages that cannot be used; else the first is the error
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const KNOWN_KEYS = ["queries", "corpus", "relevant_docs", "mode", "documents"];

/**
 * Reads a dataset, bytes or text, keeping the file's order of queries and passages.
 * Errors with line and column: those of parseJson and decodeText; E_FIELD (a key is missing or of the wrong type),
 * E_REFERENCE (a query without relevant passages, or one that the corpus lacks), E_EMPTY (no queries, no relevance,
 * a blank text). Warnings: see ImportWarningCode.
 */
export function readLlamaIndexDataset(
  input: Uint8Array | string,
  file?: string,
  { skipBadRows = false }: DatasetReadingOptions = {},
): DatasetReading {
  const text = typeof input === "string" ? input : decodeText(input, file).text;
  return new DatasetReader(parseJson(text, file), file, new RowReport(skipBadRows)).read();
}

/** Whether a parsed JSON root looks like this format: enough to choose the reader, not to trust the file. */
export function looksLikeLlamaIndexDataset(root: JsonNode): boolean {
  return (
    root.kind === "object" && ["queries", "corpus", "relevant_docs"].every((key) => root.entries.has(key))
  );
}

class DatasetReader {
  private readonly warnings = new Map<string, ImportWarning>();
  private readonly document: JsonDocument;
  private readonly file: string | undefined;
  private readonly report: RowReport;

  constructor(document: JsonDocument, file: string | undefined, report: RowReport) {
    this.document = document;
    this.file = file;
    this.report = report;
  }

  read(): DatasetReading {
    const { root } = this.document;
    if (root.kind !== "object") {
      throw this.error(
        "E_FIELD",
        root.at,
        `expected an object with queries, corpus and relevant_docs, got ${named(root)}`,
      );
    }
    for (const { key, at } of this.document.duplicates) {
      this.warn("duplicate-key", at, `the key ${quoted(key)} stands twice; the last value counts`);
    }
    this.noteExtras(root);
    const documents = this.documents(root);
    const passages = this.texts(root, "corpus").map(([id, text]): Passage => {
      const document = documents.get(id);
      return document === undefined ? { id, text } : { id, text, document };
    });
    const queries = this.queries(root, new Set(passages.map((passage) => passage.id)));
    this.noteRepeats("passages", passages);
    this.noteRepeats("questions", queries);
    this.noteDocuments(documents, passages);
    const { badRows } = this.report;
    return { dataset: { queries, passages }, warnings: [...this.warnings.values()], badRows };
  }

  private queries(root: JsonObject, passages: ReadonlySet<string>): Query[] {
    const origin: Origin = { kind: "imported", ...(this.file === undefined ? {} : { detail: this.file }) };
    const texts = this.texts(root, "queries");
    const relevance = this.object(root, "relevant_docs");
    if (texts.length === 0) throw this.error("E_EMPTY", this.member(root, "queries").at, "queries is empty");
    if (relevance.entries.size === 0) throw this.error("E_EMPTY", relevance.at, "relevant_docs is empty");
    const queries = texts.flatMap(([id, text, at]): Query[] => {
      const relevant = this.row(() => {
        const list = relevance.entries.get(id);
        if (!list) throw this.error("E_REFERENCE", at, `query ${quoted(id)} has no entry in relevant_docs`);
        return this.judgements(id, list, passages);
      });
      return relevant ? [{ id, text, relevant, origin }] : [];
    });
    if (queries.length === 0) throw this.report.nothingRead(this.file ?? "", "no question that can be used");
    const known = new Set(texts.map(([id]) => id));
    for (const [id, node] of relevance.entries) {
      if (!known.has(id))
        this.warn("unknown-query", node.at, `relevant_docs names ${quoted(id)}, which is no query`);
    }
    return queries;
  }

  private judgements(query: string, list: JsonNode, passages: ReadonlySet<string>): Judgement[] {
    const name = `relevant_docs[${quoted(query)}]`;
    if (list.kind !== "array")
      throw this.error("E_FIELD", list.at, `${name} must be a list of ids, got ${named(list)}`);
    const ids = new Set<string>();
    for (const item of list.items) {
      if (item.kind !== "string") {
        throw this.error("E_FIELD", item.at, `${name} holds ${named(item)}; ids must be texts in quotes`);
      }
      if (!passages.has(item.value)) {
        throw this.error(
          "E_REFERENCE",
          item.at,
          `${name} names ${quoted(item.value)}, which the corpus lacks`,
        );
      }
      if (ids.has(item.value))
        this.warn("duplicate-judgement", item.at, `${name} names ${quoted(item.value)} twice`);
      ids.add(item.value);
    }
    if (ids.size === 0)
      throw this.error("E_REFERENCE", list.at, `${name} is empty: a query needs a relevant passage`);
    return [...ids].map((passage) => ({ passage, grade: 1 }));
  }

  private texts(root: JsonObject, key: "queries" | "corpus"): [id: string, text: string, at: number][] {
    return [...this.object(root, key).entries].flatMap(([id, node]) => {
      const name = `${key}[${quoted(id)}]`;
      const text = this.row(() => {
        if (node.kind !== "string")
          throw this.error("E_FIELD", node.at, `${name} must be a text, got ${named(node)}`);
        if (node.value.trim() === "")
          throw this.error("E_EMPTY", node.at, `${name} is blank; remove the row`);
        return node.value;
      });
      if (text === undefined) return [];
      if (LONE_SURROGATE.test(text)) this.warn("lone-surrogate", node.at, `${name} holds half a character`);
      return [[id, text, node.at]];
    });
  }

  /** What `read` gives; undefined where it refuses and bad rows may be skipped. */
  private row<T>(read: () => T): T | undefined {
    return this.report.row(this.file ?? "", 1, read);
  }

  private documents(root: JsonObject): Map<string, string> {
    if (!root.entries.has("documents")) return new Map();
    const entries = [...this.object(root, "documents").entries];
    return new Map(
      entries.map(([id, node]) => {
        if (node.kind === "string") return [id, node.value];
        throw this.error("E_FIELD", node.at, `documents[${quoted(id)}] must be a name, got ${named(node)}`);
      }),
    );
  }

  private object(root: JsonObject, key: string): JsonObject {
    const node = this.member(root, key);
    if (node.kind === "object") return node;
    throw this.error("E_FIELD", node.at, `${key} must be an object, got ${named(node)}`);
  }

  private member(root: JsonObject, key: string): JsonNode {
    const node = root.entries.get(key);
    if (node) return node;
    const found = [...root.entries.keys()].slice(0, 8).map(quoted).join(", ");
    throw this.error("E_FIELD", root.at, `the key "${key}" is missing; the file has ${found || "no keys"}`);
  }

  private noteExtras(root: JsonObject): void {
    for (const [key, node] of root.entries) {
      if (!KNOWN_KEYS.includes(key)) this.warn("extra-key", node.at, `the key ${quoted(key)} is not used`);
    }
    const mode = root.entries.get("mode");
    if (mode && (mode.kind !== "string" || mode.value !== "text")) {
      this.warn("mode", mode.at, `mode is ${named(mode)}, read as "text"`);
    }
  }

  private noteRepeats(what: string, rows: readonly { readonly text: string }[]): void {
    const count = rows.length - new Set(rows.map((row) => row.text.trim())).size;
    if (count === 0) return;
    if (what === "questions" && count === rows.length - 1) {
      this.note("all-equal", what, count, `all ${rows.length} questions have the same text`);
    } else this.note("duplicate-text", what, count, `${count} ${what} repeat the text of another`);
  }

  private noteDocuments(documents: ReadonlyMap<string, string>, passages: readonly Passage[]): void {
    const known = new Set(passages.map((passage) => passage.id));
    const lost = [...documents.keys()].filter((id) => !known.has(id));
    if (lost.length === 0) return;
    this.note("document", "", lost.length, `documents names ${quoted(lost[0]!)}, which the corpus lacks`);
  }

  private note(code: ImportWarningCode, kind: string, count: number, what: string): void {
    this.warnings.set(`${code} ${kind}`, { code, message: opening(this.file) + what, count });
  }

  /** Counts cases of one kind; the message and the place are those of the first. */
  private warn(code: ImportWarningCode, at: number, what: string): void {
    const seen = this.warnings.get(code);
    if (seen) {
      this.warnings.set(code, { ...seen, count: seen.count + 1 });
      return;
    }
    const place = this.document.placeOf(at);
    const message = `${opening(this.file)}line ${place.line}, column ${place.column}: ${what}`;
    this.warnings.set(code, { code, message, count: 1, place });
  }

  private error(code: ErrorCode, at: number, what: string): RetuneError {
    const { line, column } = this.document.placeOf(at);
    const message = `${opening(this.file)}line ${line}, column ${column}: ${what}`;
    return new RetuneError(code, message, placeIn(this.file, { line: line!, column: column! }));
  }
}

function named(node: JsonNode): string {
  if (node.kind === "array") return "a list";
  if (node.kind === "object") return "an object";
  return node.kind === "string" ? quoted(node.value) : String(node.value);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

/**
 * The file as Python's json.dump(indent=4) writes it: four keys in LlamaIndex's order, ASCII only, no newline at the
 * end. With `documents` a fifth key names the document of each passage that has one; LlamaIndex ignores it.
 */
export function writeLlamaIndexDataset(
  dataset: Dataset,
  options: { readonly documents?: boolean } = {},
): string {
  const { queries, passages } = dataset;
  const parts = [
    member("queries", objectOf(queries.map(({ id, text }) => [id, pythonString(text)]))),
    member("corpus", objectOf(passages.map(({ id, text }) => [id, pythonString(text)]))),
    member("relevant_docs", objectOf(queries.map(({ id, relevant }) => [id, listOf(relevant)]))),
    member("mode", '"text"'),
  ];
  const named = options.documents ? passages.filter((passage) => passage.document !== undefined) : [];
  if (named.length > 0) {
    parts.push(member("documents", objectOf(named.map(({ id, document }) => [id, pythonString(document!)]))));
  }
  return `{\n${parts.join(",\n")}\n}`;
}

function member(key: string, value: string): string {
  return `    ${pythonString(key)}: ${value}`;
}

function objectOf(entries: readonly (readonly [string, string])[]): string {
  if (entries.length === 0) return "{}";
  return `{\n${entries.map(([key, value]) => `        ${pythonString(key)}: ${value}`).join(",\n")}\n    }`;
}

function listOf(relevant: readonly Judgement[]): string {
  if (relevant.length === 0) return "[]";
  return `[\n${relevant.map(({ passage }) => `            ${pythonString(passage)}`).join(",\n")}\n        ]`;
}

/** A text as Python's json writes it with ensure_ascii: everything past "~" as lower-case \uXXXX. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
