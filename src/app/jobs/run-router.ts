import { choiceText } from "../../domain/data/router-dataset.ts";
import type { RouterDataset } from "../../domain/data/router-dataset.ts";
import type { RouterReport } from "../../domain/eval/classification.ts";
import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type {
  RouterRun,
  RouterState,
  RouterVectors,
  TrainedRouter,
} from "../../domain/recipes/router/router-job.ts";
import { openRouterRun } from "../../domain/recipes/router/router.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { Recipe } from "../studio-training.ts";
import { cachedRows } from "./embed.ts";
import type { TextGroup } from "./embed.ts";
import { judgeRouter, learnsOnVectors } from "./judge-router.ts";
import type { RouterBase } from "./judge-router.ts";
import { LiveRun } from "./live-run.ts";
import { routerSides } from "./router-data.ts";
import { finishRun, trainLive } from "./run-ports.ts";
import type { RunPorts } from "./run-ports.ts";
import { findTrained, keepTrained } from "./trained-store.ts";

export type RouterRecipe = Extract<Recipe, { readonly task: "router" }>;

interface RouterTypes {
  readonly state: RouterState;
  readonly step: TrainingStep;
  readonly trained: TrainedRouter;
  readonly run: RouterRun;
}

/** What a router on frozen vectors needs embedded: questions after the instruction, descriptions as they are. */
export function routerGroups(
  { choices, examples }: RouterDataset,
  instruction: string,
): readonly TextGroup[] {
  return [
    { instruction, texts: [...new Set(examples.map(({ text }) => text))] },
    { instruction: "", texts: [...new Set(choices.map(choiceText))] },
  ];
}

export interface RouterGround {
  readonly train: RouterDataset;
  readonly test: RouterDataset;
  readonly base: { readonly train: RouterBase; readonly test: RouterBase };
  readonly encoderName: string;
}

/** Both sides of a project's router data with what the trainer starts from. */
export async function routerGround(
  { workspace, models }: Pick<RunPorts, "workspace" | "models">,
  { projectId, encoderId }: Pick<RunRecord, "projectId" | "encoderId">,
  { settings, base }: RouterRecipe,
): Promise<RouterGround> {
  const record = await workspace.parts.router(projectId);
  if (!record || record.dataset.choices.length < 2) {
    throw new RetuneError(
      "too-little-data",
      "A router needs at least two choices with questions; add them first.",
    );
  }
  const { train, test } = routerSides(record);
  const { name: encoderName } = await encoderById(workspace, encoderId);
  if (!learnsOnVectors(settings)) {
    const model = await models.either(base ?? encoderId);
    return { train, test, base: { train: { model }, test: { model } }, encoderName };
  }
  const vectors = (dataset: RouterDataset) =>
    vectorsOf(workspace, encoderId, dataset, settings.queryInstruction ?? "");
  const both = { train: { vectors: await vectors(train) }, test: { vectors: await vectors(test) } };
  return { train, test, base: both, encoderName };
}

async function vectorsOf(
  workspace: Workspace,
  encoderId: string,
  { choices, examples }: RouterDataset,
  instruction: string,
): Promise<RouterVectors> {
  const encoder = await encoderById(workspace, encoderId);
  const texts = examples.map(({ text }) => text);
  return {
    queries: await cachedRows(workspace.vectors, encoder, texts, instruction),
    choices: await cachedRows(workspace.vectors, encoder, choices.map(choiceText), ""),
  };
}

/** A router from where it stands to its end: trains, keeps it, judges it on questions it has not seen. */
export async function runRouter(ports: RunPorts, run: RunRecord, recipe: RouterRecipe): Promise<RunRecord> {
  const { workspace } = ports;
  const ground = await routerGround(ports, run, recipe);
  const live = new LiveRun(run, ports);
  const kept =
    (await findTrained(workspace.checkpoints, run.id, "router")) ??
    (await trained(ports, ground, live, recipe));
  if (!kept) return workspace.runs.update(run.id, { ...live.current, state: "paused" });
  live.change({ stage: "evaluating" });
  const backend = await ports.openBackend(undefined);
  try {
    const { seed } = recipe.settings;
    const report = await judgeRouter(backend, kept, ground.test, ground.base.test, seed);
    const choices = kept.choices.map(({ id, name }) => ({ id, name }));
    const results = { kind: "router", report, choices, calibration: kept.calibration } as const;
    return await finishRun(ports, live, results, finalRecord(kept, report));
  } finally {
    backend.dispose();
  }
}

async function trained(
  ports: RunPorts,
  { train: dataset, base, encoderName }: RouterGround,
  live: LiveRun,
  { settings }: RouterRecipe,
): Promise<TrainedRouter | null> {
  const job = { settings, dataset, encoderName, ...base.train };
  const outcome = await trainLive<RouterTypes>(ports, live, {
    open: (backend, state) => openRouterRun(backend, job, state),
    totals: ({ plan }) => ({ ...plan, peakBytes: plan.summary?.peakBytes ?? 0 }),
  });
  if (outcome.kind === "paused") return null;
  for (const note of outcome.trained.notes) live.note(note);
  const { checkpoints } = ports.workspace;
  await keepTrained(checkpoints, live.current.id, "router", outcome.trained, outcome.device);
  return outcome.trained;
}

function finalRecord({ losses }: TrainedRouter, report: RouterReport): Partial<RunRecord> {
  const delta = report.delta?.accuracy.value;
  const { accuracy } = report.tuned;
  const change = delta === undefined ? {} : { accuracyDelta: delta };
  return { losses, verdict: report.verdict, accuracy, ...change };
}
