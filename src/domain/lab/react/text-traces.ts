import { JsonRow } from "../../formats/datasets/json-rows.ts";
import { rowError } from "../../formats/datasets/row-report.ts";
import { parseJson, type JsonNode } from "../../formats/json.ts";
import { sectionsOf, type Section } from "./steps.ts";

/** A plain text of traces as rows: "Tools: [JSON list]" once at the top, then "Question: …" and its sections, again and again. */
export function* textTraces(file: string, text: string): Generator<JsonRow, void, void> {
  const sections = sectionsOf(text);
  const starts = sections.flatMap(({ label }, place) => (label === "Question" ? [place] : []));
  const before = sections.slice(0, starts[0] ?? 0);
  for (const section of before) yield toolsRow(file, section);
  for (const [index, start] of starts.entries()) {
    const [question, ...trace] = sections.slice(start, starts[index + 1]);
    const lines = trace.map((section) => `${section.label}: ${section.text}`);
    const entries: [string, JsonNode][] = [
      ["question", textNode(question!.text)],
      ["trace", textNode(lines.join("\n"))],
    ];
    yield new JsonRow(new Map(entries), file, question!.line);
  }
}

function toolsRow(file: string, { label, text, line }: Section): JsonRow {
  if (label !== "Tools") throw rowError("E_FIELD", file, line, `${label} stands before the first question`);
  const node = parseJson(text, file).root;
  return new JsonRow(new Map([["tools", node]]), file, line);
}

function textNode(value: string): JsonNode {
  return { kind: "string", at: 0, value };
}
