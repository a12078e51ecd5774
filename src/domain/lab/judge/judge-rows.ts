// What a judge learns from, one form a file (JSON Lines, a JSON list, CSV):
//   pairwise  {"question", "answer_a", "answer_b", "verdict": "A" | "B" | "C" (or "tie"), "reference"?, "feedback"?}
//   1 to 5    {"question", "answer", "score": 1 … 5, "reference"?, "feedback"?}
//   a call    {"messages": [system, user, assistant]} as LlamaIndex's handler logs one of its pairwise or correctness
//             evaluators: the parts are found by the marks of the prompt ("[The Start of Assistant A’s Answer]", "## User Query")
// and on every row "id"?, "group"? (else rows of one question and reference are a group), "instruction"? (the judge's own words in place of
// ours, "" for none; the question and answers then stand in the short form of judge-prompt.ts).
// Rows with feedback teach and are asked for feedback and verdict; rows without for the verdict alone, from its logits.
import { comparable } from "../../data/leaks.ts";
import { readChat } from "../../formats/datasets/chat-reader.ts";
import type { JsonRow } from "../../formats/datasets/json-rows.ts";
import type { LabExample, LabRead } from "../lab-task.ts";
import {
  idOf,
  keyOf,
  optionalText,
  readLabRows,
  textOf,
  textOrEmpty,
  type LabReadOptions,
} from "../lab-rows.ts";
import type { JudgeExample } from "./judge-example.ts";
import { loggedCall } from "./logged-call.ts";
import { parsedScore, type Verdict } from "./verdicts.ts";

const QUESTION = ["question", "query"];
const ANSWER = ["answer", "response", "generated_answer"];
const ANSWER_A = ["answer_a", "answer_1", "response_a", "a"];
const ANSWER_B = ["answer_b", "answer_2", "response_b", "b", "second_response"];
const VERDICT = ["verdict", "winner", "choice"];
const SCORE = ["score", "rating"];
const REFERENCE = ["reference", "reference_answer", "context"];
const FEEDBACK = ["feedback", "explanation", "reasoning"];
const OWN = ["id", "group", "instruction", "messages"];
const KNOWN = [QUESTION, ANSWER, ANSWER_A, ANSWER_B, VERDICT, SCORE, REFERENCE, FEEDBACK, OWN].flat();

/** Rows of one kind. Errors name file and line: E_FIELD, E_NUMBER, E_EMPTY, E_DUPLICATE and those of readLabRows. */
export function readJudgeRows(
  file: string,
  bytes: Uint8Array,
  options?: LabReadOptions,
): LabRead<JudgeExample> {
  let kind: JudgeExample["kind"] | undefined;
  const read = (row: JsonRow): JudgeExample => {
    const example = row.has("messages") ? fromChat(row) : fromFields(row);
    kind ??= example.kind;
    if (example.kind === kind) return example;
    throw row.error(
      "E_FIELD",
      `a ${example.kind} row below ${kind} rows; keep each kind in a file of its own`,
    );
  };
  return readLabRows(file, bytes, KNOWN, read, options);
}

function fromFields(row: JsonRow): JudgeExample {
  const [reference, feedback] = [optionalText(row, REFERENCE), optionalText(row, FEEDBACK)];
  const shared = { ...placed(row, textOf(row, QUESTION), reference), ...spoken(row) };
  const given = {
    ...shared,
    ...(reference === undefined ? {} : { reference }),
    ...(feedback === undefined ? {} : { feedback }),
  };
  if (keyOf(row, ANSWER_A) === undefined && keyOf(row, ANSWER_B) === undefined)
    return { kind: "correctness", ...given, answer: textOf(row, ANSWER), score: scoreOf(row) };
  const [answerA, answerB] = [textOf(row, ANSWER_A), textOf(row, ANSWER_B)];
  return { kind: "pairwise", ...given, answerA, answerB, verdict: verdictOf(row) };
}

/** The parts of a logged call; they are put into the prompt of judge-prompt.ts. */
function fromChat(row: JsonRow): JudgeExample {
  const call = loggedCall(readChat(row));
  if (call === undefined)
    throw row.error("E_FIELD", "the messages are no call of a judge with a verdict; see the two other forms");
  return { ...placed(row, call.question, call.reference), ...call };
}

function placed(row: JsonRow, question: string, reference = ""): LabExample & { question: string } {
  const group = optionalText(row, ["group"]) ?? comparable(`${question} ${reference}`);
  return { id: idOf(row), line: row.line, group, question };
}

function spoken(row: JsonRow): { instruction?: string } {
  const instruction = textOrEmpty(row, "instruction");
  return instruction === undefined ? {} : { instruction };
}

const TIES = ["c", "tie", "draw", "both", "equal", "0.5"];

function verdictOf(row: JsonRow): Verdict {
  const word = textOf(row, VERDICT)
    .trim()
    .toLowerCase()
    .replace(/^\[\[(.*)\]\]$/, "$1")
    .replace(/^(?:assistant|answer|model|response)[ _-]/, "");
  if (word === "a" || word === "1") return "A";
  if (word === "b" || word === "2") return "B";
  if (TIES.includes(word)) return "C";
  throw row.error("E_FIELD", `the verdict is ${JSON.stringify(word)}; write A, B or C (a tie)`);
}

function scoreOf(row: JsonRow): number {
  const key = keyOf(row, SCORE) ?? SCORE[0]!;
  const node = row.entries.get(key);
  const score = node?.kind === "number" ? node.value : parsedScore(row.string(key));
  if (score !== undefined && score >= 1 && score <= 5) return score;
  throw row.error("E_NUMBER", `"${key}" must be a number from 1 to 5`);
}
