// LlamaIndex's EmbeddingAdapterFinetuneEngine (embeddings-adapter 0.4, llamaindex.md §3.3), step by step:
//   1. pairs (question, first positive) in file order, not shuffled, the short last batch kept;
//   2. cross-entropy of 20·cos(adapter(question), document) over the batch, question side only;
//   3. gradients clipped to global norm 1, AdamW on everything with decay 0.01;
//   4. learning rate: linear warm-up over ⌊10 %⌋ of all steps, then linear decay; the first step has rate 0.
// Vectors are not embedded again in every epoch, which changes nothing for a frozen encoder.
import type { Backend } from "../../engine/backend.ts";
import { warmupLinear, type Schedule } from "../../engine/optim/schedules.ts";
import type { PlanSummary } from "../../engine/plan.ts";
import type { Weights } from "../matrix.ts";
import { initialWeights } from "../models/adapter-weights.ts";
import { mergeAdapter } from "../models/merge-adapter.ts";
import type { AdapterSettings, ChosenSettings, TrainingStep } from "./adapter-job.ts";
import { checkState, type AdapterRun, type RunEstimate, type TrainedAdapter } from "./adapter-run.ts";
import { AdapterSteps, type StepKind } from "./adapter-steps.ts";
import { nextYield, rhythmOf, type PullOptions, type Rhythm } from "./back-pressure.ts";
import { baseFusion } from "./held-out-fusion.ts";
import type { RecipeState } from "./recipe-state.ts";
import { checkSettings } from "./settings.ts";
import { fingerprintOf, prepareData, type PreparedData, type TrainingData } from "./training-data.ts";

const DEFAULTS = { epochs: 1, batchSize: 10, learningRate: 2e-5, scale: 20, alpha: 1 } as const;

interface Batch {
  readonly queries: Uint32Array;
  readonly documents: Uint32Array;
}

class CompatibleRun implements AdapterRun {
  readonly plan: RunEstimate;
  readonly #steps: AdapterSteps;
  readonly #data: PreparedData;
  readonly #settings: AdapterSettings;
  readonly #chosen: ChosenSettings;
  readonly #batches: readonly Batch[]; // of one epoch
  readonly #total: number;
  readonly #rateAt: Schedule;
  readonly #rhythm: Rhythm;
  readonly #fingerprint: string;
  #taken = 0;
  #losses: number[] = [];

