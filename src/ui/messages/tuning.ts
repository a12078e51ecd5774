import type { LadderView, Rung, RungName, Task } from "../../app/studio-training.ts";
import { bytes, count, difference, duration, metric } from "../format.ts";

const TASKS: Readonly<Record<Task, { name: string; text: string }>> = {
  adapter: {
    name: "Adapter",
    text: "A small change to the question's vector. Seconds; the index stays as it is.",
  },
  router: {
    name: "Router",
    text: "Picks a data source or tool for a question. Seconds to minutes.",
  },
  "cross-encoder": {
    name: "Re-ranker",
    text: "Reads question and passage together and orders the first hundred anew. Minutes.",
  },
  lora: {
    name: "LoRA",
    text: "Low-rank changes beside the frozen encoder: a small file. Minutes; passages are embedded anew.",
  },
  encoder: {
    name: "Full fine-tune",
    text: "Every weight of the encoder. The longest; passages are embedded anew.",
  },
};

const FIELDS: Readonly<Record<string, { name: string; hint: string }>> = {
  "loss.kind": { name: "Loss", hint: "What the model is taught by. MNRL wants only questions and passages." },
  loss: { name: "Loss", hint: "How right and wrong passages of a question are compared." },
  "loss.scale": { name: "Scale (1 / temperature)", hint: "20 is temperature 0.05." },
  "matryoshka.dimensions": {
    name: "Matryoshka widths",
    hint: "Prefixes of the vector that must work alone, the full width among them: 384, 192, 96.",
  },
  epochs: { name: "Epochs", hint: "Passes over the training questions." },
  batchSize: { name: "Batch size", hint: "Questions per step; each is a negative for the others." },
  negativesPerQuestion: {
    name: "Hard negatives a question",
    hint: "Extra wrong passages. Left alone: one that you accepted under Data, else none; a number has the rest mined.",
  },
  learningRate: { name: "Learning rate", hint: "Peak, after warm-up." },
  weightDecay: { name: "Weight decay", hint: "Not of biases and layer norms." },
  warmup: { name: "Warm-up", hint: "Share of all steps." },
  clip: { name: "Gradient clip", hint: "Longest gradient of a step." },
  maxTokens: { name: "Tokens of a text", hint: "Longer ones are cut while training. Fewer are faster." },
  "validation.share": { name: "Held out", hint: "Share of the training documents that judges on the way." },
  "validation.every": { name: "Look every", hint: "Share of all steps between two looks." },
  "validation.patience": { name: "Patience", hint: "Looks without a new best before the run stops." },
  anchorWeight: { name: "Anchor", hint: "How strongly general questions are held in place, where given." },
  miniBatch: { name: "Mini-batch", hint: "Questions in memory at once under cached MNRL." },
  recomputation: { name: "Recompute layers", hint: "Less memory for about a third more time." },
  dropout: {
    name: "Dropout as the model asks",
    hint: "Switched off, training is steadier and overfits sooner.",
  },
  "lora.rank": { name: "Rank", hint: "Width of the low-rank change." },
  "lora.alpha": { name: "Alpha", hint: "The change is scaled by alpha / rank." },
  "lora.rsLora": { name: "Scale by √rank (rsLoRA)", hint: "Steadier for large ranks." },
  "lora.targets": { name: "Layers", hint: "Which linear layers get a change." },
  "lora.dropout": { name: "LoRA dropout", hint: "Share of inputs dropped before the change." },
  positiveWeight: { name: "Weight of right pairs", hint: "Above 1 where wrong pairs outnumber them." },
  trainer: {
    name: "Trainer",
    hint: "Matches questions with descriptions, reads both together, or sorts vectors. The last takes seconds.",
  },
  tune: { name: "What it tunes", hint: "The question's adapter, or the whole encoder." },
  scale: { name: "Scale (1 / temperature)", hint: "20 is temperature 0.05." },
  negatives: { name: "Wrong choices a question", hint: "Pairs that teach what is not right." },
  precision: {
    name: "Precision wanted",
    hint: "Of answers that are given; below it the answer is “none of these”.",
  },
  seed: { name: "Seed", hint: "The same seed gives the same run on the same device." },
};

