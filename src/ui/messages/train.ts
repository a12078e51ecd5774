import type { RunState, RunStage, RunSummary, RunView, Task } from "../../app/studio-training.ts";
import type { Activation } from "../../domain/models/adapter-config.ts";
import {
  bytes,
  count,
  difference,
  duration,
  metric,
  percent,
  plural,
  points,
  significant,
} from "../format.ts";
import type { AdapterKind, NumericSetting, SettingChange, TrainingMode } from "../recipe.ts";

const STATES: Readonly<Record<RunState, string>> = {
  running: "running",
  paused: "paused",
  interrupted: "interrupted",
  failed: "failed",
  finished: "finished",
  stopped: "stopped early",
};

const STAGES: Readonly<Record<RunStage, string>> = {
  embedding: "Embedding texts",
  searching: "Choosing settings on held-out groups",
  training: "Training on everything",
  "embedding-again": "Embedding with the tuned model",
  evaluating: "Judging on unseen questions",
  done: "Done",
};

const TASKS: Readonly<Record<Task, string>> = {
  adapter: "Adapter",
  encoder: "Full fine-tune",
  lora: "LoRA",
  "cross-encoder": "Re-ranker",
  router: "Router",
};

const RECIPES: Readonly<Record<AdapterKind, { name: string; text: string }>> = {
  linear: {
    name: "Linear adapter",
    text: "One matrix over the question's vector. It starts as the identity, so it begins exactly as good as the base.",
  },
  "two-layer": {
    name: "Two-layer adapter",
    text: "A hidden layer with a residual path. Can bend the space more; wants more questions.",
  },
  custom: { name: "Own stack", text: "Compose layers, widths and activations yourself." },
};

const MODES: Readonly<Record<TrainingMode, { name: string; text: string }>> = {
  recommended: {
    name: "Recommended",
    text: "Shuffled, false negatives masked, and every open setting chosen on groups held out of the training questions.",
  },
  compatible: {
    name: "Compatible with LlamaIndex",
    text: "Its order, schedule and defaults, for reproducing a run made there.",
  },
};

const SETTINGS: Readonly<Record<SettingChange["name"], string>> = {
  epochs: "Epochs",
  batchSize: "Batch size",
  learningRate: "Learning rate",
  scale: "Scale (1 / temperature)",
  alpha: "Merge α",
  seed: "Seed",
  mode: "Mode",
  adapter: "Adapter",
  queryInstruction: "Query instruction",
};

const ACTIVATIONS: Readonly<Record<Activation, string>> = {
  relu: "ReLU",
  tanh: "tanh",
  sigmoid: "sigmoid",
  leaky_relu: "leaky ReLU",
  gelu: "GELU",
  identity: "none",
};

const HINTS: Readonly<Record<NumericSetting, string>> = {
  epochs: "Passes over the training questions.",
  batchSize: "Questions per step; each is a negative for the others.",
  learningRate: "Peak, after warm-up.",
  scale: "20 is temperature 0.05.",
  alpha: "How much of the adapter is blended with the identity: 0 none, 1 all.",
};

/** What the two modes mean for models with weights. */
const MODEL_MODES: Readonly<Record<TrainingMode, { name: string; text: string }>> = {
  recommended: {
    name: "Recommended",
    text: "Neighbouring passages in one batch, false negatives masked, looks at held-out documents, the best step kept.",
  },
  compatible: {
    name: "Compatible with sentence-transformers",
    text: "Its order, schedule and defaults, for reproducing a run made there.",
  },
};

/** A router's result: how many questions it sends right, and against its base where it has one. */
function routed({ verdict, accuracy, accuracyDelta }: RunSummary): string {
  const change = accuracyDelta === undefined ? "" : ` (${points(accuracyDelta)} points)`;
  const right = accuracy === undefined ? "" : `${percent(accuracy, 1)} right`;
  const outcome = verdict === "cannot-tell" ? "no reliable change" : verdict;
  const judged = accuracyDelta === undefined ? "" : `${outcome}${change}`;
  return [right, judged].filter((part) => part !== "").join(", ") || STATES.finished;
}

