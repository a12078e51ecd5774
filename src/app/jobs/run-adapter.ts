import { leakNotes } from "../../domain/data/leaks.ts";
import type { EvaluationReport } from "../../domain/eval/report.ts";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import type { TrainingData } from "../../domain/recipes/training-data.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import { cachedVectors } from "./embed.ts";
import { Probes, judgeAdapter } from "./evaluate.ts";
import type { JudgedSide } from "./evaluate.ts";
import { LiveRun } from "./live-run.ts";
import { projectData } from "./project-data.ts";
import { findResult, keepResult } from "./result-store.ts";
import type { KeptAdapter } from "./result-store.ts";
import { trainAdapter } from "./train.ts";
import type { OpenBackend, TrainListener } from "./train.ts";

export interface RunPorts {
  readonly workspace: Workspace;
  readonly openBackend: OpenBackend;
  readonly now: () => number;
  readonly emit: (run: RunRecord, checkpointAge: number | null) => void;
  readonly wish: TrainListener["wish"];
}

/** Both sides of a run with their vectors, all from the cache. */
export interface RunInputs {
  readonly train: JudgedSide;
  readonly test: JudgedSide;
}

/** The instruction whose vectors a run needs: its own, else the encoder's, so that base + instruction is shown. */
export function instructionOf(
  settings: AdapterSettings,
  encoder: { readonly queryInstruction: string },
): string {
  return settings.queryInstruction || encoder.queryInstruction;
}

export async function runInputs(
  workspace: Workspace,
  projectId: string,
  encoderId: string,
  settings: AdapterSettings,
): Promise<RunInputs> {
  const project = await workspace.projects.get(projectId);
  const data = projectData(await workspace.projects.contents(projectId), project.split);
  const encoder = await encoderById(workspace, encoderId);
  const instruction = instructionOf(settings, encoder);
  const side = async (dataset: RunInputs["train"]["dataset"]): Promise<JudgedSide> => ({
    dataset,
    vectors: await cachedVectors(workspace.vectors, encoder, dataset, instruction),
  });
  return { train: await side(data.train), test: await side(data.test) };
}

/** Throws "too-little-data" with what to add, before anything starts. */
export function checkEnoughData(train: number, test: number): void {
  const need = (what: string): RetuneError =>
    new RetuneError(
      "too-little-data",
      `${what} Import a labelled file or generate questions on the Data screen.`,
    );
  if (train < 2)
    throw need(`There are ${train} training questions; at least 2 are needed, 20 to learn anything.`);
  if (test < 1) throw need("There are no test questions, so nothing could be judged.");
}

/**
 * A run from where it stands to its end: trains (from the last checkpoint), keeps the adapter, judges it on the test
 * side, stores the report. Every stage that is done is not done again after a break. Vectors must be cached.
 */
export async function runAdapter(ports: RunPorts, runId: string): Promise<RunRecord> {
  const { workspace } = ports;
  const run = await workspace.runs.get(runId);
  const { settings } = run;
  const inputs = await runInputs(workspace, run.projectId, run.encoderId, settings);
  checkEnoughData(inputs.train.dataset.queries.length, inputs.test.dataset.queries.length);
  const instructed = (settings.queryInstruction ?? "") !== "";
  const live = new LiveRun(run, new Probes(inputs.test, instructed), ports);
  const leaks = leakNotes(inputs.train.dataset, inputs.test.dataset);
  for (const note of leaks.filter((each) => !run.notes.includes(each))) live.note(note);
  const kept =
    (await findResult(workspace.checkpoints, runId)) ?? (await trained(ports, inputs, live, instructed));
  if (!kept) return workspace.runs.update(runId, { ...live.current, state: "paused" });
  live.change({ stage: "evaluating" });
  const report = judgeAdapter(inputs.test, kept, instructed, settings.seed);
  const finished = await workspace.runs.finish(runId, report, finalRecord(live.current, kept, report));
  await workspace.checkpoints.remove(runId);
  ports.emit(finished, null);
  return finished;
}

async function trained(
  ports: RunPorts,
  { train }: RunInputs,
  live: LiveRun,
  instructed: boolean,
): Promise<KeptAdapter | null> {
  const { runs, checkpoints } = ports.workspace;
  const { id: runId, settings } = live.current;
  const queries = (instructed ? train.vectors.queriesInstruction : undefined) ?? train.vectors.queries;
  const data: TrainingData = { dataset: train.dataset, queries, corpus: train.vectors.corpus };
  const outcome = await trainAdapter(
    { openBackend: ports.openBackend, checkpoints, now: ports.now },
    { runId, data, settings },
    {
      wish: ports.wish,
      onStart: (run, backend) => live.start(run, backend),
      onStep: (step, run) => live.step(step, run),
      onSaved: async () => {
        live.saved();
        await runs.update(runId, live.current);
      },
      onNote: (note) => live.note(note),
    },
  );
  if (outcome.kind === "paused") return null;
  if (outcome.kind === "stopped") live.note("Stopped by hand; the best so far was kept.");
  for (const note of outcome.trained.notes) live.note(note);
  await keepResult(checkpoints, runId, outcome.trained, outcome.device);
  return outcome.trained;
}

function finalRecord(record: RunRecord, kept: KeptAdapter, report: EvaluationReport): RunRecord {
  const delta = report.delta?.["mrr@10"].value;
  const stopped = record.notes.some((note) => note.startsWith("Stopped"));
  return {
    ...record,
    state: stopped ? "stopped" : "finished",
    stage: "done",
    progress: { done: record.progress.total, total: record.progress.total },
    losses: kept.losses,
    verdict: report.verdict,
    ...(kept.chosen ? { chosen: kept.chosen } : {}),
    ...(delta === undefined ? {} : { mrrDelta: delta }),
  };
}
