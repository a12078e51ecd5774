import { readChat } from "../../formats/datasets/chat-reader.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { idOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import type { LabRead } from "../lab-task.ts";
import { distinctTexts } from "../passage-retriever.ts";
import { partsOfQuestion } from "../question-prompt.ts";
import { textsOf } from "../row-lists.ts";
import type { RaditExample } from "./radit-example.ts";

const KEYS = [
  ...["id", "question", "query", "answer", "response", "context", "contexts", "document", "group"],
  "messages",
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
  if (row.has("messages")) return chatExample(row);
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

/** The guide's form: a chat whose question stands over the passage that was retrieved. */
function chatExample(row: JsonRow): RaditExample {
  const { messages } = readChat(row);
  const parts = partsOfQuestion(messages.findLast(({ role }) => role === "user")?.content ?? "");
  const answer = messages.findLast(({ role }) => role === "assistant")?.content;
  if (!parts || answer === undefined) {
    const form = '"Context information is below." … "Query: …" … "Answer:"';
    throw row.error("E_FIELD", `a question over its passage is needed, as LlamaIndex writes it: ${form}`);
  }
  const { context, question } = parts;
  return {
    ...{ id: idOf(row), line: row.line, question, answer, right: undefined, retrieved: [] },
    group: optionalText(row, ["document", "group"]) ?? `question: ${question.toLowerCase()}`,
    contexts: [context],
  };
}
