import type { Dataset } from "../../domain/data/dataset.ts";
import { leakNotes } from "../../domain/data/leaks.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { openAdapterRun } from "../../domain/recipes/adapter.ts";
import type { Backend } from "../../engine/backend.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { Recipe, RunPlan } from "../studio-training.ts";
import { projectData } from "./project-data.ts";
import type { ProjectData } from "./project-data.ts";

export interface PlanPorts {
  readonly workspace: Workspace;
  readonly models: ModelSource;
  readonly openBackend: () => Promise<Backend>;
}

/** All of a plan but what the page knows itself: how many texts of the base are missing, how much may be stored. */
export type WorkerPlan = Omit<RunPlan, "textsToEmbed" | "storage"> & {
  readonly storage: Omit<RunPlan["storage"], "freeBytes">;
};

/** What a run would take on this device: the plan of one step, and its time measured on a few. */
export async function planRun(ports: PlanPorts, projectId: string, recipe: Recipe): Promise<WorkerPlan> {
  const { workspace, openBackend } = ports;
  const project = await workspace.projects.get(projectId);
  const data = projectData(await workspace.projects.contents(projectId), project.split);
  const { dimension } = await encoderById(workspace, project.encoderId);
  const backend = await openBackend();
  try {
    return await planAdapter(backend, data, dimension, recipe.settings as AdapterSettings);
  } finally {
    backend.dispose();
  }
}

async function planAdapter(
  backend: Backend,
  { train, test }: ProjectData,
  dimension: number,
  settings: AdapterSettings,
): Promise<WorkerPlan> {
  const queries = noise(train.queries.length, dimension);
  const data = { dataset: train, queries, corpus: noise(train.passages.length, dimension) };
  const run = await openAdapterRun(backend, data, settings);
  try {
    const { summary, searchSteps, finalSteps } = run.plan;
    const steps = searchSteps + finalSteps;
    const parameters = summary.parameterBytes / 4;
    return {
      backend: backend.label,
      secondsToEmbed: null,
      secondsToTrain: (await secondsPerStep(run.steps())) * steps,
      textsToEmbedAgain: 0,
      secondsToEmbedAgain: 0,
      peakBytes: summary.peakBytes,
      launchesPerStep: summary.launches,
      steps,
      trainQuestions: train.queries.length,
      testQuestions: test.queries.length,
      parameters: { trained: parameters, total: parameters },
      storage: { checkpointBytes: 3 * summary.parameterBytes, resultBytes: summary.parameterBytes },
      warnings: dataWarnings(train, test),
    };
  } finally {
    run.dispose();
  }
}

const MEASURED_STEPS = 4;

/** Seconds of a step, the first left out: it compiles and warms up. */
export async function secondsPerStep(steps: AsyncGenerator<{ readonly step: number }>): Promise<number> {
  const first = await steps.next();
  if (first.done) return 0;
  const started = performance.now();
  let last = first.value.step;
  for (let count = 0; count < MEASURED_STEPS; count++) {
    const next = await steps.next();
    if (next.done) break;
    last = next.value.step;
  }
  await steps.return(undefined);
  return last > first.value.step ? (performance.now() - started) / 1000 / (last - first.value.step) : 0;
}

export function dataWarnings(train: Dataset, test: Dataset): readonly string[] {
  const warnings: string[] = [];
  const [trained, judged] = [train.queries.length, test.queries.length];
  if (trained < 20)
    warnings.push(`Only ${trained} training questions: an adapter learns little from fewer than 20.`);
  if (judged < 30)
    warnings.push(`Only ${judged} test questions: fewer than 30 rarely show a reliable change.`);
  return [...warnings, ...leakNotes(train, test)];
}

/** Vectors of the right shape for a plan before anything is embedded; a fixed sequence, so plans agree. */
function noise(rows: number, columns: number): Matrix {
  const values = new Float32Array(rows * columns);
  let state = 1;
  for (let index = 0; index < values.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[index] = state / 2 ** 32 - 0.5;
  }
  return { rows, columns, values };
}
