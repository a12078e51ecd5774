import type { Dataset } from "../../domain/data/dataset.ts";
import { openCrossEncoderRun } from "../../domain/recipes/cross-encoder/cross-encoder.ts";
import { openEncoderRun } from "../../domain/recipes/encoder/encoder.ts";
import { openRouterRun } from "../../domain/recipes/router/router.ts";
import { approximateTokens } from "../../domain/text/chunk.ts";
import type { Backend } from "../../engine/backend.ts";
import { parameterCount } from "../encoders/own-models.ts";
import type { RunRecord } from "../storage/records.ts";
import { encoderData } from "./encoder-data.ts";
import { firstSearch, RERANK_JUDGING, rerankTrainingSet } from "./judge-tuned.ts";
import { dataWarnings, secondsPerStep } from "./plan-measures.ts";
import type { ProjectData } from "./project-data.ts";
import type { CrossEncoderRecipe } from "./run-cross-encoder.ts";
import type { EncoderRecipe } from "./run-encoder.ts";
import { routerGround } from "./run-router.ts";
import type { RouterRecipe } from "./run-router.ts";
import { checkpointBytes } from "./worker-plan.ts";
import type { PlanPorts, WorkerPlan } from "./worker-plan.ts";

type PlannedRun = Pick<RunRecord, "projectId" | "encoderId">;

const BYTES = 4; // of a weight
const BACKWARD = 3; // a training step costs about three forward passes

/** A fine-tune of an encoder, measured on five steps that change nothing. */
export async function planEncoder(
  { workspace, models }: PlanPorts,
  backend: Backend,
  { train, test }: ProjectData,
  { projectId, encoderId }: PlannedRun,
  { settings, base, queryInstruction = "", anchors = [] }: EncoderRecipe,
): Promise<WorkerPlan> {
  const loaded = await models.encoder(base ?? encoderId);
  const model = { ...loaded, prompts: { query: queryInstruction, document: "" } };
  const pairs = (await workspace.parts.pairs(projectId))?.rows ?? [];
  const { data, gap } = encoderData(train, () => firstSearch(train, null), pairs, settings);
  const run = await openEncoderRun(backend, { model, data: { ...data, anchors }, settings });
  try {
    const { secondsLeft, tokensPerSecond, warnings } = await run.measure();
    const { trainedParameters, frozenParameters, peakBytes, launches, totalSteps } = run.plan;
    const again = tokensOf(test, model.maxTokens);
    return {
      backend: backend.label,
      secondsToEmbed: null,
      secondsToTrain: secondsLeft,
      textsToEmbedAgain: test.passages.length + test.queries.length,
      secondsToEmbedAgain: again / (BACKWARD * tokensPerSecond),
      ...{ peakBytes, launchesPerStep: launches, steps: totalSteps },
      trainQuestions: train.queries.length,
      testQuestions: test.queries.length,
      parameters: { trained: trainedParameters, total: trainedParameters + frozenParameters },
      storage: storageOf(trainedParameters),
      anchors: anchors.length,
      warnings: [...(gap ? [gap.text] : []), ...dataWarnings(train, test), ...warnings],
    };
  } finally {
    run.dispose();
  }
}

/** A re-ranker on the pairs there are, else on negatives mined by words: vectors may not be there yet. */
export async function planCrossEncoder(
  { workspace, models }: PlanPorts,
  backend: Backend,
  { train, test }: ProjectData,
  { projectId, encoderId }: PlannedRun,
  { settings, base }: CrossEncoderRecipe,
): Promise<WorkerPlan> {
  const model = await models.either(base ?? encoderId);
  const pairs = (await workspace.parts.pairs(projectId))?.rows ?? [];
  const data = rerankTrainingSet(train, () => firstSearch(train, null), pairs, settings.seed);
  const run = await openCrossEncoderRun(backend, { model, train: data, settings });
  try {
    const { summary, steps } = run.plan;
    const parameters = parameterCount(model);
    const seconds = await secondsPerStep(run.steps());
    const judged = test.queries.length * Math.min(RERANK_JUDGING.depth, test.passages.length);
    const perStep = run.plan.pairs / Math.max(1, steps / (settings.epochs ?? 2));
    return {
      backend: backend.label,
      secondsToEmbed: null,
      secondsToTrain: seconds * steps,
      textsToEmbedAgain: judged, // pairs that it reads to be judged
      secondsToEmbedAgain: ((judged / perStep) * seconds) / BACKWARD,
      ...{ peakBytes: summary.peakBytes, launchesPerStep: summary.launches, steps },
      trainQuestions: data.queries.length,
      testQuestions: test.queries.length,
      parameters: { trained: parameters, total: parameters },
      storage: storageOf(parameters),
      anchors: 0,
      warnings: dataWarnings(train, test),
    };
  } finally {
    run.dispose();
  }
}

/** A router by its trainer; one on frozen vectors takes seconds and is not measured before its texts are embedded. */
export async function planRouter(
  ports: PlanPorts,
  backend: Backend,
  planned: PlannedRun,
  recipe: RouterRecipe,
): Promise<WorkerPlan> {
  const ground = await groundIfEmbedded(ports, planned, recipe);
  const record = await ports.workspace.parts.router(planned.projectId);
  const open = {
    backend: backend.label,
    secondsToEmbed: null,
    textsToEmbedAgain: 0,
    secondsToEmbedAgain: 0,
    trainQuestions: ground?.train.examples.length ?? record?.dataset.examples.length ?? 0,
    testQuestions: ground?.test.examples.length ?? 0,
    anchors: 0,
    warnings: [],
  };
  if (!ground) {
    const nothing = { secondsToTrain: null, peakBytes: 0, launchesPerStep: 0, steps: 0 };
    return { ...open, ...nothing, parameters: { trained: 0, total: 0 }, storage: storageOf(0) };
  }
  const job = { settings: recipe.settings, dataset: ground.train, encoderName: ground.encoderName };
  const run = await openRouterRun(backend, { ...job, ...ground.base.train });
  try {
    const { summary, searchSteps, finalSteps } = run.plan;
    const steps = searchSteps + finalSteps;
    const { model } = ground.base.train;
    const parameters = model ? parameterCount(model) : (summary?.parameterBytes ?? 0) / BYTES;
    return {
      ...open,
      secondsToTrain: (await secondsPerStep(run.steps())) * steps,
      ...{ peakBytes: summary?.peakBytes ?? 0, launchesPerStep: summary?.launches ?? 0, steps },
      parameters: { trained: parameters, total: parameters },
      storage: storageOf(parameters),
    };
  } finally {
    run.dispose();
  }
}

async function groundIfEmbedded(...request: Parameters<typeof routerGround>) {
  try {
    return await routerGround(...request);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Two checkpoints are kept until the run ends, so that a damaged one leaves another. */
function storageOf(trained: number): WorkerPlan["storage"] {
  return { checkpointBytes: checkpointBytes(trained), resultBytes: BYTES * trained };
}

function tokensOf({ passages, queries }: Dataset, most: number): number {
  return [...passages, ...queries].reduce(
    (sum, { text }) => sum + Math.min(most, approximateTokens(text) + 2),
    0,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "model-missing";
}