  constructor(
    data: PreparedData,
    settings: AdapterSettings,
    steps: AdapterSteps,
    summary: PlanSummary,
    rhythm: Rhythm,
  ) {
    const { batchSize, ...chosen } = withDefaults(settings);
    this.#steps = steps;
    this.#data = data;
    this.#settings = settings;
    this.#chosen = chosen;
    this.#batches = batchesOf(data, batchSize);
    this.#total = this.#batches.length * chosen.epochs;
    const warmupSteps = Math.floor(this.#total * 0.1);
    this.#rateAt = warmupLinear({ peak: chosen.learningRate, warmupSteps, totalSteps: this.#total });
    this.#rhythm = rhythm;
    this.#fingerprint = fingerprintOf(data, settings);
    this.plan = { summary, searchSteps: 0, finalSteps: this.#total };
  }

  /** At the beginning, or where `saved` stands. */
  begin(saved: RecipeState | undefined): void {
    const initial = initialWeights(this.#settings.adapter, this.#settings.seed);
    if (!saved) {
      this.#steps.reset(initial);
      return;
    }
    checkState(saved, this.#fingerprint, "compatible");
    if (saved.progress.mode !== "compatible") return;
    this.#steps.restore(saved.tensors, initial);
    this.#taken = saved.progress.step;
    this.#losses = [...saved.progress.losses];
  }

  async *steps(): AsyncGenerator<TrainingStep, TrainedAdapter, void> {
    while (this.#taken < this.#total) {
      const until = nextYield(this.#taken, this.#total, this.#rhythm);
      for (let step = this.#taken; step < until; step++) {
        const batch = this.#batches[step % this.#batches.length]!;
        this.#steps.run(this.#kindOf(batch), { ...batch, learningRate: this.#rateAt(step) });
      }
      const rows = await this.#steps.collect();
      this.#losses.push(...rows.map((row) => row["loss"]!));
      this.#taken = until;
      yield {
        phase: "final",
        step: until,
        totalSteps: this.#total,
        epoch: until / this.#batches.length,
        loss: this.#losses.at(-1)!,
        learningRate: this.#rateAt(until - 1),
        gradientNorm: rows.at(-1)!["norm"]!,
      };
    }
    return await this.keep();
  }

  async state(): Promise<RecipeState> {
    return {
      format: 1,
      recipe: "adapter",
      fingerprint: this.#fingerprint,
      progress: { mode: "compatible", step: this.#taken, losses: [...this.#losses] },
      tensors: await this.#steps.capture(),
    };
  }

  async weights(): Promise<Weights> {
    return mergeAdapter(this.#settings.adapter, await this.#steps.weights(), this.#chosen.alpha);
  }

  async keep(): Promise<TrainedAdapter> {
    const fusion = baseFusion(this.#data, this.#settings.seed);
    return {
      config: this.#settings.adapter,
      weights: await this.weights(),
      chosen: { ...this.#chosen, epochs: this.#taken / this.#batches.length },
      fusion: { base: fusion, tuned: fusion },
      losses: [...this.#losses],
      heldOut: null,
      notes: this.#taken < this.#total ? [`Stopped at step ${this.#taken} of ${this.#total}.`] : [],
    };
  }

  dispose(): void {
    this.#steps.dispose();
  }

  #kindOf(batch: Batch): StepKind {
    return { batchSize: batch.queries.length, scale: this.#chosen.scale, loss: "in-batch" };
  }
}

function withDefaults(settings: AdapterSettings): Record<keyof typeof DEFAULTS, number> {
  const { epochs, batchSize, learningRate, scale, alpha } = settings;
  return {
    epochs: epochs ?? DEFAULTS.epochs,
    batchSize: batchSize ?? DEFAULTS.batchSize,
    learningRate: learningRate ?? DEFAULTS.learningRate,
    scale: scale ?? DEFAULTS.scale,
    alpha: alpha ?? DEFAULTS.alpha,
  };
}

function batchesOf({ dataset, first }: PreparedData, batchSize: number): readonly Batch[] {
  const batches: Batch[] = [];
  for (let start = 0; start < dataset.queries.length; start += batchSize) {
    const end = Math.min(start + batchSize, dataset.queries.length);
    batches.push({
      queries: Uint32Array.from({ length: end - start }, (_, row) => start + row),
      documents: first.slice(start, end),
    });
  }
  return batches;
}

export async function openCompatibleRun(
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
  saved?: RecipeState,
  options: PullOptions = {},
): Promise<AdapterRun> {
  checkSettings(settings, data);
  const prepared = prepareData(data);
  const { batchSize, scale } = withDefaults(settings);
  const { queries, corpus } = data;
  const steps = new AdapterSteps(backend, settings.adapter, { queries, documents: corpus, corpus });
  const sizes = new Set(batchesOf(prepared, batchSize).map((batch) => batch.queries.length));
  const [summary] = await prepareAll(steps, [...sizes], scale);
  const run = new CompatibleRun(prepared, settings, steps, summary!, rhythmOf(backend, options));
  run.begin(saved);
  return run;
}

async function prepareAll(
  steps: AdapterSteps,
  sizes: readonly number[],
  scale: number,
): Promise<PlanSummary[]> {
  const summaries: PlanSummary[] = [];
  for (const batchSize of sizes) summaries.push(await steps.prepare({ batchSize, scale, loss: "in-batch" }));
  return summaries;
}
