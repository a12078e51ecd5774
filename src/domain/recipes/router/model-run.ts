// A router by a model of its own: the whole encoder (MNRL, query towards description), or a cross-encoder. A fifth of
// each choice's examples is held out: the model's own looks choose its best step on them, and they calibrate the
// threshold. The base is the untrained router: the encoder as it came, or the cross-encoder as it came; a bi-encoder that
// becomes a cross-encoder is compared with itself as an embedding router.
import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import {
  rightChoices,
  routerAsDataset,
  splitExamples,
  type RouterDataset,
} from "../../data/router-dataset.ts";
import type { Matrix } from "../../matrix.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import type { TrainingStep } from "../adapter-job.ts";
import type { PullOptions } from "../back-pressure.ts";
import type { CrossEncoderRun, CrossEncoderState } from "../cross-encoder/cross-encoder-job.ts";
import { openCrossEncoderRun } from "../cross-encoder/cross-encoder.ts";
import { isCrossEncoder } from "../cross-encoder/fresh-head.ts";
import type { EncoderRun } from "../encoder/encoder-run.ts";
import type { EncoderState } from "../encoder/encoder-state.ts";
import { openEncoderRun } from "../encoder/encoder.ts";
import { fingerprintOfRouter } from "./fingerprint.ts";
import { checkExamples, PRECISION } from "./head-ground.ts";
import { HeldOutAnswers } from "./held-out-answers.ts";
import { pairExamples } from "./pair-examples.ts";
import type {
  RouterEstimate,
  RouterJob,
  RouterProgress,
  RouterRun,
  RouterState,
  TrainedRouter,
} from "./router-job.ts";
import { choiceVectorsOf, encoderScores, pairScores } from "./score-choices.ts";

const HELD_OUT = 0.2;
const NEGATIVES = 4;

type Inner =
  | { readonly kind: "encoder"; readonly run: EncoderRun }
  | { readonly kind: "cross-encoder"; readonly run: CrossEncoderRun };

class ModelRun implements RouterRun {
  readonly plan: RouterEstimate;
  readonly #backend: Backend;
  readonly #job: RouterJob;
  readonly #inner: Inner;
  readonly #held: RouterDataset;

  constructor(backend: Backend, job: RouterJob, inner: Inner, held: RouterDataset) {
    this.#backend = backend;
    this.#job = job;
    this.#inner = inner;
    this.#held = held;
    const finalSteps = inner.kind === "encoder" ? inner.run.plan.totalSteps : inner.run.plan.steps;
    this.plan = { searchSteps: 0, finalSteps };
  }

  async *steps(): AsyncGenerator<TrainingStep, TrainedRouter, void> {
    const steps = this.#inner.run.steps();
    for (let next = await steps.next(); !next.done; next = await steps.next()) yield next.value;
    return await this.keep();
  }

