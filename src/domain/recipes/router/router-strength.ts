// A router between what it was trained from (α = 0) and itself (α = 1; beyond it extrapolates), by the mixture of weights of
// its kind: interpolate.ts for models and for the softmax head, whose start is scale · the unit vectors of the descriptions
// (at 0 it answers as the untrained embedding router), merge-adapter.ts for adapters. Probabilities and the threshold of
// "none of these" stay those found at strength 1: no examples are kept apart to find them anew.
import type { Backend } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import { interpolateWeights } from "../../models/interpolate.ts";
import { mergeAdapter } from "../../models/merge-adapter.ts";
import { ROUTER_SCALE } from "./head-ground.ts";
import { HEAD_BIAS, HEAD_WEIGHT, softmaxHead } from "./head-steps.ts";
import type { RouterJob, SoftmaxRouter, TrainedRouter } from "./router-job.ts";
import { choiceVectorsOf } from "./score-choices.ts";

/** What the router was trained from; as in its job. */
export type RouterStart = Pick<RouterJob, "vectors" | "model"> & Pick<RouterJob["settings"], "scale">;

/**
 * The router at strength `alpha`. An encoder's descriptions are embedded anew on `backend`; nothing else computes there.
 * Errors: "usage" where `start` lacks what this kind needs, E_MISMATCH for a start of another shape.
 */
export async function routerAtStrength(
  backend: Backend,
  router: TrainedRouter,
  alpha: number,
  start: RouterStart,
): Promise<TrainedRouter> {
  if (alpha === 1) return router;
  switch (router.kind) {
    case "adapter":
      return { ...router, weights: mergeAdapter(router.config, router.weights, alpha) };
    case "softmax":
      return softmaxAt(router, alpha, start);
    case "encoder": {
      const weights = interpolateWeights(startModel(start).weights, router.model.weights, alpha);
      const model = { ...router.model, weights };
      return { ...router, model, choiceVectors: await choiceVectorsOf(backend, model, router.choices) };
    }
    case "cross-encoder": {
      // The start may be a bi-encoder, which has no head: then the trained head stays.
      const { weights } = startModel(start);
      const mixed = interpolateWeights(weights, router.model.weights, alpha);
      return { ...router, model: { ...router.model, weights: mixed } };
    }
  }
}

function softmaxAt(
  router: SoftmaxRouter,
  alpha: number,
  { vectors, scale = ROUTER_SCALE }: RouterStart,
): SoftmaxRouter {
  if (!vectors) throw lacking("the vectors of its choices' descriptions");
  const { rows, columns, values } = router.weight;
  const tuned = new Map([
    [HEAD_WEIGHT, { shape: [rows, columns], values }],
    [HEAD_BIAS, { shape: [rows], values: router.bias }],
  ]);
  const mixed = interpolateWeights(softmaxHead(vectors, scale).initial, tuned, alpha);
  const weight = { rows, columns, values: mixed.get(HEAD_WEIGHT)!.values };
  return { ...router, weight, bias: mixed.get(HEAD_BIAS)!.values };
}

function startModel({ model }: RouterStart): EncoderModel | CrossEncoderModel {
  if (model) return model;
  throw lacking("the model it was trained from");
}

function lacking(what: string): RetuneError {
  return new RetuneError("usage", `router: a strength other than 1 needs ${what}`);
}
