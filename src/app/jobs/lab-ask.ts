import type { LabExample } from "../../domain/lab/lab-task.ts";
import { asked } from "../../domain/lab/asked.ts";
import type { OpenLanguageModel } from "../../domain/generate/open-language-model.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabAnswers, LabArm, LabArmAnswer, LabQuestion } from "../studio-lab.ts";
import type { LabData } from "./lab-data.ts";
import type { OpenPair } from "./lab-kept.ts";
import { searchedRows } from "./lab-retrieval.ts";

/**
 * One question to base and tuned, one after the other. A held-out row is asked and judged as in a run; a person's own text
 * is one user message without any constraint, for it has no schema, and streams. `tell` gets all answers so far.
 */
export async function askLab(
  data: LabData,
  pair: OpenPair,
  question: LabQuestion,
  tell: (answers: LabAnswers) => void,
  control: RunControl,
): Promise<LabAnswers> {
  let answers: LabAnswers = {};
  const told = (arm: LabArm, answer: LabArmAnswer): void => {
    answers = { ...answers, [arm]: answer };
    tell(answers);
  };
  const models = [["base", pair.base] as const, ...(pair.tuned ? [["tuned", pair.tuned] as const] : [])];
  const example = exampleOf(data, question.rowId);
  for (const [side, model] of models) {
    const arm: LabArm = question.constrained === true && example ? `${side}-constrained` : side;
    const answer = example
      ? await answerOfRow(data, example, model, question, control)
      : await answerOfText(model, question, (text) => told(arm, { text, measures: {} }), control);
    told(arm, answer);
  }
  return answers;
}

function exampleOf({ train, test }: LabData, rowId: string | undefined): LabExample | undefined {
  if (rowId === undefined) return undefined;
  const found = [...test, ...train].find(({ id }) => id === rowId);
  if (found) return found;
  throw new RetuneError(
    "usage",
    `There is no row ${rowId} in this project. Its file may have been replaced.`,
  );
}

async function answerOfRow(
  data: LabData,
  example: LabExample,
  model: OpenLanguageModel,
  { maxNewTokens, constrained = false }: LabQuestion,
  control: RunControl,
): Promise<LabArmAnswer> {
  const task = data.task.judgedBy?.(data.train) ?? data.task;
  const searched = await searchedRows(data, [example]);
  const [answer] = await task.examine(model, searched, { maxNewTokens, constrained }, control);
  const { text, measures, detail } = answer!;
  return { text, measures, ...(detail ? { detail } : {}) };
}

async function answerOfText(
  model: OpenLanguageModel,
  { text = "", maxNewTokens, temperature }: LabQuestion,
  grow: (text: string) => void,
  control: RunControl,
): Promise<LabArmAnswer> {
  let written = "";
  const onText = (_prompt: number, more: string): void => {
    written += more;
    grow(written);
  };
  const prompt = { messages: [{ role: "user" as const, content: text }] };
  const [answer] = await asked(
    model,
    [{ prompt }],
    { maxTokens: maxNewTokens, temperature, onText },
    control,
  );
  return { text: answer!.text, measures: {} };
}
