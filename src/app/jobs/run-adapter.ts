import { leakNotes } from "../../domain/data/leaks.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../domain/eval/fusion.ts";
import type { EvaluationReport } from "../../domain/eval/report.ts";
import type { AdapterSettings, TrainingStep } from "../../domain/recipes/adapter-job.ts";
import { openAdapterRun } from "../../domain/recipes/adapter.ts";
import type { AdapterRun, TrainedAdapter } from "../../domain/recipes/adapter-run.ts";
import type { RecipeState } from "../../domain/recipes/recipe-state.ts";
import type { TrainingData } from "../../domain/recipes/training-data.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import { cachedVectors } from "./embed.ts";
import { Probes, judgeAdapter } from "./evaluate.ts";
import type { JudgedSide } from "./evaluate.ts";
import { LiveRun } from "./live-run.ts";
import { ladderGround, keepRung } from "./judge-rung.ts";
import { reciprocalRanks, trainingPart } from "./ladder.ts";
import { projectData } from "./project-data.ts";
import { findResult, keepResult } from "./result-store.ts";
import type { KeptAdapter } from "./result-store.ts";
import { finishRun, trainLive } from "./run-ports.ts";
import type { RunPorts } from "./run-ports.ts";

/** Both sides of a run with their vectors, all from the cache. */
export interface RunInputs {
  readonly train: JudgedSide;
  readonly test: JudgedSide;
}

export async function runInputs(
  workspace: Workspace,
  run: RunRecord,
  queryInstruction: string | undefined,
): Promise<RunInputs> {
  const { projectId, encoderId } = run;
  const project = await workspace.projects.get(projectId);
  const data = projectData(await workspace.projects.contents(projectId), project.split);
  const encoder = await encoderById(workspace, encoderId);
  const instruction = queryInstruction || encoder.queryInstruction;
  const side = async (dataset: RunInputs["train"]["dataset"]): Promise<JudgedSide> => ({
    dataset,
    vectors: await cachedVectors(workspace.vectors, encoder, dataset, instruction),
  });
  return { train: await side(trainingPart(data.train, run)), test: await side(data.test) };
}

/** The types of an adapter's run. */
export interface AdapterTypes {
  readonly state: RecipeState;
  readonly step: TrainingStep;
  readonly trained: TrainedAdapter;
  readonly run: AdapterRun;
}

/**
 * An adapter run from where it stands to its end: trains (from the last checkpoint), keeps the adapter, judges it on
 * the test side, stores the report. Every stage that is done is not done again after a break. Vectors must be cached.
 */
export async function runAdapter(
  ports: RunPorts,
  run: RunRecord,
  settings: AdapterSettings,
): Promise<RunRecord> {
  const { workspace } = ports;
  const inputs = await runInputs(workspace, run, settings.queryInstruction);
  const live = new LiveRun(run, ports);
  const leaks = leakNotes(inputs.train.dataset, inputs.test.dataset);
  for (const note of leaks.filter((each) => !run.notes.includes(each))) live.note(note);
  const kept =
    (await findResult(workspace.checkpoints, run.id)) ?? (await trained(ports, inputs, live, settings));
  if (!kept) return workspace.runs.update(run.id, { ...live.current, state: "paused" });
  live.change({ stage: "evaluating" });
  const report = judgeAdapter(inputs.test, kept, isInstructed(settings), settings.seed);
  if (run.rung !== undefined) await judgeOnLadder(ports, run, kept, isInstructed(settings));
  return finishRun(ports, live, { kind: "retrieval", report }, finalRecord(kept, report));
}

async function judgeOnLadder(
  { workspace }: RunPorts,
  run: RunRecord,
  { config, weights }: KeptAdapter,
  instructed: boolean,
): Promise<void> {
  const { judge } = await ladderGround(workspace, run.projectId);
  const equal = fusionOf(EQUAL_WEIGHTS);
  const report = judgeAdapter(
    judge,
    { config, weights, fusion: { base: equal, tuned: equal } },
    instructed,
    0,
  );
  await keepRung(workspace, run.rung!, reciprocalRanks(report.rows, "hybridTuned", judge.dataset), {
    ...{ projectId: run.projectId, dataHash: run.dataHash, encoderId: run.encoderId, runId: run.id },
  });
}

function isInstructed({ queryInstruction }: AdapterSettings): boolean {
  return (queryInstruction ?? "") !== "";
}

async function trained(
  ports: RunPorts,
  { train, test }: RunInputs,
  live: LiveRun,
  settings: AdapterSettings,
): Promise<KeptAdapter | null> {
  const instructed = isInstructed(settings);
  const queries = (instructed ? train.vectors.queriesInstruction : undefined) ?? train.vectors.queries;
  const data: TrainingData = { dataset: train.dataset, queries, corpus: train.vectors.corpus };
  const probes = new Probes(test, instructed);
  const outcome = await trainLive<AdapterTypes>(ports, live, {
    open: (backend, state) => openAdapterRun(backend, data, settings, state),
    totals: ({ plan }) => ({ ...plan, peakBytes: plan.summary.peakBytes }),
    probesBefore: probes.at(),
    probes: async (run) => probes.at({ config: settings.adapter, weights: await run.weights() }),
  });
  if (outcome.kind === "paused") return null;
  for (const note of outcome.trained.notes) live.note(note);
  await keepResult(ports.workspace.checkpoints, live.current.id, outcome.trained, outcome.device);
  return outcome.trained;
}

function finalRecord(kept: KeptAdapter, report: EvaluationReport): Partial<RunRecord> {
  const delta = report.delta?.["mrr@10"].value;
  return {
    losses: kept.losses,
    verdict: report.verdict,
    ...(kept.chosen ? { chosen: kept.chosen } : {}),
    ...(delta === undefined ? {} : { mrrDelta: delta }),
  };
}
