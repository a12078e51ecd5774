// Values of JSON files for the template renderer, which keeps them as JavaScript does: 1.0 would be written 1, 1e5 in
// full, a long whole number rounded, and keys that are whole numbers would be sorted. Such numbers go in as texts between two
// signs, spelled as Python's json.dumps spells them, and such keys behind a sign; the signs are taken out of what is rendered.
import type { JsonNode } from "../formats/json.ts";
import { pythonFloat } from "../formats/python-json.ts";

/** Private-use characters that a conversation does not hold. */
export interface Signs {
  readonly opens: string; // what the assistant wrote
  readonly closes: string;
  readonly number: string;
  readonly key: string;
}

/** Signs that stand in no text of `value`. */
export function unusedSigns(value: unknown): Signs {
  const text = JSON.stringify(value);
  const free: string[] = [];
  for (let code = 0xe000; free.length < 4 && code <= 0xf8ff; code++) {
    const sign = String.fromCharCode(code);
    if (!text.includes(sign)) free.push(sign);
  }
  const [opens = "", closes = "", number = "", key = ""] = free;
  return { opens, closes, number, key };
}

const WHOLE = /^-?\d+$/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/** A node of `source` as plain values; objects without prototype. */
export function templateValue(node: JsonNode, source: string, signs: Signs): unknown {
  if (node.kind === "array") return node.items.map((item) => templateValue(item, source, signs));
  if (node.kind === "number") return numberValue(node.value, spelling(source, node.at), signs);
  if (node.kind !== "object") return node.value;
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of node.entries)
    result[/^\d+$/.test(key) ? signs.key + key : key] = templateValue(value, source, signs);
  return result;
}

/** What was rendered, with numbers and keys as they should be; quotes that JSON put around a number go with its signs. */
export function withoutSigns(text: string, { number, key }: Signs): string {
  const sign = eitherSpelling(number);
  return text
    .replace(new RegExp(`"${sign}([-+.e\\d]+)${sign}"|${sign}([-+.e\\d]+)${sign}`, "g"), "$1$2")
    .replace(new RegExp(eitherSpelling(key), "g"), "");
}

function spelling(source: string, at: number): string {
  NUMBER.lastIndex = at;
  return NUMBER.exec(source)![0];
}

function numberValue(value: number, spelled: string, { number }: Signs): unknown {
  const isWhole = WHOLE.test(spelled);
  if (isWhole && Number.isSafeInteger(value)) return value;
  return number + (isWhole ? spelled : pythonFloat(value)) + number;
}

/** A sign as it is, and as JSON in ASCII spells it. */
function eitherSpelling(sign: string): string {
  return `(?:${sign}|\\\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")})`;
}
