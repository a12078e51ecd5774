import type { Tensor } from "../../../engine/graph.ts";
import { tanh } from "../../../engine/ops/activations.ts";
import type { BertConfig } from "./config.ts";
import { bert, type BertOptions } from "./bert.ts";
import { dropped, PLACE } from "./dropout.ts";
import type { BatchTensors } from "./inputs.ts";
import { CLASSIFIER, POOLER } from "./names.ts";
import { pooled } from "./pooling.ts";
import type { BertWeights } from "./weights.ts";

/**
 * transformers' BertForSequenceClassification: [S, labels] logits = Wc·drop(tanh(Wp·h[CLS])) + bc, one row a sequence (a
 * pair of texts). The batch's pooling must be "cls".
 */
export function pairLogits(
  config: BertConfig,
  weights: BertWeights,
  batch: BatchTensors,
  options: BertOptions = {},
): Tensor {
  const states = pooled(bert(config, weights, batch, options), batch);
  const pooledStates = tanh(weights.linear(POOLER, states));
  const kept = dropped(pooledStates, config.classifierDropout, options.dropout, PLACE.classifier);
  return weights.linear(CLASSIFIER, kept);
}
