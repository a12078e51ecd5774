import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import { checkRerankDataset } from "../../data/rerank-dataset.ts";
import type { CrossEncoderModel } from "../../models/encoder-model.ts";
import { SequenceTokenizer } from "../../text/wordpiece.ts";
import { Fingerprint } from "../fingerprint.ts";
import { rhythmOf, type PullOptions, type Rhythm } from "../back-pressure.ts";
import {
  CROSS_ENCODER_DEFAULTS as DEFAULTS,
  type CrossEncoderEstimate,
  type CrossEncoderJob,
  type CrossEncoderLoss,
} from "./cross-encoder-job.ts";
import { CrossEncoderSteps } from "./cross-encoder-steps.ts";
import { withFreshHead } from "./fresh-head.ts";
import { HeldOutPairs, holdOut } from "./held-out-pairs.ts";
import { balanceOf, epochOf, unitsOf, type PairUnit } from "./pair-batches.ts";

/** Settings with nothing left open. */
export interface ChosenPairSettings {
  readonly loss: CrossEncoderLoss;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly positiveWeight: number;
  readonly maxTokens: number;
}

/** What a run stands on: data as tokens, compiled steps, and the model it starts from. */
export interface PairGround {
  readonly job: CrossEncoderJob;
  readonly initial: CrossEncoderModel;
  readonly chosen: ChosenPairSettings;
  readonly units: readonly PairUnit[];
  readonly held: HeldOutPairs | undefined;
  readonly steps: CrossEncoderSteps;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly rhythm: Rhythm;
  readonly plan: CrossEncoderEstimate;
  readonly fingerprint: string;
}

/** Checks the job, tokenises its data and compiles the largest step. */
export async function layPairGround(
  backend: Backend,
  job: CrossEncoderJob,
  options: PullOptions,
): Promise<PairGround> {
  checkRerankDataset(job.train);
  const { settings } = job;
  const initial = withFreshHead(job.model, settings.seed);
  const chosen = choose(job, initial);
  const split =
    settings.mode === "compatible" || job.validation
      ? { train: job.train, held: settings.mode === "compatible" ? undefined : job.validation }
      : holdOut(job.train, DEFAULTS.heldOut, settings.seed);
  const tokenizer = new SequenceTokenizer(initial.tokenizer);
  const units = unitsOf(split.train, tokenizer, chosen.maxTokens, chosen.loss);
  if (units.length === 0) throw nothingToLearn(chosen.loss);
  const held = split.held && new HeldOutPairs(split.held, tokenizer, chosen.maxTokens);
  const steps = new CrossEncoderSteps(backend, initial.config, {
    ...chosen,
    dropoutSeed: settings.dropout === false ? undefined : settings.seed,
  });
  const first = epochOf(units.length, chosen.batchSize, 0, settings.seed, settings.mode === "recommended");
  const summary = await steps.prepare(largest(first.map((own) => own.map((index) => units[index]!))));
  const totalSteps = Math.max(1, Math.round(first.length * chosen.epochs));
  return {
    job,
    initial,
    chosen,
    units,
    held: held && held.questions > 0 ? held : undefined,
    steps,
    stepsPerEpoch: first.length,
    totalSteps,
    rhythm: rhythmOf(backend, options),
    plan: estimateOf(summary, units, totalSteps, held?.questions ?? 0),
    fingerprint: fingerprintOf(job, initial),
  };
}

function choose({ train, settings }: CrossEncoderJob, model: CrossEncoderModel): ChosenPairSettings {
  const loss = settings.loss ?? (train.scores === "teacher" ? "margin-mse" : "bce");
  if (loss === "bce" && train.scores === "teacher") {
    throw new RetuneError("usage", 'loss: "bce" needs scores from 0 to 1; take "margin-mse" or "listwise"');
  }
  if (settings.mode === "compatible" && loss !== "bce") {
    throw new RetuneError(
      "usage",
      `loss: "${loss}" is not possible in compatible mode, which trains by "bce"`,
    );
  }
  const { right, wrong } = balanceOf(train);
  const { positiveWeight = 1 } = settings;
  const chosen: ChosenPairSettings = {
    loss,
    epochs: settings.epochs ?? DEFAULTS.epochs,
    batchSize: settings.batchSize ?? (loss === "bce" ? DEFAULTS.pairs : DEFAULTS.questions),
    learningRate: settings.learningRate ?? DEFAULTS.learningRate,
    weightDecay: settings.weightDecay ?? DEFAULTS.weightDecay,
    positiveWeight: positiveWeight === "balanced" ? wrong / Math.max(1, right) : positiveWeight,
    maxTokens: Math.min(settings.maxTokens ?? model.maxTokens, model.config.maxPositions),
  };
  check("epochs", chosen.epochs, chosen.epochs > 0 && chosen.epochs <= 1000, "above 0, at most 1000");
  const { batchSize, learningRate } = chosen;
  check(
    "batchSize",
    batchSize,
    Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= 1024,
    "1 to 1024",
  );
  check("learningRate", learningRate, learningRate > 0 && learningRate <= 1, "above 0, at most 1");
  check("weightDecay", chosen.weightDecay, chosen.weightDecay >= 0 && chosen.weightDecay <= 1, "0 to 1");
  check("positiveWeight", chosen.positiveWeight, chosen.positiveWeight > 0, "above 0");
  check("maxTokens", chosen.maxTokens, chosen.maxTokens >= 8, "at least 8");
  return chosen;
}

function check(name: string, value: number, allowed: boolean, rule: string): void {
  if (allowed && Number.isFinite(value)) return;
  throw new RetuneError("usage", `${name}: ${value} is not possible; give ${rule}, or leave it out`);
}

function nothingToLearn(loss: CrossEncoderLoss): RetuneError {
  const what = "every question's candidates have one score; mine negatives first";
  return new RetuneError("too-little-data", `re-ranker: ${loss} has nothing to learn from: ${what}`);
}

const tokensOf = (units: readonly PairUnit[]): number =>
  units.reduce((sum, { sequences }) => sum + sequences.reduce((own, { ids }) => own + ids.length, 0), 0);

function largest(batches: readonly (readonly PairUnit[])[]): readonly PairUnit[] {
  return batches.reduce((most, batch) => (tokensOf(batch) > tokensOf(most) ? batch : most));
}

function estimateOf(
  summary: PlanSummary,
  units: readonly PairUnit[],
  steps: number,
  heldOutQueries: number,
): CrossEncoderEstimate {
  const pairs = units.reduce((sum, { sequences }) => sum + sequences.length, 0);
  return { summary, steps, pairs, tokens: tokensOf(units), heldOutQueries };
}

/** A short hash of settings, pairs and weights, to refuse the saved state of another run (not for security). */
function fingerprintOf({ train, validation, settings }: CrossEncoderJob, model: CrossEncoderModel): string {
  const text = JSON.stringify([settings, train, validation ?? null, model.name]);
  const fingerprint = new Fingerprint().text(text);
  for (const { values } of model.weights.values()) fingerprint.floats(values);
  return fingerprint.hash;
}
