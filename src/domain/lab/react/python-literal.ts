import { parseJson, type JsonNode } from "../../formats/json.ts";

export interface ReadLiteral {
  readonly value: JsonNode;
  readonly repaired: boolean; // it was no JSON, but what Python's str() writes of a dict
}

/**
 * A JSON value, or a Python literal of one (single quotes, True, None, a comma before the end), which LlamaIndex's logged
 * ReAct steps hold in the place of JSON. Undefined for anything else; never throws.
 */
export function readLiteral(text: string): ReadLiteral | undefined {
  const own = text.trim();
  const json = attempt(() => parseJson(own).root);
  if (json) return { value: json, repaired: false };
  const value = attempt(() => new LiteralReader(own).whole());
  return value && { value, repaired: true };
}

function attempt(read: () => JsonNode): JsonNode | undefined {
  try {
    return read();
  } catch {
    return undefined; // whose text it is and what that means is the caller's to say
  }
}

const WORDS: ReadonlyMap<string, JsonNode> = new Map<string, JsonNode>([
  ["True", { kind: "boolean", at: 0, value: true }],
  ["true", { kind: "boolean", at: 0, value: true }],
  ["False", { kind: "boolean", at: 0, value: false }],
  ["false", { kind: "boolean", at: 0, value: false }],
  ["None", { kind: "null", at: 0, value: null }],
  ["null", { kind: "null", at: 0, value: null }],
]);
const SPACE = /\s*/y;
const WORD = /[A-Za-z]+/y;
const NUMBER = /[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?/y;
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/y;
const SHORT: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "\n": "" };
const DEEPEST = 32;

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonNode {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw new SyntaxError("more text after the end");
    return value;
  }

  #value(depth: number): JsonNode {
    if (depth > DEEPEST) throw new SyntaxError("nested too deep");
    this.#take(SPACE);
    const at = this.#at;
    const sign = this.#text[at] ?? "";
    if (sign === "{") return { kind: "object", at, entries: this.#entries(depth) };
    if (sign === "[" || sign === "(")
      return { kind: "array", at, items: this.#items(sign === "[" ? "]" : ")", depth) };
    if (sign === "'" || sign === '"') return { kind: "string", at, value: this.#string(sign) };
    const number = this.#take(NUMBER);
    if (number !== "") return { kind: "number", at, value: Number(number) };
    const word = WORDS.get(this.#take(WORD));
    if (word) return word;
    throw new SyntaxError("no value");
  }

  #entries(depth: number): Map<string, JsonNode> {
    const entries = new Map<string, JsonNode>();
    for (this.#at++; !this.#closes("}");) {
      const sign = this.#text[this.#at] ?? "";
      if (sign !== "'" && sign !== '"') throw new SyntaxError("no key");
      const key = this.#string(sign);
      this.#require(":");
      entries.set(key, this.#value(depth + 1));
      if (!this.#closes("}", false)) this.#require(",");
    }
    return entries;
  }

  #items(end: string, depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    for (this.#at++; !this.#closes(end);) {
      items.push(this.#value(depth + 1));
      if (!this.#closes(end, false)) this.#require(",");
    }
    return items;
  }

  /** Whether the end comes next; it is passed over unless told otherwise. */
  #closes(end: string, pass = true): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== end) return false;
    if (pass) this.#at++;
    return true;
  }

  #require(sign: string): void {
    this.#take(SPACE);
    if (this.#text[this.#at++] !== sign) throw new SyntaxError(`no ${sign}`);
  }

  #string(quote: string): string {
    let value = "";
    for (this.#at++; this.#text[this.#at] !== quote;) {
      const sign = this.#text[this.#at];
      if (sign === undefined) throw new SyntaxError("a text without end");
      if (sign === "\\") value += unescaped(this.#take(ESCAPE));
      else {
        value += sign;
        this.#at++;
      }
    }
    this.#at++;
    return value;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

function unescaped(escape: string): string {
  const letter = escape[1] ?? "";
  if (escape.length > 2) return String.fromCodePoint(Number.parseInt(escape.slice(2), 16));
  return SHORT[letter] ?? letter;
}