export const train = {
  tasks: TASKS,
  title: "Train",
  tabs: { setup: "Setup", run: "Run", history: "History" },
  states: STATES,
  recipe: "What to train",
  whichAdapter: "Which adapter",
  recommended: "recommended",
  recipes: RECIPES,
  mode: "How",
  modes: MODES,
  modesOf: (task: Task): typeof MODES => (task === "adapter" ? MODES : MODEL_MODES),
  instruction: "Put the model's instruction in front of every question",
  instructionHint: (text: string): string => `“${text.trim()}” The base is then judged with it as well.`,
  advanced: "Advanced",
  changed: (changes: number): string =>
    changes === 0 ? "nothing changed" : plural(changes, "change", "changes"),
  changeText: (change: SettingChange): string => `${SETTINGS[change.name]}: ${change.from} → ${change.to}`,
  reset: "Back to the defaults",
  settings: SETTINGS,
  hints: HINTS,
  chosenByRetune: "chosen",
  fromLlamaIndex: (value: number): string => significant(value),

  layers: "Layers",
  layer: (index: number): string => `Layer ${index + 1}`,
  width: "Outputs",
  activation: "Activation",
  activations: ACTIVATIONS,
  bias: "Bias",
  hidden: "Hidden width",
  residual: "Residual path (x is added to the result)",
  addLayer: "Add a layer",
  removeLayer: (index: number): string => `Remove layer ${index + 1}`,
  stackProblems: {
    empty: "The stack has no layer.",
    "ends-elsewhere": "The last layer must have as many outputs as the vectors have dimensions.",
  },

  plan: "Before it starts",
  planning: "Working out the plan…",
  device: "Runs on",
  data: "Questions",
  dataText: (training: number, test: number): string =>
    `${count(training)} to train, ${count(test)} to judge`,
  embed: "Texts to embed",
  embedNone: "none, all vectors are here",
  memory: "Memory",
  launches: "Launches per step",
  time: "Time",
  timeUnknown: "not measured on this device yet",
  timeText: (seconds: number): string => `about ${duration(seconds)}`,
  timeBesideEmbedding: (seconds: number): string => `about ${duration(seconds)} after embedding`,
  bytes,
  start: "Start training",
  starting: "Starting…",
  startKeys: "Ctrl + Enter",
  tooLittle: "Training needs questions",
  tooLittleText: "Import a labelled dataset or let Retune write questions by rules; then come back.",
  toQuestions: "Go to Questions",
  phoneNote:
    "Phones may stop a page that is not in front. Keep it open; a stopped run resumes from its checkpoint.",

  runEmpty: "No run yet",
  runEmptyText: "Set one up and start it; it shows here while it goes.",
  toSetup: "Go to Setup",
  runTitle: (run: RunSummary): string => `Run ${run.number}`,
  /** Adapters train anew on everything once their settings are found; other tasks train once. */
  stageOf: ({ stage, recipe }: RunView): string =>
    stage === "training" && recipe.task !== "adapter" ? "Training" : STAGES[stage],
  progress: ({ progress }: RunView): string =>
    progress.total === 0 ? "" : `step ${count(progress.done)} of ${count(progress.total)}`,
  eta: (seconds: number | null): string => (seconds === null ? "" : `about ${duration(seconds)} left`),
  elapsed: (seconds: number): string => `${duration(seconds)} so far`,
  took: (seconds: number): string => `took ${duration(seconds)}`,
  pause: "Pause",
  resume: "Resume",
  stop: "Stop and keep best",
  discard: "Discard",
  discardTitle: (run: RunSummary): string => `Discard run ${run.number}?`,
  discardText: "Its weights, curves and checkpoints are deleted. This cannot be undone.",
  seeResults: "See the results",
  interrupted: (step: number): string =>
    step === 0
      ? "This run stopped when the page or the browser closed."
      : `This run stopped at step ${count(step)} when the page or the browser closed.`,
  interruptedText: (step: number): string =>
    step === 0
      ? "No checkpoint was saved yet: Resume starts from the first step and ends at the very same weights."
      : "Resume continues from the last checkpoint and ends at the very same weights.",
  elsewhere: "Another tab trains this run. You can watch it here; pause or stop it there.",
  pausedText: "Paused. The numbers below are frozen; nothing is lost if you close the page.",
  tabNote: "Background tabs may run slower; keep this window visible.",
  wakeDenied: "The browser did not allow keeping the screen awake.",

  loss: "Loss",
  lossRaw: "each step",
  lossSmooth: "smoothed",
  lossSummary: (last: number, steps: number): string =>
    `${significant(last)} after ${plural(steps, "step", "steps")}.`,
  validationOf: (task: Task): string => (task === "router" ? "Validation accuracy" : "Validation MRR@10"),
  validationLine: "held-out groups",
  validationSummary: (task: Task, best: number, step: number): string =>
    `Best so far ${metric(best)} at step ${count(step)}.` +
    (task === "adapter" ? " The line starts over with each held-out fold that is tried." : ""),
  noPoints: "The first points come in a moment.",
  learningRate: "Learning rate",
  gradientNorm: "Gradient norm",
  epoch: "Epoch",
  speed: "Speed",
  speedText: (tokens: number): string => `${count(tokens)} tokens/s`,
  buffers: "Buffers by Retune",
  saved: "Last checkpoint",
  savedAge: (seconds: number | null): string => (seconds === null ? "none yet" : `${duration(seconds)} ago`),
  backend: "Device",
  notes: "What happened",

  probes: "Three questions to watch",
  probesHint: "The rank of the right passage, before tuning and now.",
  question: "Question",
  before: "Before",
  now: "Now",
  rank: (rank: number | null): string => (rank === null ? "–" : count(rank)),

  historyEmpty: "No runs yet",
  historyEmptyText: "Every run stays in this list with its settings, result and files.",
  runColumn: "Run",
  adapterColumn: "What was trained",
  modeColumn: "Mode",
  resultColumn: "Result",
  timeColumn: "Time",
  imported: "imported",
  result: (run: RunSummary): string => {
    if (run.verdict !== undefined && run.recipe.task === "router") return routed(run);
    if (run.verdict === undefined || run.mrrDelta === undefined) return STATES[run.state];
    if (run.verdict === "cannot-tell") return `no reliable change (${difference(run.mrrDelta)} MRR@10)`;
    return `${run.verdict} (${difference(run.mrrDelta)} MRR@10)`;
  },
  openResults: "Results",
  openRun: "Run",
  reuse: "Use its settings",
} as const;
