import { rightChoices } from "../../domain/data/router-dataset.ts";
import type { RouterDataset } from "../../domain/data/router-dataset.ts";
import { routerReport } from "../../domain/eval/classification.ts";
import type { RouterReport } from "../../domain/eval/classification.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { RunControl } from "../../domain/ports.ts";
import { routerScores } from "../../domain/recipes/router/route.ts";
import type { RouterVectors, TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import { choiceVectorsOf, encoderScores, pairScores } from "../../domain/recipes/router/score-choices.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { StartModel } from "./trained-store.ts";

/** What a router's base answers from: vectors of the judged texts, or a model. */
export interface RouterBase {
  readonly vectors?: RouterVectors; // of the judged examples and all choices
  readonly model?: StartModel;
}

/** A trained router on examples it has not seen, beside its base. */
export async function judgeRouter(
  backend: Backend,
  router: TrainedRouter,
  dataset: RouterDataset,
  base: RouterBase,
  seed: number,
  control: RunControl = {},
): Promise<RouterReport> {
  const { examples } = dataset;
  if (examples.length === 0) {
    throw new RetuneError("too-little-data", "There are no test questions, so the router cannot be judged.");
  }
  const texts = examples.map(({ text }) => text);
  const vectors = base.vectors?.queries;
  const scores = await routerScores(backend, router, { texts, ...(vectors ? { vectors } : {}) }, control);
  const right = rightChoices(dataset);
  const judged = examples.map(({ id, group }, row) => ({ id, cluster: group ?? id, right: right[row]! }));
  const before = await baseScores(backend, dataset, base, texts);
  const { calibration, baseCalibration } = router;
  return routerReport(
    judged,
    { scores, calibration },
    before && { scores: before, ...(baseCalibration ? { calibration: baseCalibration } : {}) },
    { seed },
  );
}

async function baseScores(
  backend: Backend,
  { choices }: RouterDataset,
  { vectors, model }: RouterBase,
  texts: readonly string[],
): Promise<Matrix | undefined> {
  if (vectors) return cosineScores(vectors.queries, vectors.choices);
  if (!model) return undefined;
  if (!("pooling" in model)) return pairScores(backend, model, texts, choices);
  return encoderScores(backend, model, texts, await choiceVectorsOf(backend, model, choices));
}

/** Whether a router of these settings learns on frozen vectors, so that no model is trained. */
export function learnsOnVectors({
  trainer,
  tune = "adapter",
}: {
  readonly trainer: "embedding" | "cross-encoder" | "softmax";
  readonly tune?: "adapter" | "encoder";
}): boolean {
  return trainer === "softmax" || (trainer === "embedding" && tune === "adapter");
}
