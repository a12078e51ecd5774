import type { Backend } from "../../../engine/backend.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import { mean } from "../../eval/statistics.ts";
import type { Weights } from "../../matrix.ts";
import { frozenPrecisionOn } from "../../models/bert/weights.ts";
import { roundedUp, type Bucket } from "../../text/pack.ts";
import { rhythmOf, type PullOptions, type Rhythm } from "../back-pressure.ts";
import { resolveSettings, type ResolvedSettings } from "./defaults.ts";
import type { EncoderJob } from "./encoder-job.ts";
import type { EncoderEstimate } from "./encoder-run.ts";
import { prepareSet, type EncoderSet } from "./encoder-set.ts";
import { CachedSteps } from "./cached-steps.ts";
import { EncoderExecutables } from "./encoder-executables.ts";
import { WholeSteps, type StepTaker } from "./encoder-steps.ts";
import { HeldOutQuestions, lookBudget } from "./held-out.ts";
import type { LossShape } from "./loss-graph.ts";
import { chooseRowSizes, rowsFor } from "./row-sizes.ts";
import { BatchSchedule } from "./schedule.ts";
import { TracedEncoder } from "./traced-encoder.ts";
import { trainingBatch, type TrainingBatch } from "./training-batch.ts";

const MOST_SIZES = 3; // executables of a run
const SAMPLED_BATCHES = 2000; // whose lengths choose the sizes
const MOST_POSITIVES = 8; // right columns of a question in one batch
const ANCHORS = 8; // general questions in a step

/** What stays the same through a run. */
export interface EncoderGround {
  readonly job: EncoderJob;
  readonly settings: ResolvedSettings;
  readonly set: EncoderSet;
  readonly heldOut: HeldOutQuestions | null;
  readonly schedule: BatchSchedule;
  readonly shape: LossShape;
  readonly encoder: TracedEncoder;
  readonly executables: EncoderExecutables;
  readonly taker: StepTaker;
  readonly initial: Weights;
  readonly rhythm: Rhythm;
  readonly lookEvery: number; // steps between two looks, or two good states where nothing is held out
  readonly estimate: EncoderEstimate;
  readonly label: string; // of what computes
  readonly notes: readonly string[];
  batchAt(place: number): TrainingBatch;
}

/** Tokenizes, plans batches and sizes, and compiles the largest step: everything before the first one. */
export async function layGround(
  backend: Backend,
  job: EncoderJob,
  options: PullOptions,
): Promise<EncoderGround> {
  const settings = resolveSettings(job);
  const { set, validation, notes } = prepareSet(job, settings);
  const schedule = new BatchSchedule(set, settings);
  const shape = shapeOf(job, settings, set);
  const layout = layBatches(set, schedule, shape, settings);
  const { totals, sizes } = layout;
  const encoder = new TracedEncoder(job.model, settings, frozenPrecisionOn(backend, settings.lora.frozen));
  const executables = new EncoderExecutables(backend, encoder);
  const taker = takerOf(backend, executables, settings, shape, layout);
  const summary = await taker.prepare();
  const lookEvery = Math.max(1, Math.round(schedule.total * (settings.validation?.every ?? 0.05)));
  const budget = lookBudget(mean(totals) * schedule.total, schedule.total / lookEvery);
  const among = job.data.validation ? null : set;
  const heldOut = validation && new HeldOutQuestions(validation, among, budget, settings.seed);
  const parts = { set, heldOut, schedule, encoder, ...layout };
  return {
    ...parts,
    job,
    settings,
    shape,
    executables,
    taker,
    lookEvery,
    initial: encoder.initial(),
    rhythm: rhythmOf(backend, options),
    estimate: estimateOf(parts, totals, sizes, summary),
    label: backend.label,
    notes,
  };
}

/** The texts of every place of the schedule, and the few sizes of step that hold them. */
function layBatches(set: EncoderSet, schedule: BatchSchedule, shape: LossShape, settings: ResolvedSettings) {
  const borrow = settings.negativesPerQuestion > 0;
  const batchAt = (place: number): TrainingBatch => {
    const { batch, epoch } = schedule.at(place);
    return trainingBatch(set, batch, shape, { epoch, step: place, borrow });
  };
  const totals = Array.from(
    { length: Math.min(schedule.total, SAMPLED_BATCHES) },
    (_, place) => batchAt(place).tokens,
  );
  const sizes = chooseRowSizes(totals, MOST_SIZES);
  const segments = (2 + shape.negatives) * shape.questions + shape.anchors;
  const longest = longestOf(set);
  const bucket = (rows: number): Bucket => ({ rows, segments, longest });
  const bucketOf = (tokens: number): Bucket => bucket(rowsFor(tokens, sizes));
  return { batchAt, bucketOf, totals, sizes, segments, largest: bucket(sizes.at(-1)!) };
}

function takerOf(
  backend: Backend,
  executables: EncoderExecutables,
  settings: ResolvedSettings,
  shape: LossShape,
  layout: ReturnType<typeof layBatches>,
): StepTaker {
  if (settings.loss.kind !== "cached-mnrl") return new WholeSteps(executables, settings, shape, layout);
  const { batchAt, totals, segments } = layout;
  const longest = (): TrainingBatch => batchAt(totals.indexOf(Math.max(...totals)));
  return new CachedSteps(backend, executables, settings, shape, { segments, longest });
}

/** How many questions, negatives, right columns and anchors a step has at most. */
export function shapeOf({ model, data }: EncoderJob, settings: ResolvedSettings, set: EncoderSet): LossShape {
  const most = Math.max(...Array.from(set.questions, (question) => set.positives[question]!.length));
  return {
    questions: Math.min(settings.batchSize, set.questions.length),
    negatives: settings.negativesPerQuestion,
    positives: settings.mode === "compatible" ? 1 : Math.min(MOST_POSITIVES, most),
    anchors: settings.anchorWeight > 0 ? Math.min(ANCHORS, data.anchors?.length ?? 0) : 0,
    width: model.config.hiddenSize,
  };
}

function longestOf({ tokens, anchors }: EncoderSet): number {
  const all = [...tokens.queries, ...tokens.passages, ...anchors];
  return roundedUp(
    all.reduce((most, { ids }) => Math.max(most, ids.length), 1),
    32,
    1,
  );
}

function estimateOf(
  { set, heldOut, schedule, encoder }: Pick<EncoderGround, "set" | "heldOut" | "schedule" | "encoder">,
  totals: readonly number[],
  sizes: readonly number[],
  summary: PlanSummary,
): EncoderEstimate {
  const rows = mean(totals.map((total) => rowsFor(total, sizes)));
  const count = (shapes: Iterable<readonly number[]>): number => {
    let sum = 0;
    for (const shape of shapes) sum += shape.reduce((product, size) => product * size, 1);
    return sum;
  };
  return {
    totalSteps: schedule.total,
    stepsPerEpoch: schedule.stepsPerEpoch,
    questions: set.questions.length,
    heldOut: heldOut?.questions ?? 0,
    tokensPerEpoch: Math.round(mean(totals) * schedule.stepsPerEpoch),
    paddedTokensPerEpoch: Math.round(rows * schedule.stepsPerEpoch),
    trainedParameters: count(encoder.trained.values()),
    frozenParameters: count([...encoder.frozen.values()].map(({ shape }) => shape)),
    peakBytes: summary.peakBytes,
    flopsPerEpoch: (summary.flops * rows * schedule.stepsPerEpoch) / sizes.at(-1)!,
    launches: summary.launches,
  };
}
