import type {
  LabArm,
  LabEstimate,
  LabPlan,
  LabRunSummary,
  LabRunView,
  LabSide,
  LabStage,
} from "../../app/studio-lab.ts";
import type { LabFigure } from "../../domain/lab/compare.ts";
import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import { bytes, count, duration, percent, plural, points, significant } from "../format.ts";

const SIDES: Readonly<Record<LabSide, string>> = {
  train: "Rows to learn",
  test: "Rows to judge by",
  replay: "What must not be forgotten",
};

const SIDE_HINTS: Readonly<Record<LabSide, string>> = {
  train:
    "The model learns these. Without a second file a fifth of them, whole groups, is held out to judge by.",
  test: "Optional. Both models are asked these; none of them is learnt.",
  replay: "Optional. A quarter of what is trained on, so that the model keeps what it can do already.",
};

const STAGES: Readonly<Record<LabStage, string>> = {
  loading: "Reading the model and the rows",
  training: "Training",
  "scoring-passages": "Reading which passages help the tuned model",
  "tuning-retriever": "Tuning the search",
  "asking-base": "Asking the base model",
  "asking-tuned": "Asking the tuned model",
  "asking-retriever": "Asking both over the tuned search",
  done: "Done",
};

const STATES: Readonly<Record<LabRunSummary["state"], string>> = {
  running: "running",
  paused: "paused",
  interrupted: "interrupted",
  failed: "failed",
  finished: "finished",
  stopped: "stopped and kept",
};

export const ARMS: Readonly<Record<LabArm, string>> = {
  base: "Base",
  tuned: "Tuned",
  "base-constrained": "Base, constrained",
  "tuned-constrained": "Tuned, constrained",
};

export function figureText({ unit }: Pick<LabFigure, "unit">, value: number): string {
  return unit === "share" ? percent(value, 1) : significant(value);
}

export function changeText({ unit, delta }: Pick<LabFigure, "unit" | "delta">): string {
  const show = unit === "share" ? points : signedNumber;
  return `${show(delta.value)} [${show(delta.low)}, ${show(delta.high)}]`;
}

function signedNumber(value: number): string {
  const text = significant(Math.abs(value));
  return value === 0 ? text : value > 0 ? `+${text}` : `\u2212${text}`;
}