const CHOICES: Readonly<Record<string, string>> = {
  mnrl: "MNRL (in-batch negatives)",
  "symmetric-mnrl": "Symmetric MNRL",
  "cached-mnrl": "Cached MNRL (large batches)",
  triplet: "Triplet",
  cosent: "CoSENT (graded)",
  "margin-mse": "MarginMSE (from a re-ranker)",
  "kl-distillation": "KL distillation (from a re-ranker)",
  bce: "Right or wrong (BCE)",
  listwise: "Listwise",
  embedding: "Question to description",
  "cross-encoder": "Cross-encoder",
  softmax: "Softmax head (seconds)",
  adapter: "Adapter on the question",
  encoder: "Whole encoder",
  "all-linear": "All linear layers",
  query: "Query",
  key: "Key",
  value: "Value",
  "attention.output.dense": "Attention output",
  "intermediate.dense": "Feed-forward in",
  "output.dense": "Feed-forward out",
};

const RUNGS: Readonly<Record<RungName | "base", string>> = {
  base: "Base",
  instruction: "Instruction",
  fusion: "Fusion",
  adapter: "Adapter",
  "re-ranker": "Re-ranker",
  lora: "LoRA",
  full: "Full fine-tune",
};

const RUNG_TEXTS: Readonly<Record<RungName, string>> = {
  instruction: "The model's instruction before every question.",
  fusion: "Weights of words and vectors, fitted.",
  adapter: "A small change to the question's vector.",
  "re-ranker": "A second model orders the first hundred anew.",
  lora: "Low-rank changes of the encoder.",
  full: "All weights of the encoder.",
};

const RUNG_STATES: Readonly<Record<Rung["state"], string>> = {
  untried: "not tried",
  running: "running",
  paused: "paused",
  better: "better",
  "no-gain": "no gain",
};

/** A rung's name inside a sentence. */
function nameIn(rung: RungName | "base"): string {
  return rung === "lora" ? RUNGS.lora : RUNGS[rung].toLowerCase();
}

export const tuning = {
  tasks: TASKS,
  base: "Starts from",
  onlyBase: "The only model with weights here; add others under Models.",
  onVectors: "This way learns on the vectors of the project's embedding model, chosen under Data, Sources.",
  field: (path: string): { name: string; hint: string } => FIELDS[path] ?? { name: path, hint: "" },
  choice: (value: string): string => CHOICES[value] ?? value,
  left: "left to the run",
  numbersProblem: "Use whole numbers, parted by commas.",
  embedAgain: "Texts to embed again",
  embedAgainText: (texts: number, seconds: number | null): string =>
    seconds === null ? count(texts) : `${count(texts)}, about ${duration(seconds)}`,
  trained: "Trained weights",
  trainedText: (trained: number, total: number): string => `${count(trained)} of ${count(total)}`,
  steps: "Steps",
  kept: "Kept in this browser",
  keptText: (checkpoint: number, free: number | null): string =>
    free === null ? bytes(checkpoint) : `${bytes(checkpoint)} of ${bytes(free)} free`,
  measuring: "Five steps are timed on this device…",

  ladder: "The ladder",
  ladderHint: (questions: number): string =>
    `Cheapest first. Each rung is judged inside the hybrid search on ${count(questions)} held-out questions, and kept only ` +
    "where it gains more than one standard error.",
  rungs: RUNGS,
  rungTexts: RUNG_TEXTS,
  rungStates: RUNG_STATES,
  rungMrr: (mrr: number): string => `${metric(mrr)} MRR@10`,
  rungGain: (rung: Rung): string =>
    rung.gain === null
      ? ""
      : `${difference(rung.gain.value)} ± ${rung.gain.standardError.toFixed(3)} over ${nameIn(rung.over ?? "base")}`,
  present: "in use",
  climb: (rung: RungName): string => `Try ${nameIn(rung)}`,
  climbAnyway: (rung: RungName): string => `Try ${nameIn(rung)} anyway`,
  open: (rung: RungName): string => `Open the run of ${nameIn(rung)}`,
  top: ({ present }: LadderView): string => `Best so far: ${nameIn(present)}.`,
} as const;
