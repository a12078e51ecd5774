import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { opening } from "../data/import-report.ts";
import { parseJson, plainJson, type JsonDocument, type JsonNode, type JsonObject } from "./json.ts";

/** The members of one JSON object of others, read by kind: a wrong one is E_FIELD with file, line and column. */
export class JsonFields {
  private readonly document: JsonDocument;
  private readonly object: JsonObject;
  private readonly file: string | undefined;

  private constructor(document: JsonDocument, object: JsonObject, file: string | undefined) {
    this.document = document;
    this.object = object;
    this.file = file;
  }

  /** Errors: those of parseJson, and E_FIELD where the document is no object. */
  static parse(text: string, file?: string): JsonFields {
    const document = parseJson(text, file);
    if (document.root.kind === "object") return new JsonFields(document, document.root, file);
    throw new RetuneError("E_FIELD", `${opening(file)}expected an object`, document.placeOf(0));
  }

  /** The objects of a document that is a list of them (modules.json). */
  static parseList(text: string, file?: string): readonly JsonFields[] {
    const document = parseJson(text, file);
    const items = document.root.kind === "array" ? document.root.items : [];
    const objects = items.flatMap((item) => (item.kind === "object" ? [item] : []));
    if (objects.length > 0 && objects.length === items.length) {
      return objects.map((object) => new JsonFields(document, object, file));
    }
    throw new RetuneError("E_FIELD", `${opening(file)}expected a list of objects`, document.placeOf(0));
  }

  get keys(): readonly string[] {
    return [...this.object.entries.keys()];
  }

  /** Whether the key is there with another value than null. */
  has(key: string): boolean {
    return (this.object.entries.get(key)?.kind ?? "null") !== "null";
  }

  text(key: string, absent?: string): string {
    return this.read(key, absent, "a text", (node) => (node.kind === "string" ? node.value : undefined));
  }

  flag(key: string, absent?: boolean): boolean {
    return this.read(key, absent, "true or false", (node) =>
      node.kind === "boolean" ? node.value : undefined,
    );
  }

  number(key: string, absent?: number): number {
    return this.read(key, absent, "a number", (node) => (node.kind === "number" ? node.value : undefined));
  }

  /** A whole number from 1 to 10,000,000. */
  size(key: string, absent?: number): number {
    return this.read(key, absent, "a whole number from 1", (node) =>
      node.kind === "number" && Number.isInteger(node.value) && node.value >= 1 && node.value <= 1e7
        ? node.value
        : undefined,
    );
  }

  /** A list of texts; one text stands for a list of it. */
  texts(key: string, absent?: readonly string[]): readonly string[] {
    return this.read(key, absent, "a list of texts", (node) => {
      if (node.kind === "string") return [node.value];
      if (node.kind !== "array") return undefined;
      const texts = node.items.flatMap((item) => (item.kind === "string" ? [item.value] : []));
      return texts.length === node.items.length ? texts : undefined;
    });
  }

  /** The object under a key, undefined where there is none or null. */
  fields(key: string): JsonFields | undefined {
    if (!this.has(key)) return undefined;
    const node = this.object.entries.get(key)!;
    if (node.kind === "object") return new JsonFields(this.document, node, this.file);
    throw this.error(key, `${key} must be an object`);
  }

  /** All members as plain values, objects without prototype. */
  plain(): Readonly<Record<string, unknown>> {
    return plainJson(this.object) as Readonly<Record<string, unknown>>;
  }

  /** An error at the key's value, or at the object where the key is missing. */
  error(key: string | undefined, what: string, code: ErrorCode = "E_FIELD"): RetuneError {
    const node: JsonNode = (key === undefined ? undefined : this.object.entries.get(key)) ?? this.object;
    const place = this.document.placeOf(node.at);
    const message = `${opening(this.file)}line ${place.line}, column ${place.column}: ${what}`;
    return new RetuneError(code, message, place);
  }

  private read<T>(
    key: string,
    absent: T | undefined,
    expected: string,
    take: (node: JsonNode) => T | undefined,
  ): T {
    if (!this.has(key)) {
      if (absent !== undefined) return absent;
      throw this.error(key, `${key} is missing; it must be ${expected}`);
    }
    const value = take(this.object.entries.get(key)!);
    if (value !== undefined) return value;
    throw this.error(key, `${key} must be ${expected}`);
  }
}
