// Facts to memorise, made of passages as the guide does (llamaindex.md §8.6): a question over its own passage is answered by a
// teacher, a second look drops what the passage does not support, and the teacher words the question anew for what is asked but
// never learnt. Unlike the original, the second look wants the word "no" (it dropped "NOT…" as well), and the text of a passage
// goes along, so that RAG on the same model can be set beside.
import { RetuneError } from "../../../engine/errors.ts";
import { parseStrict } from "../../synth/parse-questions.ts";
import type { TaughtRow } from "../distil/teach.ts";
import { partsOfQuestion } from "../question-prompt.ts";

/** A row of memorise-example.ts. */
export interface MadeFact {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly paraphrases: readonly string[];
  readonly context: string;
  readonly document?: string;
}

export type Ask = (prompt: string, signal?: AbortSignal) => Promise<string>;

export interface FactOptions {
  readonly paraphrases?: number; // of a question, 2
  readonly check?: boolean; // true
  readonly signal?: AbortSignal;
}

const CHECK =
  "Here are a passage, a question and an answer. Does the passage answer the question, and is the answer right by it? Say YES or NO.";
const REWORD =
  "Ask the following question in other words, so that the same answer is right. Keep its names and numbers. Write one question a line, nothing else.";

/** The fact of a row whose prompt is a question over its own passage; undefined where the second look drops it. */
export async function madeFact(
  { question: id, prompt, answer, document }: TaughtRow,
  ask: Ask,
  { paraphrases = 2, check = true, signal }: FactOptions = {},
): Promise<MadeFact | undefined> {
  const parts = partsOfQuestion(prompt.messages.at(-1)?.content ?? "");
  if (!parts) throw new RetuneError("usage", `the prompt of ${id} is no question over a passage`);
  const { context, question } = parts;
  if (check) {
    const asked = `${CHECK}\n\nPassage: ${context}\n\nQuestion: ${question}\n\nAnswer: ${answer}`;
    if (/\bno\b/i.test(await ask(asked, signal))) return undefined;
  }
  const reworded =
    paraphrases === 0 ? "" : await ask(`${REWORD} Questions: ${paraphrases}\n\n${question}`, signal);
  const others = parseStrict(reworded, paraphrases + 1).filter((other) => other !== question);
  return {
    ...{ id, question, answer, paraphrases: others.slice(0, paraphrases), context },
    ...(document === undefined ? {} : { document }),
  };
}

/** JSON Lines, one fact a row. */
export function factLines(facts: readonly MadeFact[]): string {
  return facts.map((fact) => `${JSON.stringify(fact)}\n`).join("");
}
