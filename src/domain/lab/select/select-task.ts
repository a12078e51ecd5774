// A language model as the selector of a router: it reads numbered choices and the question, and its choice is the likeliest number
// of one forward pass. Only that number is learnt. Figures are those of the encoder's routers, over the same examples.
import type { Conversation } from "../../chat/template-messages.ts";
import { choiceText } from "../../data/router-dataset.ts";
import { expectedCalibrationError } from "../../eval/calibration.ts";
import { routerReport, type RouterReport, type RouterReportSettings } from "../../eval/classification.ts";
import type { ChatMessage } from "../../formats/datasets/chat.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import { matrixOf, type Matrix } from "../../matrix.ts";
import type { RunControl } from "../../ports.ts";
import type { LabAnswer, LabMeasure, LabSettings, LabTask } from "../lab-task.ts";
import { answerOdds } from "./answer-odds.ts";
import { readSelectRows, type SelectExample } from "./select-rows.ts";

const SYSTEM = "Which of the choices answers the question best? Reply with its number alone.";
const NONE = "None of these";

/** What an answer's `detail` holds. */
export interface SelectDetail {
  readonly said: number; // place of the choice, from 0; that of "none of these" is the number of choices
  readonly right: readonly number[];
  readonly probabilities: readonly number[]; // of the choices in order, then of "none of these" where it is offered
}

const MEASURES: readonly LabMeasure[] = [
  {
    key: "accuracy",
    label: "Accuracy",
    meaning: "How often the best of the choices is a right one, over questions that have one.",
    better: "higher",
    unit: "share",
  },
  {
    key: "mrr",
    label: "MRR",
    meaning:
      "One over the place of the first right choice: 1 where it is first, one half where it is second.",
    better: "higher",
    unit: "share",
  },
  {
    key: "accuracyWithNone",
    label: "Accuracy with none",
    meaning: "How often the answer is right when “none of these” is one of the answers.",
    better: "higher",
    unit: "share",
  },
  {
    key: "ece",
    label: "Calibration error",
    meaning:
      "How far the model's certainty is from how often it is right: 0 means that 80 % sure is right 80 % of the time.",
    better: "lower",
    unit: "share",
    summary: calibrationError,
  },
];

export const selectTask: LabTask<SelectExample> = {
  id: "llm-selector",
  measures: MEASURES,
  maxNewTokens: 4,
  read: readSelectRows,
  conversations: (example) => [
    {
      messages: [...selectPrompt(example), { role: "assistant", content: String(taughtNumber(example)) }],
    },
  ],
  examine,
};

/** The numbered choices and the question. */
export function selectPrompt(example: SelectExample): readonly ChatMessage[] {
  const system = example.instruction ?? SYSTEM;
  const choices = [...example.choices.map(spoken), ...(example.noneOffered ? [NONE] : [])];
  const numbered = choices.map((choice, place) => `${place + 1}. ${choice}`);
  const content = [...numbered, "", `Question: ${example.question}`].join("\n");
  return [
    ...(system === "" ? [] : [{ role: "system", content: system } as const]),
    { role: "user", content },
  ];
}

/** One line, as the encoder's routers read it. */
function spoken(choice: SelectExample["choices"][number]): string {
  return choiceText({ id: choice.name, ...choice })
    .replace(/\s*\n\s*/g, " ")
    .trim();
}

function taughtNumber({ right, choices }: SelectExample): number {
  return (right[0] ?? choices.length) + 1;
}

async function examine(
  model: LanguageModel,
  examples: readonly SelectExample[],
  _settings: LabSettings,
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  const questions = examples.map((example) => ({
    prompt: { messages: selectPrompt(example) } satisfies Conversation,
    answers: Array.from({ length: example.choices.length + Number(example.noneOffered) }, (_, place) =>
      String(place + 1),
    ),
  }));
  const odds = await answerOdds(model, questions, control);
  return examples.map((example, place) => answerOf(example, odds[place]!));
}

function answerOf(example: SelectExample, odds: Float64Array): LabAnswer {
  const { id, choices, right, noneOffered } = example;
  const ranked = odds.subarray(0, choices.length);
  const rank = Math.min(...right.map((place) => rankOf(ranked, place)));
  const said = odds.indexOf(Math.max(...odds));
  const detail: SelectDetail = { said, right, probabilities: [...odds] };
  return {
    id,
    text: `${said + 1}. ${said < choices.length ? spoken(choices[said]!) : NONE}`,
    measures: {
      ...(right.length === 0 ? {} : { accuracy: Number(rank === 1), mrr: 1 / rank }),
      ...(noneOffered ? { accuracyWithNone: Number(isRight(detail, choices.length)) } : {}),
    },
    detail: { ...detail, choices: choices.length },
  };
}

/** From 1; of equal probabilities the first in the list stands before. */
function rankOf(odds: Float64Array, place: number): number {
  return 1 + odds.filter((odd, other) => odd > odds[place]! || (odd === odds[place] && other < place)).length;
}

function isRight({ said, right }: SelectDetail, choices: number): boolean {
  return right.length === 0 ? said === choices : right.includes(said);
}

function calibrationError(answers: readonly LabAnswer[]): number | undefined {
  if (answers.length === 0) return undefined;
  const judged = answers.map(({ detail }) => {
    const own = detail as unknown as SelectDetail & { readonly choices: number };
    return { probability: own.probabilities[own.said]!, right: isRight(own, own.choices) };
  });
  return expectedCalibrationError(judged);
}

/** Answers as scores [examples, choices] of a router (ln p). Rows have the same choices. */
export function routerScores(answers: readonly LabAnswer[]): Matrix {
  const rows = answers.map(({ detail }) => {
    const { probabilities, choices } = detail as unknown as SelectDetail & { readonly choices: number };
    return Float32Array.from(probabilities.slice(0, choices), Math.log);
  });
  return matrixOf(rows);
}

/**
 * The report of the encoder's routers (confusion, figures of each choice) over a selector's answers, to stand beside theirs;
 * undefined where rows have choices of their own.
 */
export function selectorReport(
  examples: readonly SelectExample[],
  base: readonly LabAnswer[],
  tuned: readonly LabAnswer[],
  settings: RouterReportSettings,
): RouterReport | undefined {
  const choices = JSON.stringify(examples[0]?.choices);
  if (examples.some((example) => JSON.stringify(example.choices) !== choices)) return undefined;
  const rows = examples.map(({ id, group, right }) => ({ id, cluster: group, right }));
  return routerReport(rows, { scores: routerScores(tuned) }, { scores: routerScores(base) }, settings);
}