export const lab = {
  title: "Language models",
  lead: "Teach a small language model one thing with LoRA, in this tab, and read beside its base whether it learnt it.",
  homeTitle: "Language models",
  homeText:
    "SQL, function calls, agents, judges and more: ten systems, each tuned and judged here, each with a sample.",
  homeAction: "Open the lab",
  systemsTitle: "What should the model learn?",
  sample: "Try the sample",
  sampleOf: (title: string): string => `Try the sample of ${title}`,
  own: "Use my rows",
  ownOf: (title: string): string => `Use my rows for ${title}`,
  opening: "Opening…",
  projects: "Projects of the lab",
  projectsEmpty: "None yet. A sample becomes the first one.",
  projectGone: "It was removed, or it lies in another browser: a project moves as its .zip.",
  counts: (rows: number, runs: number): string =>
    `${plural(rows, "row", "rows")}, ${plural(runs, "run", "runs")}`,
  nameTitle: "A new project",
  name: "Name",
  create: "Create the project",
  openZip: "Open a project's .zip",
  exportZip: "Export .zip",
  exportingZip: "Packing…",
  renameTitle: "Rename the project",
  removeTitle: (name: string): string => `Remove “${name}”?`,
  removeText: "Its rows, runs and kept answers are deleted from this browser.",
  toLab: "All projects of the lab",

  sides: SIDES,
  sideHints: SIDE_HINTS,
  rowForm: (text: string): string => `A row holds: ${text}`,
  chooseFile: "Drop a file or choose one",
  chooseHint: "JSONL, CSV or Parquet; it stays in this browser.",
  replace: "Replace",
  removeFile: "Remove",
  fileFacts: (rows: number, size: number): string => `${plural(rows, "row", "rows")}, ${bytes(size)}`,
  badRows: (notes: number): string => `${plural(notes, "row has a note", "rows have notes")}`,
  noteLine: (line: number, reason: string, skipped: boolean): string =>
    `Line ${line}: ${reason}${skipped ? " It is left out." : ""}`,
  skip: "Read it without its bad rows",
  splitLine: (train: { rows: number; groups: number }, test: { rows: number; groups: number }): string =>
    `${plural(train.rows, "row", "rows")} to learn (${plural(train.groups, "group", "groups")}), ${count(test.rows)} to judge by (${plural(test.groups, "group", "groups")}).`,
  splitHow: (system: LabTaskId, byFile: boolean): string =>
    system === "memorise"
      ? "What is learnt is asked again, in other words, too, beside facts that are never learnt."
      : byFile
        ? "The second file judges; nothing of it is learnt."
        : "Held out by whole groups, so that nothing judged was learnt in another row.",
  shared: (groups: number): string =>
    `${plural(groups, "group stands", "groups stand")} on both sides: those rows judge what was learnt, not what is new.`,
  estimateTitle: "Check and estimate",
  estimateLine: ({ examples, totalTokens, epochs, longest, tooLong }: LabEstimate): string =>
    `${plural(examples, "conversation", "conversations")}, the longest of ${count(longest)} tokens; ${plural(epochs, "epoch", "epochs")} as OpenAI would choose are ${count(totalTokens)} tokens.${tooLong > 0 ? ` ${count(tooLong)} are too long for the bundled model.` : ""}`,
  noFaults: "LlamaIndex's check finds no fault.",
  faults: (faults: readonly (readonly [string, number])[]): string =>
    `LlamaIndex's check finds: ${faults.map(([name, times]) => `${name.replaceAll("_", " ")} (${count(times)})`).join(", ")}. Retune reads what it can all the same.`,
  price: "A service's price of a million tokens",
  priceHint: "Training here costs nothing; type a price to compare.",
  priceLine: (tokens: number, price: number): string =>
    `A service would charge ${significant((tokens * price) / 1e6)}.`,
  rowsTitle: "Rows",
  prompt: "What the model reads",
  answer: "What it should say",
  line: (line: number): string => `line ${line}`,
  more: "Show more rows",
  toTrain: "Train on these rows",

  setup: "Setup",
  run: "Run",
  history: "History",
  base: "Start from",
  baseHint: (parameters: number, tokens: number): string =>
    `${millions(parameters)} parameters, reads up to ${count(tokens)} tokens`,
  nanoHint:
    "The bundled model is tiny and knows only the language of the samples, with placeholders for names. Your own rows need a real model: add its folder under Models.",
  sampleHint:
    "The sample is written in the bundled model's few words; a larger model learns it, too, but shows little of what it can do.",
  precision: "Base weights kept as",
  precisions: { auto: "What suits the device", f32: "f32", f16: "f16", q8: "8 bits", q4: "4 bits" },
  rank: "LoRA rank",
  epochs: "Epochs",
  learningRate: "Learning rate",
  batchSize: "Rows in a batch",
  maxTokens: "Longest row, in tokens",
  judgedRows: "Rows to judge by, at most",
  learn: "Learn from",
  learns: { answers: "all answers", "last-answer": "the last answer only", everything: "the whole text" },
  constrain: "Also judge answers that are held to the schema or grammar",
  fieldProblem: (low: number, high: number): string =>
    `Use a number from ${significant(low)} to ${significant(high)}.`,
  plan: "What a run takes",
  planning: "Measuring five steps on this device…",
  measure: "Measure on this device",
  planRows: (plan: LabPlan): readonly (readonly [string, string])[] => [
    ["Device", plan.backend],
    ["Time to train", `about ${duration(plan.secondsToTrain)}`],
    ["Steps", count(plan.steps)],
    ["Tokens", `${count(plan.tokens)}, of which ${count(plan.learntTokens)} are learnt`],
    ["Weights that train", `${count(plan.trainedParameters)} of ${count(plan.totalParameters)}`],
    ["Memory", bytes(plan.peakBytes)],
    ["Checkpoints", bytes(2 * plan.checkpointBytes)],
  ],
  start: "Start training",
  starting: "Starting…",
  runTitle: (number: number): string => `Run ${number}`,
  states: STATES,
  stages: STAGES,
  pause: "Pause",
  resume: "Resume",
  stop: "Stop and keep",
  discard: "Discard",
  discardTitle: (number: number): string => `Discard run ${number}?`,
  discardText: "What it learnt and its results are deleted from this browser.",
  seeResults: "See the results",
  noRun: "No run yet",
  noRunText: "Set one up and start it; it is shown here while it trains.",
  progress: (run: LabRunView): string => {
    const { done, total, etaSeconds } = run.progress;
    const left = etaSeconds === null ? "" : `, about ${duration(etaSeconds)} left`;
    return total === 0 ? "" : `${count(done)} of ${count(total)}${left}`;
  },
  speed: (tokens: number): string => `${count(Math.round(tokens))} tokens a second`,
  loss: "Loss",
  lossSummary: (loss: number, steps: number): string =>
    `The loss stands at ${significant(loss)} after ${count(steps)} points.`,
  perplexity: "Perplexity of rows held back",
  perplexitySummary: (best: number): string =>
    `The best look was ${significant(best)}; its weights are kept.`,
  took: (seconds: number): string => `It took ${duration(seconds)}.`,
  unfinished: (name: string, { number, state }: LabRunSummary): string =>
    state === "paused"
      ? `${name}: run ${number} is paused.`
      : `${name}: run ${number} stopped when the page closed.`,
  elsewhere: "Another tab trains this run. It is only shown here.",
  interruptedText:
    "The page closed while it trained. It goes on from its last checkpoint to the very same weights.",

  resultsEmpty: "Nothing judged yet",
  resultsEmptyText: "Train a run; base and tuned are asked the same rows afterwards, and compared here.",
  verdicts: { better: "It learnt it", worse: "It got worse", "cannot-tell": "No reliable change" },
  sentence: (figure: LabFigure): string =>
    `${figure.label}: ${figureText(figure, figure.base)} before, ${figureText(figure, figure.tuned)} after.`,
  judgedOn: (rows: number, groups: number): string =>
    `Judged on ${plural(rows, "held-out row", "held-out rows")} of ${plural(groups, "group", "groups")}; intervals hold 95 % and treat rows of a group as one.`,
  figuresTitle: "Figures",
  constrainedTitle: "Held to the schema or grammar",
  constrainedText: "The form is given for free here; what is left is what tuning adds.",
  measure2: "Measure",
  before: "Base",
  after: "Tuned",
  change: "Change [95 %]",
  mcnemar: (base: number, tuned: number): string =>
    tuned + base === 0
      ? "the same rows"
      : `only tuned: ${plural(tuned, "row", "rows")}; only base: ${plural(base, "row", "rows")}`,
  answersTitle: "Answers side by side",
  filters: { all: "All", won: "Gained", lost: "Lost", wrong: "Still wrong" },
  changes: { all: "All", won: "Better", lost: "Worse", wrong: "As before" },
  noRows: "No row is like that.",
  expected: "Expected",
  right: "right",
  wrong: "wrong",
  empty: "(nothing)",
  runChoice: "Run",

  playTitle: "Playground",
  ask: "Ask",
  asking: "Asking…",
  stopAsking: "Stop",
  askLabel: "A question of your own",
  askEmpty: "Base and tuned answer side by side.",
  askRow: "Ask a held-out row",
  temperature: "Temperature",
  maxNewTokens: "Longest answer, in tokens",
  constrained: "Hold answers to held-out rows to their schema or grammar",
  noTuned: "There is no tuned model yet; the base answers alone.",
  keep: "Keep as an example",
  edit: "Correct it first",
  kept: "Kept",
  keptTitle: "Kept answers",
  keptText: "Answers you kept or corrected, as rows to learn from.",
  keptNone: "None yet.",
  edited: "corrected",
  exportKept: "Export as chat JSONL",

  modelsTitle: "Models of the lab",
  modelsText:
    "Llama, Qwen 2.5 and Qwen 3 type models as folders saved by transformers: config.json, safetensors, tokenizer.",
  addModel: "Add a model's folder",
  addModelHint: "It is read tensor by tensor and kept in this browser.",
  adding: "Reading the folder…",
  origins: { site: "bundled", folder: "from a folder", hub: "from the hub" },
  modelFacts: (parameters: number, size: number): string =>
    `${millions(parameters)} parameters, ${bytes(size)}`,
  removeModelTitle: (name: string): string => `Remove ${name}?`,
  removeModelText:
    "Its files are deleted from this browser. Runs that started from it need it to be asked or exported.",
  takeAway: "Take it away",
  exportsEmpty: "Runs can be taken away once they were judged.",
  formats: {
    peft: "LoRA for PEFT",
    merged: "Whole model, safetensors",
    gguf: "LoRA for llama.cpp (GGUF)",
    retriever: "Search adapter for LlamaIndex",
    "report-json": "Figures as JSON",
  },
  about: (size: number | null): string => (size === null ? "" : `about ${bytes(size)}`),
  exporting: "Writing and reading back…",
  exported: (verified: string): string => `Done: ${verified}.`,
  jobFile: "Job file for the command line",
} as const;

/** "134.5 M", "0.84 M": sizes of models as people say them. */
function millions(parameters: number): string {
  const value = parameters / 1e6;
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} M`;
}
