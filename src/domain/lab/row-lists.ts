import { parseJson, type JsonNode } from "../formats/json.ts";
import type { JsonRow } from "../formats/datasets/json-rows.ts";

/** A list of texts; in a cell of a CSV file it is JSON, or one text. Missing is empty. E_FIELD where it is something else. */
export function textsOf(row: JsonRow, key: string): readonly string[] {
  if (!row.has(key)) return [];
  const node = row.entries.get(key)!;
  const list = node.kind === "string" ? listIn(node.value) : node;
  if (list === undefined) return [row.text(key)];
  if (list.kind !== "array") throw row.error("E_FIELD", `"${key}" must be a list of texts`);
  return list.items.map((item) => {
    if (item.kind === "string" && item.value.trim() !== "") return item.value;
    throw row.error("E_FIELD", `"${key}" must be a list of texts, none of them blank`);
  });
}

/** true, or "true" and "1" of a CSV cell; missing is false. */
export function flagOf(row: JsonRow, key: string): boolean {
  if (!row.has(key)) return false;
  const node = row.entries.get(key)!;
  if (node.kind === "boolean") return node.value;
  if (node.kind === "string" && /^(?:true|1|yes)$/i.test(node.value)) return true;
  if (node.kind === "string" && /^(?:false|0|no)$/i.test(node.value)) return false;
  throw row.error("E_FIELD", `"${key}" must be true or false`);
}

function listIn(text: string): JsonNode | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    return parseJson(text).root;
  } catch {
    return undefined; // a text that begins with a bracket
  }
}
