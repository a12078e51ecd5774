import type { ExportOffer } from "../../src/app/studio-models.ts";
import type { RoutedQuestionView } from "../../src/app/studio-routers.ts";
import type { Recipe, RunResults, RunView } from "../../src/app/studio-training.ts";
import type { Delta, EvaluationReport, MetricName, Metrics } from "../../src/domain/eval/report.ts";

// Made-up results of re-rankers and routers.

const delta = (value: number, half: number): Delta => ({
  value,
  low: value - half,
  high: value + half,
  p: 0.01,
});

/** The figures of a search, all moved by the same amount. */
function moved(metrics: Metrics, by: number): Metrics {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Math.max(0, Math.min(1, value + by))]),
  ) as Metrics;
}

export function rerankResults({ systems, queries }: EvaluationReport): RunResults {
  const retrieved = systems.base!;
  const every = (value: number): Record<MetricName, Delta> =>
    Object.fromEntries(Object.keys(retrieved).map((name) => [name, delta(value, 0.03)])) as Record<
      MetricName,
      Delta
    >;
  return {
    kind: "rerank",
    report: {
      ...{ queries, clusters: 38, depth: 100, forceGold: false, ceiling: 0.973 },
      systems: {
        retrieved,
        rerankedBase: moved(retrieved, -0.02),
        rerankedTuned: moved(retrieved, 0.09),
      },
      averagePrecision: { retrieved: 0.41, rerankedBase: 0.39, rerankedTuned: 0.62 },
      guideHits: { retrieved: 101, rerankedBase: 99, rerankedTuned: 122, keep: 3 },
      ...{ delta: every(0.11), deltaRetrieved: every(0.09), verdict: "better", verdictRetrieved: "better" },
      ...{ smallestDetectable: 0.031, rows: [] },
    },
  };
}

const CHOICES = ["Leave", "Equipment", "Payroll"].map((name, index) => ({ id: `c${index}`, name }));

const FIGURES = {
  ...{
    accuracy: 0.71,
    mrr: 0.81,
    accuracyWithNone: 0.68,
    accepted: 0.88,
    precision: 0.79,
    macroF1: 0.7,
    ece: 0.12,
  },
  perChoice: CHOICES.map((_, choice) => ({ choice, examples: 8, precision: 0.75, recall: 0.7, f1: 0.72 })),
};

export const ROUTER_RESULTS: RunResults = {
  kind: "router",
  choices: CHOICES,
  calibration: {
    ...{
      a: 12,
      b: -4,
      signal: "margin",
      threshold: 0.41,
      reached: true,
      accepted: 0.84,
      ece: 0.03,
      examples: 30,
    },
    precision: { value: 0.93, low: 0.82, high: 0.98, target: 0.9 },
  },
  report: {
    ...{ examples: 48, clusters: 48, verdict: "better", smallestDetectable: 0.08 },
    base: FIGURES,
    tuned: {
      ...FIGURES,
      accuracy: 0.92,
      mrr: 0.95,
      accuracyWithNone: 0.9,
      precision: 0.93,
      macroF1: 0.91,
      ece: 0.04,
    },
    delta: { accuracy: delta(0.21, 0.1), mrr: delta(0.14, 0.08), accuracyWithNone: delta(0.22, 0.1) },
    confusion: {
      base: null,
      tuned: [
        [15, 0, 1, 0],
        [1, 14, 0, 1],
        [0, 0, 13, 1],
        [0, 0, 0, 2],
      ],
    },
    confused: [{ right: 0, said: 2, count: 1 }],
    rows: [],
  },
};

export const OFFERED: readonly ExportOffer[] = [
  { format: "llamaindex", bytes: 590_000, strength: true, obstacle: null },
  { format: "safetensors", bytes: 589_900, strength: true, obstacle: null },
  { format: "fusion", bytes: null, strength: false, obstacle: null },
  { format: "report-json", bytes: null, strength: false, obstacle: null },
];

export const ROUTED: readonly RoutedQuestionView[] = [
  { id: "x1", text: "How many days off do I have?", choices: ["c0"], split: "train", made: "typed" },
  { id: "x2", text: "When is the next pay day?", choices: ["c2"], split: "test", made: "imported" },
  { id: "x3", text: "What is the capital of Peru?", choices: [], split: "train", made: "typed" },
];

const RERANKER: Recipe = { task: "cross-encoder", settings: { mode: "recommended", seed: 0 } };
const ROUTER: Recipe = { task: "router", settings: { trainer: "embedding", seed: 0 } };

/** The finished run of a scenario named after what was trained. */
export function otherTask(run: RunView, scenario: "re-ranker" | "router"): RunView {
  const { mrrDelta: _delta, chosen: _chosen, ...rest } = run;
  return scenario === "router"
    ? { ...rest, recipe: ROUTER, accuracy: 0.92, accuracyDelta: 0.21, probes: [] }
    : { ...rest, recipe: RERANKER, mrrDelta: 0.09, probes: [] };
}

/** A fine-tune by LoRA in the midst of its steps. */
export function tuningRun(run: RunView): RunView {
  const recipe: Recipe = { task: "lora", settings: { recipe: "lora", mode: "recommended", seed: 0 } };
  const notes = ["Loss spike at step 96: went back to step 90 with half the learning rate."];
  return { ...run, recipe, probes: [], tokensPerSecond: 5214, bufferBytes: 412_000_000, notes };
}
