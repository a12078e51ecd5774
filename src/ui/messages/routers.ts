import type { RouteSide, RouterView } from "../../app/studio-routers.ts";
import type { Calibration } from "../../domain/eval/calibration.ts";
import type { RouterReport } from "../../domain/eval/classification.ts";
import { count, percent, plural, points } from "../format.ts";

export const routers = {
  title: "Choices",
  text: "A router picks the data source or tool for a question. Name the choices, say what each is for, and give some questions.",
  add: "Add a choice",
  change: "Change",
  edit: (name: string): string => `Change ${name}`,
  remove: (name: string): string => `Remove ${name}`,
  name: "Name",
  description: "What it is for",
  choiceQuestions: (questions: number): string => plural(questions, "question", "questions"),
  importFiles: "Import choices and questions",
  importHint:
    "A router JSON, choices and examples as CSV or JSONL, or a LlamaIndex dataset. It replaces what is here.",
  imported: (choices: number, questions: number): string =>
    `${plural(choices, "choice", "choices")} and ${plural(questions, "question", "questions")} imported.`,
  generate: "Write questions by rules",
  exportData: "Save as a file",
  counts: ({ questions }: RouterView): string =>
    `${count(questions.train)} to train, ${count(questions.test)} to judge, ${count(questions.none)} that fit no choice.`,
  examples: "Example questions",
  addExample: "Add a question",
  question: "Question",
  rightChoices: "Right choices",
  none: "None of these",
  made: "Made by",
  removeExample: (text: string): string => `Remove “${text}”`,
  emptyText:
    "A router is optional: it is for those who have several indexes or tools. Add two choices, or import them.",
  train: "Train the router",

  /** Accuracy counts the questions that have a right choice. */
  sentence: ({ rows, examples, tuned }: RouterReport): string => {
    const answerable = rows.filter(({ right }) => right.length > 0).length;
    const counted = plural(answerable || examples, "unseen question", "unseen questions");
    return `Picks the right choice for ${percent(tuned.accuracy, 1)} of ${counted}`;
  },
  against: ({ base, delta }: RouterReport): string => {
    if (!base || !delta) return ".";
    const { value, low, high } = delta.accuracy;
    return `, ${points(value)} points against ${percent(base.accuracy, 1)} before (95\u00a0%\u00a0CI ${points(low)}…${points(high)}).`;
  },
  calibrated: ({ threshold, precision, reached, accepted }: Calibration): string =>
    `${reached ? "" : "The wanted precision was not reached. "}Below a probability of ${threshold.toFixed(2)} it answers “none of these”: ` +
    `${percent(precision.value)} of what it does answer is right (95\u00a0%\u00a0CI ${percent(precision.low)}–${percent(precision.high)}), ` +
    `and it answers ${percent(accepted)} of the calibration questions.`,
  figures: "Figures",
  before: "Base",
  after: "Tuned",
  measures: {
    accuracy: "Accuracy",
    mrr: "MRR",
    accuracyWithNone: "Accuracy with “none of these”",
    accepted: "Answered",
    precision: "Precision of answers",
    macroF1: "F1, mean over choices",
    ece: "Expected calibration error",
  },
  perChoice: "Each choice",
  exampleCount: "Questions",
  precisionOf: "Precision",
  recall: "Recall",
  f1: "F1",
  confusion: "What was right, and what was said",
  confusionHint: "A row is what was right, a column what the router said.",
  confused: "Most frequent mistakes",
  mistake: (right: string, said: string, times: number): string =>
    `“${right}” taken for “${said}”: ${plural(times, "time", "times")}`,
  detectable: (value: number): string =>
    `With this many questions a difference of ${points(value).replace("+", "")} points of accuracy would show four times in five.`,

  routeTitle: "Route a question",
  route: "Route",
  routing: "Routing…",
  routeLabel: "Question to route",
  which: "Router",
  chosen: (side: RouteSide, name: string | null): string =>
    name === null
      ? `None of these: the best is right with ${percent(side.probability)}, below ${percent(side.threshold)}.`
      : `${name}, right with ${percent(side.probability)}.`,
  took: (milliseconds: number): string => `${count(Math.round(milliseconds))} ms`,
} as const;
