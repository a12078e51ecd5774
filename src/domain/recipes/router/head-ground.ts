import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import { dealExamples, rightChoices } from "../../data/router-dataset.ts";
import { rhythmOf, type PullOptions, type Rhythm } from "../back-pressure.ts";
import { fingerprintOfRouter } from "./fingerprint.ts";
import { adapterHead, HeadSteps, linearAdapter, softmaxHead, type Head } from "./head-steps.ts";
import type { RouterJob, RouterSettings, RouterVectors } from "./router-job.ts";

const FOLDS = 5;
export const LOOKS = 10;
const BATCH = 64;
const MOST_STEPS = 600; // of one training
const EPOCHS = 60; // of the longest one, where that is fewer steps
export const ROUTER_SCALE = 20;
const RATE = { softmax: 3e-2, adapter: 1e-3 } as const;
export const PRECISION = 0.9;

/** What a head run stands on. */
export interface HeadGround {
  readonly job: RouterJob;
  readonly vectors: RouterVectors;
  readonly kind: "softmax" | "adapter";
  readonly head: Head;
  readonly steps: HeadSteps;
  readonly right: readonly (readonly number[])[];
  readonly folds: Uint32Array; // of each example
  readonly foldCount: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly longest: number; // steps of a fold's training
  readonly rhythm: Rhythm;
  readonly fingerprint: string;
}

/** Checks the job, deals its examples into folds and compiles the one step. */
export async function layHeadGround(
  backend: Backend,
  job: RouterJob,
  options: PullOptions,
): Promise<HeadGround> {
  const { dataset, settings } = job;
  const vectors = checkedVectors(job);
  const right = rightChoices(dataset);
  const answerable = right.filter((columns) => columns.length > 0).length;
  checkExamples(answerable, dataset.choices.length);
  const kind = settings.trainer === "softmax" ? "softmax" : "adapter";
  const head = headOf(kind, vectors, settings);
  const batchSize = Math.min(settings.batchSize ?? BATCH, answerable);
  const epochSteps = (answerable * (1 - 1 / FOLDS)) / batchSize;
  const wanted = Math.round((settings.epochs ?? EPOCHS) * epochSteps);
  return {
    job,
    vectors,
    kind,
    head,
    steps: await HeadSteps.open(backend, head, vectors.queries, right, batchSize),
    right,
    folds: dealExamples(dataset, FOLDS, settings.seed),
    foldCount: FOLDS,
    batchSize,
    learningRate: settings.learningRate ?? RATE[kind],
    longest: Math.max(LOOKS, Math.min(MOST_STEPS, wanted)),
    rhythm: rhythmOf(backend, options),
    fingerprint: fingerprintOfRouter(job),
  };
}

function headOf(kind: "softmax" | "adapter", vectors: RouterVectors, settings: RouterSettings): Head {
  const { scale = ROUTER_SCALE, seed } = settings;
  return kind === "softmax"
    ? softmaxHead(vectors, scale)
    : adapterHead(linearAdapter(vectors.choices.columns), vectors, scale, seed);
}

/** "too-little-data" below 10 examples with a right choice or 2 choices. */
export function checkExamples(answerable: number, choices: number): void {
  if (answerable >= 10 && choices >= 2) return;
  throw new RetuneError(
    "too-little-data",
    `router: ${answerable} examples of ${choices} choices; at least 10 and 2 are needed, 20 a choice to learn from`,
  );
}

function checkedVectors({ dataset, vectors, settings }: RouterJob): RouterVectors {
  if (!vectors) {
    throw new RetuneError(
      "usage",
      `router: the trainer "${settings.trainer}" needs vectors of questions and descriptions`,
    );
  }
  const [queries, choices] = [dataset.examples.length, dataset.choices.length];
  const fit = vectors.queries.rows === queries && vectors.choices.rows === choices;
  if (fit && vectors.queries.columns === vectors.choices.columns) return vectors;
  const got = [vectors.queries, vectors.choices]
    .map(({ rows, columns }) => `[${rows}, ${columns}]`)
    .join(" and ");
  throw new RetuneError(
    "E_MISMATCH",
    `router: ${queries} examples and ${choices} choices came with vectors ${got}`,
  );
}