  async state(): Promise<RouterState> {
    const { tensors, ...rest } = await this.#inner.run.state();
    const progress = { trainer: this.#inner.kind, inner: rest } as RouterProgress;
    return { format: 1, recipe: "router", fingerprint: fingerprintOfRouter(this.#job), progress, tensors };
  }

  async keep(): Promise<TrainedRouter> {
    const texts = this.#held.examples.map(({ text }) => text);
    const before = await this.#baseScores(texts);
    if (this.#inner.kind === "encoder") {
      const { tuned, losses, notes, chosen } = await this.#inner.run.keep();
      if (tuned.kind !== "encoder") throw new Error("router: an encoder run left no encoder");
      const { model } = tuned;
      const choiceVectors = await choiceVectorsOf(this.#backend, model, this.#job.dataset.choices);
      const after = await encoderScores(this.#backend, model, texts, choiceVectors);
      const parts = this.#parts(before, after, model.prompts.query, notes);
      return { kind: "encoder", ...parts, losses, epochs: chosen.epochs, model, choiceVectors };
    }
    const { model, losses, notes, chosen } = await this.#inner.run.keep();
    const after = await pairScores(this.#backend, model, texts, this.#job.dataset.choices);
    const parts = this.#parts(before, after, "", notes);
    return { kind: "cross-encoder", ...parts, losses, epochs: chosen.epochs, model };
  }

  async #baseScores(texts: readonly string[]): Promise<Matrix> {
    const { choices } = this.#job.dataset;
    const model = this.#job.model!;
    if (isCrossEncoder(model)) return await pairScores(this.#backend, model, texts, choices);
    const vectors = await choiceVectorsOf(this.#backend, model, choices);
    return await encoderScores(this.#backend, model, texts, vectors);
  }

  #parts(before: Matrix, after: Matrix, queryInstruction: string, notes: readonly string[]) {
    const { dataset, settings, model, encoderName } = this.#job;
    const answers = new HeldOutAnswers(2, rightChoices(this.#held));
    const rows = Array.from(this.#held.examples.keys());
    answers.note(0, rows, before);
    answers.note(1, rows, after);
    const precision = settings.precision ?? PRECISION;
    const heldOut = { base: answers.accuracy(0), tuned: answers.accuracy(1) };
    return {
      choices: dataset.choices,
      calibration: answers.calibration(1, precision),
      baseCalibration: answers.calibration(0, precision),
      encoderName: encoderName ?? model!.name,
      queryInstruction,
      heldOut,
      notes: heldOut.tuned > heldOut.base ? notes : [...notes, noBetter(heldOut)],
    };
  }

  dispose(): void {
    this.#inner.run.dispose();
  }
}

/** Opens the training of a whole encoder or of a cross-encoder as a router. */
export async function openModelRun(
  backend: Backend,
  job: RouterJob,
  saved?: RouterState,
  options: PullOptions = {},
): Promise<RouterRun> {
  const { dataset, settings } = job;
  checkExamples(dataset.examples.filter(({ choices }) => choices.length > 0).length, dataset.choices.length);
  const { train, test } = splitExamples(dataset, HELD_OUT, settings.seed);
  if (test.examples.length < 10) throw tooFew(test.examples.length);
  checkSaved(job, saved);
  const inner =
    settings.trainer === "cross-encoder"
      ? await openPairs(backend, job, train, test, saved, options)
      : await openEncoder(backend, job, train, test, saved, options);
  return new ModelRun(backend, job, inner, test);
}

async function openEncoder(
  backend: Backend,
  job: RouterJob,
  train: RouterDataset,
  test: RouterDataset,
  saved: RouterState | undefined,
  options: PullOptions,
): Promise<Inner> {
  const { epochs, batchSize, learningRate, scale = 20, seed } = job.settings;
  const settings = {
    recipe: "encoder",
    mode: "recommended",
    loss: { kind: "mnrl", scale },
    ...(epochs === undefined ? {} : { epochs }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(learningRate === undefined ? {} : { learningRate }),
    seed,
  } as const;
  const data = { dataset: routerAsDataset(train), validation: routerAsDataset(test) };
  const state = saved && (stateOf(saved) as EncoderState);
  const model = encoderOf(job);
  return { kind: "encoder", run: await openEncoderRun(backend, { model, data, settings }, state, options) };
}

async function openPairs(
  backend: Backend,
  job: RouterJob,
  train: RouterDataset,
  test: RouterDataset,
  saved: RouterState | undefined,
  options: PullOptions,
): Promise<Inner> {
  const { epochs, batchSize, learningRate, negatives = NEGATIVES, seed } = job.settings;
  const settings = {
    mode: "recommended",
    positiveWeight: "balanced",
    ...(epochs === undefined ? {} : { epochs }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(learningRate === undefined ? {} : { learningRate }),
    seed,
  } as const;
  const pairs = {
    train: pairExamples(train, negatives, seed),
    validation: pairExamples(test, negatives, seed),
  };
  const state = saved && (stateOf(saved) as CrossEncoderState);
  const run = await openCrossEncoderRun(backend, { model: modelOf(job), ...pairs, settings }, state, options);
  return { kind: "cross-encoder", run };
}

function stateOf({ progress, tensors }: RouterState): EncoderState | CrossEncoderState | undefined {
  return "inner" in progress ? { ...progress.inner, tensors } : undefined;
}

function checkSaved(job: RouterJob, saved: RouterState | undefined): void {
  const kind = job.settings.trainer === "cross-encoder" ? "cross-encoder" : "encoder";
  if (!saved || (saved.fingerprint === fingerprintOfRouter(job) && saved.progress.trainer === kind)) return;
  throw new RetuneError(
    "corrupt",
    "resume: the checkpoint belongs to another router, other data or settings; start a new run, or restore its files",
  );
}

function modelOf({ model, settings }: RouterJob): EncoderModel | CrossEncoderModel {
  if (model) return model;
  throw new RetuneError("usage", `router: the trainer "${settings.trainer}" needs a model to train`);
}

function encoderOf(job: RouterJob): EncoderModel {
  const model = modelOf(job);
  if (!isCrossEncoder(model)) return model;
  throw new RetuneError(
    "usage",
    'router: a cross-encoder gives no vectors; choose the trainer "cross-encoder"',
  );
}

function noBetter({ base, tuned }: { readonly base: number; readonly tuned: number }): string {
  const [after, before] = [tuned, base].map((share) => `${(100 * share).toFixed(0)} %`);
  return `On held-out examples the trained router is right for ${after!}, the untrained one for ${before!}: keep that one.`;
}

function tooFew(held: number): RetuneError {
  const text = `router: a fifth of the examples are ${held}, too few to calibrate on; give at least 50 examples`;
  return new RetuneError("too-little-data", text);
}
