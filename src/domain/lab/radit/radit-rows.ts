import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { idOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import type { LabRead } from "../lab-task.ts";
import { distinctTexts } from "../passage-retriever.ts";
import { textsOf } from "../row-lists.ts";
import type { RaditExample } from "./radit-example.ts";

const KEYS = [
  ...["id", "question", "query", "answer", "response", "context", "contexts", "document", "group"],
];

/** Rows of radit-example.ts. Errors: those of readLabRows, E_FIELD and E_EMPTY with the line. */
export function readRaditRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<RaditExample> {
  return readLabRows(file, bytes, KEYS, exampleOf, options);
}

function exampleOf(row: JsonRow): RaditExample {
  const right = optionalText(row, ["context"]);
  const id = idOf(row);
  const own = optionalText(row, ["document", "group"]);
  return {
    ...{ id, line: row.line },
    group: own ?? (right === undefined ? `row ${id}` : `context: ${right}`),
    question: textOf(row, ["question", "query"]),
    answer: textOf(row, ["answer", "response"]),
    right,
    contexts: distinctTexts([right, ...textsOf(row, "contexts")]),
    retrieved: [],
  };
}
