import { delexicaliseSql } from "../../src/domain/lab/delexicalise.ts";
import { codeRow } from "./code-rows.ts";
import type { Draw } from "./draw.ts";
import { anyValue, factAnswer, facts, factQuestion, factText, styleRow } from "./fact-rows.ts";
import { sqlRow } from "./sql-rows.ts";
import { MARKS, THINGS, TRAINING_TABLES } from "./words.ts";

/** A text of a kind that some system's answers have; the base learns to repeat it, and so its words. */
export function echoText(draw: Draw): string {
  return draw.one(KINDS)(draw);
}

const KINDS: readonly ((draw: Draw) => string)[] = [
  callText,
  callText,
  (draw) => delexicaliseSql(sqlRow(draw, TRAINING_TABLES, "further")).question,
  (draw) => draw.one([reactAction, reactAnswer])(draw),
  (draw) => {
    const { styled, neutral } = styleRow(draw);
    return draw.one([styled, neutral]);
  },
  (draw) => codeRow(draw).code,
  (draw) => codeRow(draw).text,
  (draw) => draw.one(["[[A]]", "[[B]]", "[[C]]", "none", ...Array.from("123456789")]),
  (draw) => {
    const [fact] = facts(draw, 1);
    return draw.one([factText(fact!, draw.below(3)), factQuestion(fact!, draw.below(4)), factAnswer(fact!)]);
  },
];

/** A call in placeholders, as JSON. */
function callText(draw: Draw): string {
  const columns = draw.some(
    Array.from({ length: 12 }, (_, place) => `c${place}`),
    1 + draw.below(3),
  );
  const values = columns.map((name) => `"${name}": "${draw.one(["v", "x"])}${draw.below(8)}"`);
  return `{"name": "t${draw.below(6)}", "arguments": {${values.join(", ")}}}`;
}

function reactAction(draw: Draw): string {
  const key = `${draw.one(MARKS)} of the ${draw.one(THINGS)}`;
  return `Thought: I need to look it up.\nAction: lookup\nAction Input: {"key": "${key}"}`;
}

function reactAnswer(draw: Draw): string {
  return `Thought: I can answer without using any more tools.\nAnswer: It is ${anyValue(draw)}.`;
}
