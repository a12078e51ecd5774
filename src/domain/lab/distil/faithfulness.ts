// Ragas' faithfulness on the client: statements that the context supports / statements of the answer, a statement being a
// sentence. Support is, offline, a lexical stand-in for entailment: at least SUPPORTED of the statement's content words stand in
// the context, and all of its numbers do; with a judge, P(yes) > P(no) to the question whether the context supports it.
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { tokens } from "../../eval/tokens.ts";
import { sentencesOf } from "../../text/sentences.ts";

const SUPPORTED = 0.7; // of the content words
const NUMBER = /\d+(?:[.,]\d+)*/g;

// Words that say nothing by themselves: articles, pronouns, auxiliaries, prepositions, conjunctions.
const EMPTY = new Set(
  (
    "a an the this that these those it its he she they them their his her we our you your i my me us is are was were be " +
    "been being am do does did has have had will would can could may might must shall should not no nor so as at by for " +
    "from in into of on onto to with without about over under than then there here and or but if because while when where " +
    "which who whom whose what how why also such very more most some any each other both all only own same s t according " +
    "answer context information given based yes"
  ).split(" "),
);

/** Sentences that state something: those with a content word or a number. */
export function statementsOf(answer: string): readonly string[] {
  return sentencesOf(answer).filter((sentence) => contentWords(sentence).length > 0);
}

/** Whether a statement follows from a context, as far as words can say. */
export function supportedByWords(statement: string, context: string): boolean {
  const words = contentWords(statement);
  const there = new Set(tokens(context));
  const numbers = new Set(numbersIn(context));
  if (!numbersIn(statement).every((number) => numbers.has(number))) return false;
  return words.filter((word) => there.has(word)).length >= SUPPORTED * words.length;
}

/** Share of an answer's statements that the context supports; undefined where it states nothing. */
export function faithfulnessByWords(answer: string, context: string): number | undefined {
  const statements = statementsOf(answer);
  if (statements.length === 0) return undefined;
  return statements.filter((statement) => supportedByWords(statement, context)).length / statements.length;
}

export interface Grounded {
  readonly answer: string;
  readonly context: string;
}

/** The same, a model judging: one look at the next token a statement, nothing is generated. */
export async function faithfulnessByJudge(
  judge: LanguageModel,
  rows: readonly Grounded[],
  control?: RunControl,
): Promise<readonly (number | undefined)[]> {
  const statements = rows.map(({ answer }) => statementsOf(answer));
  const prompts = rows.flatMap(({ context }, row) =>
    statements[row]!.map((statement) => {
      const content = `${JUDGED}\n\nContext:\n${context}\n\nStatement: ${statement}\n\nAnswer yes or no.`;
      return judge.format.promptIds({ messages: [{ role: "user", content }] });
    }),
  );
  const { tokenizer } = judge.format;
  const [yes, no] = [YES, NO].map((words) => words.map((word) => tokenizer.encode(word)[0]!));
  const chances = await judge.nextTokens(prompts, [...yes!, ...no!], control);
  const says = chances.map(
    (row) => probability(row.slice(0, yes!.length)) > probability(row.slice(yes!.length)),
  );
  let at = 0;
  return statements.map((own) => {
    const supported = own.filter(() => says[at++]!).length;
    return own.length === 0 ? undefined : supported / own.length;
  });
}

const JUDGED = "Does the context support the statement?";
const [YES, NO] = [
  ["yes", "Yes"],
  ["no", "No"],
];

function probability(logs: Float64Array): number {
  return logs.reduce((sum, value) => sum + Math.exp(value), 0);
}

function contentWords(text: string): readonly string[] {
  return tokens(text).filter((word) => !EMPTY.has(word));
}

/** Numbers as values: "1,200" and "1200" are one. */
function numbersIn(text: string): readonly string[] {
  return (text.match(NUMBER) ?? []).map((number) => {
    return number.replace(/,(?=\d{3}(?:\D|$))/g, "");
  });
}
