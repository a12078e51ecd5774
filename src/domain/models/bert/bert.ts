// BERT (Devlin et al. 2019, post-layer-norm), as transformers' BertModel computes it, over packed sequences:
//   h = drop(LN(word[id] + position[p] + type[t]))
//   each layer:  a = LN(h + drop(Wo·attention(Wq·h, Wk·h, Wv·h)));   h = LN(a + drop(W2·gelu(W1·a)))
// Linear layers see all tokens of a batch as one matrix [R, D]; only attention knows where a sequence begins and ends.
import { checkpointed } from "../../../engine/checkpointed.ts";
import type { Tensor } from "../../../engine/graph.ts";
import { activate } from "../../../engine/ops/activations.ts";
import { attention } from "../../../engine/ops/attention.ts";
import { add } from "../../../engine/ops/elementwise.ts";
import { layerNorm } from "../../../engine/ops/layer-norm.ts";
import { gather } from "../../../engine/ops/rows.ts";
import type { BertConfig } from "./config.ts";
import { dropped, PLACE, placeSeed, type DropoutSource } from "./dropout.ts";
import type { BatchTensors } from "./inputs.ts";
import {
  EMBEDDINGS_NORM,
  layerPart,
  layerShapes,
  POSITION_EMBEDDINGS,
  TYPE_EMBEDDINGS,
  WORD_EMBEDDINGS,
} from "./names.ts";
import type { BertWeights } from "./weights.ts";

export interface BertOptions {
  /** Drops at the config's rates; absent: nothing is dropped (inference, or training without dropout). */
  readonly dropout?: DropoutSource;
  /**
   * Of each layer, what is computed again in the backward pass instead of being kept: all of it (true: only the layer's
   * input is kept, for about a third more arithmetic), or the wide activation alone (a quarter less memory for next to
   * no arithmetic). Gradients are the same to the bit.
   */
  readonly recompute?: boolean;
}

/** The hidden states of all tokens, [R, D]. Rows of no sequence hold numbers of no meaning. */
export function bert(
  config: BertConfig,
  weights: BertWeights,
  batch: BatchTensors,
  options: BertOptions = {},
): Tensor {
  let hidden = embeddings(config, weights, batch, options);
  for (let index = 0; index < config.layers; index++) {
    makeLeaves(config, weights, index);
    const layer = (x: Tensor): Tensor => transformerLayer(config, weights, batch, options, x, index);
    hidden = options.recompute ? checkpointed([hidden], ([x]) => layer(x!)) : layer(hidden);
  }
  return hidden;
}

/** A part that is computed again must find its leaves made. */
function makeLeaves(config: BertConfig, weights: BertWeights, index: number): void {
  for (const name of layerShapes(config, index).keys()) weights.tensor(name);
}

function embeddings(
  config: BertConfig,
  weights: BertWeights,
  { ids, positions, types }: BatchTensors,
  { dropout }: BertOptions,
): Tensor {
  const words = gather(weights.tensor(WORD_EMBEDDINGS), ids);
  const kinds = gather(weights.tensor(TYPE_EMBEDDINGS), types);
  const places = gather(weights.tensor(POSITION_EMBEDDINGS), positions);
  const sum = norm(config, weights, EMBEDDINGS_NORM, add(add(words, kinds), places));
  return dropped(sum, config.hiddenDropout, dropout, PLACE.embeddings);
}

function transformerLayer(
  config: BertConfig,
  weights: BertWeights,
  batch: BatchTensors,
  options: BertOptions,
  hidden: Tensor,
  index: number,
): Tensor {
  const { dropout } = options;
  const part = (name: string): string => layerPart(index, name);
  const attended = selfAttention(config, weights, batch, options, hidden, index);
  const projected = weights.linear(part("attention.output.dense"), attended);
  const kept = dropped(projected, config.hiddenDropout, dropout, PLACE.attentionOutput(index));
  const middle = norm(config, weights, part("attention.output.LayerNorm"), add(kept, hidden));
  const wide = weights.linear(part("intermediate.dense"), middle);
  const narrow = checkpointed([wide], ([x]) =>
    weights.linear(part("output.dense"), activate(x!, config.activation)),
  );
  const out = dropped(narrow, config.hiddenDropout, dropout, PLACE.output(index));
  return norm(config, weights, part("output.LayerNorm"), add(out, middle));
}

function selfAttention(
  config: BertConfig,
  weights: BertWeights,
  { ranges, bucket }: BatchTensors,
  { dropout }: BertOptions,
  hidden: Tensor,
  index: number,
): Tensor {
  const [queries, keys, values] = ["query", "key", "value"].map((name) =>
    weights.linear(layerPart(index, `attention.self.${name}`), hidden),
  );
  const rate = config.attentionDropout;
  const drops = dropout !== undefined && rate > 0;
  return attention(queries!, keys!, values!, ranges, {
    heads: config.heads,
    longest: bucket.longest,
    ...(drops
      ? {
          dropout: { rate, seed: placeSeed(dropout, PLACE.attention(index)), counter: dropout.counter },
        }
      : {}),
  });
}

function norm(config: BertConfig, weights: BertWeights, name: string, x: Tensor): Tensor {
  const [gamma, beta] = [weights.tensor(`${name}.weight`), weights.tensor(`${name}.bias`)];
  return layerNorm(x, gamma, beta, { epsilon: config.layerNormEpsilon });
}
