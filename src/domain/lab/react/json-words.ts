import type { JsonNode } from "../../formats/json.ts";

/** JSON with a space after every comma and colon, as models have seen it most; keys in their order. */
export function jsonWords(node: JsonNode): string {
  if (node.kind === "array") return `[${node.items.map(jsonWords).join(", ")}]`;
  if (node.kind !== "object") return JSON.stringify(node.value);
  const members = Array.from(node.entries, ([key, value]) => `${JSON.stringify(key)}: ${jsonWords(value)}`);
  return `{${members.join(", ")}}`;
}

/** One text for equal values: keys sorted, numbers by value, texts as `words` makes them. */
export function canonicalJson(node: JsonNode, words: (text: string) => string = (text) => text): string {
  if (node.kind === "array") return `[${node.items.map((item) => canonicalJson(item, words)).join(",")}]`;
  if (node.kind === "string") return JSON.stringify(words(node.value));
  if (node.kind !== "object") return JSON.stringify(node.value);
  const members = Array.from(
    node.entries,
    ([key, value]) => `${JSON.stringify(key)}:${canonicalJson(value, words)}`,
  );
  return `{${members.sort().join(",")}}`;
}
