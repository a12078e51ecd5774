import type { Backend } from "../../engine/backend.ts";
import type { PlanSummary } from "../../engine/plan.ts";
import type { Weights } from "../matrix.ts";
import { initialWeights } from "../models/adapter-weights.ts";
import type { AdapterSettings } from "./adapter-job.ts";
import { AdapterSteps } from "./adapter-steps.ts";
import { AdapterBatches } from "./all-documents-batches.ts";
import { rhythmOf, type PullOptions, type Rhythm } from "./back-pressure.ts";
import { FOLDS } from "./held-out-fusion.ts";
import { candidatesOf, strengthsOf, type SearchPlan } from "./search-schedule.ts";
import { checkSettings } from "./settings.ts";
import { foldsOf, prepareData, type PreparedData, type TrainingData } from "./training-data.ts";

const BATCH_SIZE = 64;
const LOOKS = 10;
const EPOCHS = 10; // of a trial
const LEAST_STEPS = 100; // a small file gets more epochs …
const MOST_STEPS = 1500; // … and a large one fewer
const MOST_HELD = 1000; // held-out questions judged in one fold
const MOST_FLOPS = 12e9; // of a trial with four folds; dearer ones are tried on two, so that a search stays short

export interface Fold {
  readonly trained: Uint32Array; // questions of the other folds
  readonly held: Uint32Array; // questions judged, at most MOST_HELD
  readonly padded: Uint32Array; // the same, filled up to one length for all folds
}

/** What stays the same through a recommended run. */
export interface SearchGround {
  readonly data: PreparedData;
  readonly settings: AdapterSettings;
  readonly steps: AdapterSteps;
  readonly batches: AdapterBatches;
  readonly search: SearchPlan;
  readonly folds: readonly Fold[];
  readonly initial: Weights;
  readonly rhythm: Rhythm;
  readonly summary: PlanSummary;
}

/** Deals folds, plans the search and compiles its steps: everything before the first step. */
export async function layGround(
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
  options: PullOptions,
): Promise<SearchGround> {
  checkSettings(settings, data);
  const prepared = prepareData(data);
  const { adapter, seed } = settings;
  const batches = new AdapterBatches(prepared, settings.batchSize ?? BATCH_SIZE, seed);
  const { queries, corpus } = data;
  const steps = new AdapterSteps(backend, adapter, { queries, documents: batches.documents, corpus });
  const scales = new Set(candidatesOf(settings).map((candidate) => candidate.scale));
  let summary: PlanSummary | undefined;
  for (const scale of scales) summary = await steps.prepare(batches.kind(scale));
  const dealt = dealFolds(prepared, seed);
  const epochs = trialEpochs(prepared.usable.length / batches.batchSize, settings.epochs);
  const flops = epochs * (prepared.usable.length / batches.batchSize) * summary!.flops;
  const folds = flops > MOST_FLOPS ? dealt.slice(0, 2) : dealt;
  const search = planSearch(settings, folds, epochs);
  const initial = initialWeights(adapter, seed);
  const rhythm = rhythmOf(backend, options);
  return { data: prepared, settings, steps, batches, search, folds, initial, rhythm, summary: summary! };
}

/** Four folds of whole groups; none where there is only one group, since nothing can be held out then. */
function dealFolds(data: PreparedData, seed: number): readonly Fold[] {
  const foldOf = foldsOf(data, FOLDS, seed);
  const count = Math.max(...foldOf) + 1;
  if (count < 2) return [];
  const heldBy = Array.from({ length: count }, (_, fold) =>
    data.usable.filter((_question, position) => foldOf[position] === fold),
  );
  const longest = Math.min(MOST_HELD, Math.max(...heldBy.map((held) => held.length)));
  return heldBy.map((all, fold) => {
    const held = all.slice(0, longest);
    const padded = new Uint32Array(longest);
    padded.set(held);
    return { trained: data.usable.filter((_question, position) => foldOf[position] !== fold), held, padded };
  });
}

/** Epochs of a trial: ten, more for a small file and fewer for a large one, in whole epochs a look where possible. */
function trialEpochs(stepsAnEpoch: number, given: number | undefined): number {
  if (given !== undefined) return given;
  const epochs = Math.min(
    Math.max(EPOCHS, LEAST_STEPS / stepsAnEpoch),
    Math.max(1, MOST_STEPS / stepsAnEpoch),
  );
  return epochs >= LOOKS ? Math.round(epochs / LOOKS) * LOOKS : epochs;
}

function planSearch(settings: AdapterSettings, folds: readonly Fold[], epochs: number): SearchPlan {
  return {
    candidates: candidatesOf(settings),
    folds: folds.length,
    foldSizes: folds.map(({ held }) => held.length),
    looks: LOOKS,
    epochsPerLook: epochs / LOOKS,
    strengths: strengthsOf(settings.adapter, settings.alpha),
    epochsFixed: settings.epochs !== undefined,
  };
}

/** Optimizer steps up to the end of look number `looks` (from 1) when training on `questions` questions. */
export function stepsTo({ batches, search }: SearchGround, looks: number, questions: number): number {
  return Math.max(1, Math.round((looks * search.epochsPerLook * questions) / batches.batchSize));
}

/** Optimizer steps of the final training, on all questions. */
export function finalSteps({ batches, data }: SearchGround, epochs: number): number {
  return Math.max(1, Math.round((epochs * data.usable.length) / batches.batchSize));
}
