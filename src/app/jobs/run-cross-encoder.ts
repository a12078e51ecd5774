import type { Dataset } from "../../domain/data/dataset.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { CrossEncoderModel } from "../../domain/models/encoder-model.ts";
import { openCrossEncoderRun } from "../../domain/recipes/cross-encoder/cross-encoder.ts";
import type {
  CrossEncoderRun,
  CrossEncoderState,
  TrainedCrossEncoder,
} from "../../domain/recipes/cross-encoder/cross-encoder-job.ts";
import type { RerankReport } from "../../domain/eval/rerank.ts";
import { parameterCount } from "../encoders/own-models.ts";
import type { RunRecord } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import type { Recipe } from "../studio-training.ts";
import { firstSearch, judgeReranker, RERANK_JUDGING, rerankTrainingSet } from "./judge-tuned.ts";
import { keepRung, ladderGround, presentScores, presentSearch } from "./judge-rung.ts";
import { cutRanks } from "./ladder.ts";
import { LiveRun } from "./live-run.ts";
import { runInputs } from "./run-adapter.ts";
import type { RunInputs } from "./run-adapter.ts";
import { checkpointBytes } from "./worker-plan.ts";
import { finishRun, trainLive } from "./run-ports.ts";
import type { RunPorts } from "./run-ports.ts";
import { findTrained, keepTrained } from "./trained-store.ts";
import type { StartModel } from "./trained-store.ts";

export type CrossEncoderRecipe = Extract<Recipe, { readonly task: "cross-encoder" }>;

interface CrossEncoderTypes {
  readonly state: CrossEncoderState;
  readonly step: TrainingStep;
  readonly trained: TrainedCrossEncoder;
  readonly run: CrossEncoderRun;
}

/** A re-ranker from where it stands to its end: trains on pairs or mined negatives, keeps it, re-ranks the test side. */
export async function runCrossEncoder(
  ports: RunPorts,
  run: RunRecord,
  recipe: CrossEncoderRecipe,
): Promise<RunRecord> {
  const { workspace, models } = ports;
  const inputs = await runInputs(workspace, run, undefined);
  const live = new LiveRun(run, ports);
  const base = await models.either(recipe.base ?? run.encoderId);
  const kept =
    (await findTrained(workspace.checkpoints, run.id, recipe.task)) ??
    (await trained(ports, inputs, live, recipe, base));
  if (!kept) return workspace.runs.update(run.id, { ...live.current, state: "paused" });
  live.change({ stage: "evaluating" });
  const pair = { base, tuned: kept.model };
  const { dataset, vectors } = inputs.test;
  const retrieved = firstSearch(dataset, vectors);
  const report = await rerank(ports, live, { dataset, retrieved }, pair, recipe.settings.seed);
  if (run.rung !== undefined) {
    const ground = await ladderGround(workspace, run.projectId);
    const { projectId, dataHash, encoderId } = run;
    const place = { projectId, dataHash, encoderId, runId: run.id };
    const present = presentScores(ground, await presentSearch(workspace, projectId, place));
    const judged = { dataset: ground.judge.dataset, retrieved: present };
    const rows = (await rerank(ports, live, judged, pair, 0)).rows;
    const ranks = rows.map(({ query, ranks: found }) => ({ query, rank: found.rerankedTuned ?? null }));
    await keepRung(workspace, run.rung, cutRanks(ranks, judged.dataset), place);
  }
  return finishRun(ports, live, { kind: "rerank", report }, finalRecord(kept, report));
}

async function trained(
  ports: RunPorts,
  { train }: RunInputs,
  live: LiveRun,
  recipe: CrossEncoderRecipe,
  model: StartModel,
): Promise<TrainedCrossEncoder | null> {
  const { workspace } = ports;
  const { id, projectId, number } = live.current;
  const pairs = (await workspace.parts.pairs(projectId))?.rows ?? [];
  const first = () => firstSearch(train.dataset, train.vectors);
  const data = rerankTrainingSet(train.dataset, first, pairs, recipe.settings.seed);
  const job = { model, train: data, settings: recipe.settings };
  const outcome = await trainLive<CrossEncoderTypes>(ports, live, {
    open: (backend, state) => openCrossEncoderRun(backend, job, state),
    bytes: () => 2 * checkpointBytes(parameterCount(model)) + 4 * parameterCount(model),
    totals: ({ plan }) => ({ searchSteps: 0, finalSteps: plan.steps, peakBytes: plan.summary.peakBytes }),
  });
  if (outcome.kind === "paused") return null;
  for (const note of outcome.trained.notes) live.note(note);
  const named = { ...outcome.trained.model, name: `${model.name}-run-${number}` };
  const kept = { ...outcome.trained, model: named };
  await keepTrained(workspace.checkpoints, id, "cross-encoder", kept, outcome.device);
  await shelveReranker(workspace, id, named);
  return kept;
}

/** Puts the re-ranker of a run on the shelf, so that another run can start from it. */
export async function shelveReranker(
  workspace: RunPorts["workspace"],
  runId: string,
  model: CrossEncoderModel,
): Promise<void> {
  const parameters = parameterCount(model);
  const { layers, hiddenSize: hidden } = model.config;
  await workspace.saveModel({
    ...{ id: trainedModelId(runId), name: model.name, kind: "cross-encoder", origin: "trained", runId },
    ...{ parameters, layers, hidden, bytes: 4 * parameters, obstacle: null },
  });
}

async function rerank(
  ports: RunPorts,
  live: LiveRun,
  { dataset, retrieved }: { readonly dataset: Dataset; readonly retrieved: Matrix },
  models: Parameters<typeof judgeReranker>[3],
  seed: number,
): Promise<RerankReport> {
  const backend = await ports.openBackend(undefined);
  try {
    const depth = Math.min(RERANK_JUDGING.depth, dataset.passages.length);
    const settings = { ...RERANK_JUDGING, depth, seed };
    const onProgress = ({ done, total }: { done: number; total: number }): void =>
      live.progress("evaluating", done, total);
    return await judgeReranker(backend, dataset, retrieved, models, settings, { onProgress });
  } finally {
    backend.dispose();
  }
}

function finalRecord({ losses }: TrainedCrossEncoder, report: RerankReport): Partial<RunRecord> {
  const delta = report.deltaRetrieved?.["mrr@10"].value;
  return { losses, verdict: report.verdictRetrieved, ...(delta === undefined ? {} : { mrrDelta: delta }) };
}
