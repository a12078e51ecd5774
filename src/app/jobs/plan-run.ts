import type { Matrix } from "../../domain/matrix.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { openAdapterRun } from "../../domain/recipes/adapter.ts";
import type { Backend } from "../../engine/backend.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { Recipe } from "../studio-training.ts";
import { dataWarnings, secondsPerStep } from "./plan-measures.ts";
import { planCrossEncoder, planEncoder, planRouter } from "./plan-tuned.ts";
import { projectData } from "./project-data.ts";
import type { ProjectData } from "./project-data.ts";
import type { PlanPorts, WorkerPlan } from "./worker-plan.ts";

/** What a run would take on this device: the plan of its largest step, and its time measured on a few. */
export async function planRun(ports: PlanPorts, projectId: string, recipe: Recipe): Promise<WorkerPlan> {
  const { workspace, openBackend } = ports;
  const project = await workspace.projects.get(projectId);
  const data = projectData(await workspace.projects.contents(projectId), project.split);
  const run = { projectId, encoderId: project.encoderId };
  const backend = await openBackend();
  try {
    switch (recipe.task) {
      case "adapter": {
        const { dimension } = await encoderById(workspace, project.encoderId);
        return await planAdapter(backend, data, dimension, recipe.settings);
      }
      case "encoder":
      case "lora":
        return await planEncoder(ports, backend, data, run, recipe);
      case "cross-encoder":
        return await planCrossEncoder(ports, backend, data, run, recipe);
      case "router":
        return await planRouter(ports, backend, run, recipe);
    }
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
      anchors: 0,
      warnings: dataWarnings(train, test),
    };
  } finally {
    run.dispose();
  }
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
