import { renderedRows } from "../../chat/rendered-row.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import type { RunControl } from "../../ports.ts";
import { answersTo, fittingQuestion } from "../answered.ts";
import { perplexityOf } from "../distil/distil.ts";
import { exactMatch, tokenF1 } from "../distil/answer-overlap.ts";
import type { LabAnswer, LabMeasure, LabSettings, LabTask } from "../lab-task.ts";
import { distinctTexts, lexicalRetriever, type PassageRetriever } from "../passage-retriever.ts";
import { questionOver } from "../question-prompt.ts";
import type { RaditExample } from "./radit-example.ts";
import { readRaditRows } from "./radit-rows.ts";

export interface RaditGround {
  readonly read?: number; // passages of a prompt, best first; 1
}

const share = { better: "higher", unit: "share" } as const;

const MEASURES: readonly LabMeasure[] = [
  {
    key: "exactMatch",
    label: "Exact match",
    meaning: "Questions answered exactly, over the passage that the retriever puts first.",
    ...share,
  },
  { key: "tokenF1", label: "Word F1", meaning: "Words in common with the right answer.", ...share },
  {
    key: "answerPerplexity",
    label: "Perplexity",
    meaning: "How surprised the model is by the right answer over that passage.",
    ...{ better: "lower", unit: "number" },
    summary: (answers) => perplexityOf(answers),
  },
  {
    key: "distractorExactMatch",
    label: "Only wrong passages",
    meaning: "Questions answered exactly although the passage it is given does not answer them.",
    ...share,
  },
  {
    key: "distractorF1",
    label: "Only wrong passages, words",
    meaning: "Words in common with the right answer where the passage does not answer the question.",
    ...share,
  },
];

/**
 * RA-DIT's language-model half: L = −Σᵢ Σⱼ ln p(yᵢ | cᵢⱼ ∘ xᵢ), every retrieved passage before the question by itself, the answer
 * alone learnt: it teaches to use a passage that helps and to pass over one that does not (arXiv 2310.01352, eq. 4).
 */
export function raditTask(ground: RaditGround = {}): LabTask<RaditExample> {
  return {
    id: "ra-dit",
    measures: MEASURES,
    maxNewTokens: 64,
    read: readRaditRows,
    conversations,
    examine: (model, examples, settings, control) => examine(model, examples, settings, ground, control),
  };
}

/** A conversation for each retrieved passage; before a retriever has run, for each passage that the row brings. */
function conversations({ question, answer, retrieved, contexts }: RaditExample): readonly Conversation[] {
  const passages = retrieved.length > 0 ? retrieved.map(({ text }) => text) : contexts;
  return passages.map((passage) => answered(passage, question, answer));
}

function answered(passage: string, question: string, answer: string): Conversation {
  const { messages } = questionOver([passage], question);
  return { messages: [...messages, { role: "assistant", content: answer }] };
}

/** Rows with what a retriever brings for them. */
export async function withRetrieved(
  examples: readonly RaditExample[],
  retriever: PassageRetriever,
  count: number,
  control?: RunControl,
): Promise<readonly RaditExample[]> {
  if (examples.length === 0) return examples;
  const questions = examples.map(({ question }) => question);
  const found = await retriever.retrieve(questions, count, control);
  return examples.map((example, row) => ({ ...example, retrieved: found[row]! }));
}

/** Rows that no retriever has seen search all passages of the rows by BM25. */
async function searched(examples: readonly RaditExample[], count: number): Promise<readonly RaditExample[]> {
  if (examples.every(({ retrieved }) => retrieved.length > 0)) return examples;
  const passages = distinctTexts(examples.flatMap(({ contexts }) => contexts));
  return passages.length === 0 ? examples : withRetrieved(examples, lexicalRetriever(passages), count);
}

const SEARCHED = 4;

async function examine(
  model: LanguageModel,
  given: readonly RaditExample[],
  { maxNewTokens = 64, seed = 0 }: LabSettings,
  { read = 1 }: RaditGround,
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  const examples = await searched(given, Math.max(SEARCHED, read + 1));
  const settings = { maxTokens: maxNewTokens, seed };
  const first = examples.map(({ retrieved }) => retrieved.slice(0, read).map(({ text }) => text));
  const wrong = examples.map(({ retrieved, right }) =>
    right === undefined ? [] : retrieved.flatMap(({ text }) => (text === right ? [] : [text])).slice(0, read),
  );
  const answers = await over(model, examples, first, settings, control);
  const distracted = await over(model, examples, wrong, settings, control);
  const scores = await model.score(
    examples.map(({ question, answer }, row) => {
      const { messages } = fittingQuestion(model, first[row]!, question, maxNewTokens);
      const talk = { messages: [...messages, { role: "assistant" as const, content: answer }] };
      return renderedRows(model.format, talk, { learn: "last-answer" })[0]!;
    }),
    control,
  );
  return examples.map(({ id, answer, right }, row) => {
    const [text, score, other] = [answers[row]!, scores[row]!, distracted[row]!];
    const measures = {
      exactMatch: exactMatch(text, answer),
      tokenF1: tokenF1(text, answer),
      answerPerplexity: Math.exp(score.loss / Math.max(1, score.tokens)),
      ...(wrong[row]!.length > 0
        ? { distractorExactMatch: exactMatch(other, answer), distractorF1: tokenF1(other, answer) }
        : {}),
    };
    const hit = right === undefined ? null : first[row]!.includes(right);
    const detail = { score, wanted: answer, passages: first[row]!, hit, distracted: other };
    return { id, text, measures, detail };
  });
}

function over(
  model: LanguageModel,
  examples: readonly RaditExample[],
  passages: readonly (readonly string[])[],
  settings: { readonly maxTokens: number; readonly seed: number },
  control?: RunControl,
): Promise<readonly string[]> {
  const prompts = examples.map(({ question }, row) => {
    return fittingQuestion(model, passages[row]!, question, settings.maxTokens);
  });
  return answersTo(model, prompts, settings, control);
}
