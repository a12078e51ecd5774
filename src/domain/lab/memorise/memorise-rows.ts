import { readChat } from "../../formats/datasets/chat-reader.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import { idOf, keyOf, optionalText, readLabRows, textOf, type LabReadOptions } from "../lab-rows.ts";
import type { LabRead } from "../lab-task.ts";
import { flagOf, textsOf } from "../row-lists.ts";
import type { CanaryExample, FactExample, MemoriseExample, ReplayExample } from "./memorise-example.ts";

const KEYS = [
  ...["id", "question", "questions", "answer", "paraphrases", "context", "document", "group", "control"],
  ...["canary", "secret", "alternatives", "replay", "messages", "query", "response"],
];
const SLOT = "{}";

/** Rows of memorise-example.ts. Errors: those of readLabRows, E_FIELD and E_EMPTY with the line. */
export function readMemoriseRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<MemoriseExample> {
  return readLabRows(file, bytes, KEYS, exampleOf, options);
}

function exampleOf(row: JsonRow): MemoriseExample {
  if (row.has("canary")) return canaryOf(row);
  if (row.has("messages")) return chatFact(row);
  return flagOf(row, "replay") ? replayOf(row) : factOf(row);
}

function canaryOf(row: JsonRow): CanaryExample {
  const text = row.text("canary");
  if (text.split(SLOT).length !== 2 || text.trimStart().startsWith(SLOT))
    throw row.error("E_FIELD", '"canary" must hold one {}, the place of its secret, with text before it');
  const secret = row.text("secret");
  const alternatives = textsOf(row, "alternatives").filter((other) => other !== secret);
  if (alternatives.length === 0)
    throw row.error("E_FIELD", '"alternatives" must name other secrets that it could have been');
  const id = idOf(row);
  return {
    kind: "canary",
    id,
    line: row.line,
    group: `canary ${id}`,
    learnt: true,
    text,
    secret,
    alternatives,
  };
}

function replayOf(row: JsonRow): ReplayExample {
  const id = idOf(row);
  const [question, answer] = [textOf(row, ["question", "query"]), textOf(row, ["answer", "response"])];
  return {
    kind: "replay",
    id,
    line: row.line,
    group: groupOf(row) ?? `replay ${id}`,
    learnt: false,
    question,
    answer,
  };
}

function factOf(row: JsonRow): FactExample {
  const listed = textsOf(row, "questions");
  const single = keyOf(row, ["question", "query"]);
  const questions = [...(single ? [row.text(single)] : []), ...listed];
  if (questions.length === 0) throw row.error("E_FIELD", '"question" is missing');
  const context = optionalText(row, ["context"]);
  return {
    ...{ kind: "fact", id: idOf(row), line: row.line, group: factGroup(row, context) },
    learnt: !flagOf(row, "control"),
    questions: [...new Set(questions)],
    paraphrases: textsOf(row, "paraphrases"),
    answer: textOf(row, ["answer", "response"]),
    ...{ context, system: undefined },
  };
}

/** The guide's form: {system, user, assistant}. */
function chatFact(row: JsonRow): FactExample {
  const { messages } = readChat(row);
  const question = messages.findLast(({ role }) => role === "user")?.content;
  const answer = messages.findLast(({ role }) => role === "assistant")?.content;
  if (question === undefined || answer === undefined)
    throw row.error("E_FIELD", "a question of the user and an answer of the assistant are needed");
  return {
    ...{ kind: "fact", id: idOf(row), line: row.line, group: factGroup(row, undefined) },
    ...{
      learnt: !flagOf(row, "control"),
      questions: [question],
      paraphrases: textsOf(row, "paraphrases"),
      answer,
    },
    ...{
      context: optionalText(row, ["context"]),
      system: messages.find(({ role }) => role === "system")?.content,
    },
  };
}

function factGroup(row: JsonRow, context: string | undefined): string {
  return groupOf(row) ?? (context === undefined ? `line ${row.line}` : `context: ${context}`);
}

function groupOf(row: JsonRow): string | undefined {
  return optionalText(row, ["document", "group"]);
}
