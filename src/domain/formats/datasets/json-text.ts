import { pythonString } from "../llamaindex-dataset.ts";
import type { JsonNode } from "../json.ts";

/** A node as compact JSON, keys in their order. */
export function jsonText(node: JsonNode): string {
  return textOf(node, JSON.stringify, ",", ":");
}

/** A node as Python's json.dumps writes it by default: ", " and ": ", ASCII only. */
export function pythonText(node: JsonNode): string {
  return textOf(node, pythonString, ", ", ": ");
}

function textOf(node: JsonNode, quoted: (text: string) => string, comma: string, colon: string): string {
  if (node.kind === "array")
    return `[${node.items.map((item) => textOf(item, quoted, comma, colon)).join(comma)}]`;
  if (node.kind === "string") return quoted(node.value);
  if (node.kind !== "object") return String(node.value);
  const members = Array.from(
    node.entries,
    ([key, value]) => `${quoted(key)}${colon}${textOf(value, quoted, comma, colon)}`,
  );
  return `{${members.join(comma)}}`;
}
