import { renderedRows } from "../../chat/rendered-row.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import { mean } from "../../eval/statistics.ts";
import type { LanguageModel, SequenceScore } from "../../generate/language-model.ts";
import type { Encoder, RunControl } from "../../ports.ts";
import { answersTo } from "../answered.ts";
import type { LabAnswer, LabMeasure, LabSettings, LabTask } from "../lab-task.ts";
import { exactMatch, rougeL, tokenF1 } from "./answer-overlap.ts";
import { readDistilRows, type DistilExample } from "./distil-example.ts";
import { faithfulnessByJudge, faithfulnessByWords } from "./faithfulness.ts";
import { relevancies } from "./relevancy.ts";

/** What judges answers beside words; nothing of it is needed. */
export interface DistilGround {
  readonly encoder?: Encoder; // of answer relevancy, else counts of words
  readonly judge?: LanguageModel; // of faithfulness, else words
}

const share = { better: "higher", unit: "share" } as const;

/** Perplexity of the teacher's answers over all their tokens: e to the mean of −ln p. */
export function perplexityOf(answers: readonly LabAnswer[], detail = "score"): number | undefined {
  let [loss, tokens] = [0, 0];
  for (const answer of answers) {
    const own = answer.detail?.[detail] as SequenceScore | undefined;
    if (!own) continue;
    loss += own.loss;
    tokens += own.tokens;
  }
  return tokens > 0 ? Math.exp(loss / tokens) : undefined;
}

const MEASURES: readonly LabMeasure[] = [
  {
    key: "perplexity",
    label: "Perplexity",
    meaning: "How surprised the model is by the teacher's own words: 1 would be not at all.",
    ...{ better: "lower", unit: "number" },
    summary: (answers) => perplexityOf(answers),
  },
  {
    key: "tokenF1",
    label: "Word F1",
    meaning: "How many words its answer has in common with the teacher's.",
    ...share,
  },
  { key: "rougeL", label: "ROUGE-L", meaning: "The same, with the words in order.", ...share },
  {
    key: "exactMatch",
    label: "Exact match",
    meaning: "Answers that are the teacher's word for word, but for case, articles and punctuation.",
    ...share,
  },
  {
    key: "answerRelevancy",
    label: "Answer relevancy",
    meaning: "How near the answer is to what was asked.",
    ...share,
  },
  {
    key: "faithfulness",
    label: "Faithfulness",
    meaning: "Share of what the answer states that its context supports.",
    ...share,
  },
  {
    key: "ragasScore",
    label: "Ragas score",
    meaning:
      "Relevancy and faithfulness in one number that is low where one of them is (their harmonic mean).",
    ...share,
    summary: ragasScore,
  },
];

/** 2ab/(a + b) of the means of relevancy and faithfulness, over rows that have both. */
function ragasScore(answers: readonly LabAnswer[]): number | undefined {
  const both = answers.filter(({ measures }) => measures["faithfulness"] !== undefined);
  if (both.length === 0) return undefined;
  const of = (key: string): number => mean(both.map(({ measures }) => measures[key]!));
  return harmonic(of("answerRelevancy"), of("faithfulness"));
}

function harmonic(a: number, b: number): number {
  return a + b === 0 ? 0 : (2 * a * b) / (a + b);
}

/** Distillation: a small model learns the answers of a large one. */
export function distilTask(ground: DistilGround = {}): LabTask<DistilExample> {
  return {
    id: "sft",
    measures: MEASURES,
    maxNewTokens: 256,
    read: readDistilRows,
    conversations: ({ chat }) => [chat],
    examine: (model, examples, settings, control) => examine(model, examples, settings, ground, control),
  };
}

async function examine(
  model: LanguageModel,
  examples: readonly DistilExample[],
  { maxNewTokens = 256, seed = 0 }: LabSettings,
  { encoder, judge }: DistilGround,
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  const prompts = examples.map(({ chat }) => withoutAnswer(chat));
  const texts = await answersTo(model, prompts, { maxTokens: maxNewTokens, seed }, control);
  const scores = await teacherScores(model, examples, control);
  const asked = examples.map(({ question }, row) => ({ question, answer: texts[row]! }));
  const near = await relevancies(asked, encoder, control);
  const grounded = await faithfulnesses(examples, texts, judge, control);
  return examples.map(({ id, answer, context }, row) => {
    const [text, score, faithful] = [texts[row]!, scores[row]!, grounded[row]];
    const measures = {
      perplexity: Math.exp(score.loss / Math.max(1, score.tokens)),
      tokenF1: tokenF1(text, answer),
      rougeL: rougeL(text, answer),
      exactMatch: exactMatch(text, answer),
      answerRelevancy: near[row]!,
      ...(faithful === undefined
        ? {}
        : { faithfulness: faithful, ragasScore: harmonic(near[row]!, faithful) }),
    };
    return { id, text, measures, detail: { score, teacher: answer, ...(context ? { context } : {}) } };
  });
}

/** The teacher's answers as the model would have had to write them. */
async function teacherScores(
  model: LanguageModel,
  examples: readonly DistilExample[],
  control?: RunControl,
): Promise<readonly SequenceScore[]> {
  const rows = examples.map(({ chat }) => renderedRows(model.format, chat, { learn: "last-answer" })[0]!);
  return model.score(rows, control);
}

/** Undefined where a row has no context, or its answer states nothing: both say nothing about faith. */
async function faithfulnesses(
  examples: readonly DistilExample[],
  texts: readonly string[],
  judge: LanguageModel | undefined,
  control?: RunControl,
): Promise<readonly (number | undefined)[]> {
  const rows = examples.map(({ context = "" }, row) => ({ answer: texts[row]!, context }));
  const judged = judge && (await faithfulnessByJudge(judge, rows, control));
  return rows.map(({ answer, context }, row) => {
    if (context === "") return undefined;
    return judged ? judged[row] : faithfulnessByWords(answer, context);
  });
}

function withoutAnswer({ messages, functions }: Conversation): Conversation {
  return { messages: messages.slice(0, -1), ...(functions ? { functions } : {}) };
}
