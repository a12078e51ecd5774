import type { Backend } from "../../src/engine/backend.ts";
import { openAdapterRun } from "../../src/domain/recipes/adapter.ts";
import type { TrainedAdapter } from "../../src/domain/recipes/adapter-run.ts";
import type { AdapterSettings } from "../../src/domain/recipes/adapter-job.ts";
import { adapterConfig, inJob, type Job } from "../job.ts";
import { showWarnings } from "../job-data.ts";
import type { JobInputs } from "./inputs.ts";
import { pull } from "./pull.ts";

/** LlamaIndex saves every 100 steps; recommended runs save steps only where the job asks for it. */
const COMPATIBLE_CHECKPOINTS = 100;

/** Called with the weights after step N of the training that is kept. */
export type SaveCheckpoint = (step: number, weights: TrainedAdapter["weights"]) => Promise<void>;

/** Trains the adapter of a job to its end. */
export async function train(
  job: Job,
  { train: set, validation, instruction, notes }: JobInputs,
  backend: Backend,
  save: SaveCheckpoint,
): Promise<TrainedAdapter> {
  const { dataset, vectors } = set;
  const queries = (instruction ? vectors.queriesInstruction : undefined) ?? vectors.queries;
  const settings = settingsOf(job, vectors.corpus.columns);
  const data = { dataset, queries, corpus: vectors.corpus };
  const yieldAt = checkpointSteps(job);
  const open = () => openAdapterRun(backend, data, settings, undefined, { yieldAt });
  const run = await inJob(job, undefined, open);
  // Bad input has ended by now with the one line that names it.
  for (const loaded of [set, validation]) if (loaded) showWarnings(loaded);
  for (const note of notes) process.stderr.write(`warning: ${note}\n`);
  process.stderr.write(`backend: ${backend.label}\n`);
  try {
    return await pull(run, async ({ phase, step }) => {
      if (phase === "final" && step % yieldAt === 0) await save(step, await run.weights());
    });
  } finally {
    run.dispose();
  }
}

export function settingsOf(job: Job, features: number): AdapterSettings {
  const { mode, seed, epochs, batchSize, learningRate, scale, alpha, queryInstruction } = job;
  return {
    mode,
    seed,
    adapter: adapterConfig(job, features),
    ...(epochs === undefined ? {} : { epochs }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(scale === undefined ? {} : { scale }),
    ...(alpha === undefined ? {} : { alpha }),
    ...(queryInstruction === undefined ? {} : { queryInstruction }),
  };
}

function checkpointSteps({ mode, checkpointSteps: asked }: Job): number {
  return asked ?? (mode === "compatible" ? COMPATIBLE_CHECKPOINTS : Infinity);
}
