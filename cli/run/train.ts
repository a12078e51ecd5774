import type { Backend } from "../../src/engine/backend.ts";
import { openAdapterRun } from "../../src/domain/recipes/adapter.ts";
import type { AdapterRun, TrainedAdapter } from "../../src/domain/recipes/adapter-run.ts";
import type { AdapterSettings, TrainingStep } from "../../src/domain/recipes/adapter-job.ts";
import { adapterConfig, inJob, type Job } from "../job.ts";
import { showWarnings } from "../job-data.ts";
import { ProgressLine } from "../ports/progress.ts";
import type { JobInputs } from "./inputs.ts";

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
    return await pull(run, yieldAt, save);
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

async function pull(run: AdapterRun, every: number, save: SaveCheckpoint): Promise<TrainedAdapter> {
  const lines = new Map<TrainingStep["phase"], ProgressLine>();
  const steps = run.steps();
  for (;;) {
    const { value, done } = await steps.next();
    if (done) {
      lines.get("final")?.finish(`${value.losses.length} steps`);
      return value;
    }
    let line = lines.get(value.phase);
    if (!line) {
      lines.get("search")?.finish();
      line = new ProgressLine(value.phase === "search" ? "searching" : "training");
      lines.set(value.phase, line);
    }
    line.show({ done: value.step, total: value.totalSteps, label: `loss ${value.loss.toFixed(4)}` });
    if (value.phase === "final" && value.step % every === 0) await save(value.step, await run.weights());
  }
}
