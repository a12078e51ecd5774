import type { LearningCurve } from "../../domain/eval/advice-types.ts";
import { learnCurve } from "../../domain/recipes/learning-curve-trials.ts";
import type { AdapterSettings, ChosenSettings } from "../../domain/recipes/adapter-job.ts";
import type { TrainingData } from "../../domain/recipes/training-data.ts";
import type { Workspace } from "../storage/workspace.ts";
import { findResult } from "./result-store.ts";
import { projectGround, requireQuestions, sideVectors } from "./verdict-ground.ts";
import type { AdviceControl, AdvicePorts } from "./verdict-ground.ts";

interface LearntFrom {
  readonly settings: AdapterSettings;
  readonly chosen: ChosenSettings | null;
}

/** The learning curve of a project's training questions, by adapters as its latest run settled them; kept. */
export async function learnProjectCurve(
  { workspace, openBackend }: AdvicePorts,
  projectId: string,
  control: AdviceControl,
): Promise<LearningCurve> {
  const ground = await projectGround(workspace, projectId);
  const { train } = ground.data;
  requireQuestions(train);
  const { settings, chosen } = await latestAdapter(workspace, projectId, ground.encoder.dimension);
  const vectors = await sideVectors(workspace, ground, train);
  const instructed = (settings.queryInstruction ?? "") === ground.encoder.queryInstruction;
  const queries = (instructed ? vectors.queriesInstruction : undefined) ?? vectors.queries;
  const data: TrainingData = { dataset: train, queries, corpus: vectors.corpus };
  const backend = await openBackend(undefined);
  try {
    const value = await learnCurve(backend, data, settings, chosen, control);
    const kind = "learning curve";
    await workspace.parts.saveFinding({ projectId, kind, dataHash: ground.dataHash, value });
    return value;
  } finally {
    backend.dispose();
  }
}

/** The settings of the latest recommended adapter run with this width, else the usual ones. */
async function latestAdapter(workspace: Workspace, projectId: string, features: number): Promise<LearntFrom> {
  const runs = [...(await workspace.runs.ofProject(projectId))].reverse();
  for (const { id, recipe, imported } of runs) {
    if (imported || recipe.task !== "adapter" || recipe.settings.mode !== "recommended") continue;
    if (recipe.settings.adapter.features !== features) continue;
    const kept = await findResult(workspace.checkpoints, id);
    if (kept) return { settings: recipe.settings, chosen: kept.chosen };
  }
  const adapter = { kind: "linear", features, bias: false } as const;
  return { settings: { mode: "recommended", adapter, seed: 0 }, chosen: null };
}
