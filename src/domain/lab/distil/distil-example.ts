// What distillation learns from: OpenAI's chat JSON Lines, as LlamaIndex's OpenAIFineTuningHandler writes them and the recorder
// and `retune log-proxy` do, one conversation a line, its last message the teacher's answer:
//
//   {"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
//
// Besides: "functions" or "tools", "weight" (0: not learnt) of a message; "id", "group" and "document" of a line: rows of one
// group (or document) never stand on both sides. Without them rows over one context do not, or else rows of one question. Where
// the last question has the form of question-prompt.ts, its context is known and faithfulness can be judged. Gradient's
// {"inputs": "text"} has no roles: what is question and what is answer cannot be told, so it is left out with a note.
import type { Chat, ChatMessage } from "../../formats/datasets/chat.ts";
import { CHAT_KEYS, readChat } from "../../formats/datasets/chat-reader.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { idOf, optionalText, readLabRows, type LabReadOptions } from "../lab-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import { partsOfQuestion } from "../question-prompt.ts";

export interface DistilExample extends LabExample {
  readonly chat: Chat; // up to the teacher's answer, which is its last message
  readonly question: string; // the last question asked
  readonly context: string | undefined; // what it was to be answered from
  readonly answer: string; // the teacher's: its text, or its calls as JSON
}

const KEYS = [...CHAT_KEYS, "id", "group", "document", "inputs"];

/** Errors: those of readLabRows and readChat. */
export function readDistilRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<DistilExample> {
  return readLabRows(file, bytes, KEYS, exampleOf, options);
}

function exampleOf(row: JsonRow): DistilExample {
  if (row.has("inputs") && !row.has("messages")) {
    throw row.error(
      "E_FIELD",
      'a text in "inputs" has no roles; write it as "messages" of user and assistant',
    );
  }
  const chat = readChat(row);
  const last = chat.messages.findLastIndex(({ role, weight }) => role === "assistant" && weight !== 0);
  if (last < 0)
    throw row.error(
      "E_FIELD",
      "no message of the assistant is to be learnt; the teacher's answer is missing",
    );
  const messages = chat.messages.slice(0, last + 1);
  const asked = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const parts = partsOfQuestion(asked);
  const question = parts?.question ?? asked;
  const own = optionalText(row, ["group", "document"]);
  return {
    id: idOf(row),
    line: row.line,
    group: own ?? (parts ? `context: ${parts.context}` : `question: ${question.trim().toLowerCase()}`),
    chat: { ...chat, messages },
    ...{ question, context: parts?.context },
    answer: answerText(messages[last]!),
  };
}

function answerText({ content, calls = [] }: ChatMessage): string {
  return content ?? calls.map(({ name, arguments: given }) => `${name}(${given})`).join("\n");
}
