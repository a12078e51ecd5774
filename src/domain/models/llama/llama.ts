// Llama-type decoders (Touvron et al. 2023; Qwen2.5 and Qwen3 by the config), as transformers computes them, over packed sequences:
//   h = word[id]
//   each layer:  a = h + Wo·attention(turned(Wq·n), turned(Wk·n), Wv·n), n = rms(h), causal, keys and values shared by groups of heads;
//                h = a + Wdown·(silu(Wgate·m) ⊙ Wup·m), m = rms(a)
//   logits = Whead·rms(h)
// Composed: silu and the product of gate and up are steps of one element-wise launch, residual sums are steps after a product.
import { checkpointed } from "../../../engine/checkpointed.ts";
import type { Tensor } from "../../../engine/graph.ts";
import { silu } from "../../../engine/ops/activations.ts";
import { attention } from "../../../engine/ops/attention.ts";
import { add, multiply } from "../../../engine/ops/elementwise.ts";
import { rmsNorm } from "../../../engine/ops/rms-norm.ts";
import { rotary } from "../../../engine/ops/rotary.ts";
import { gather } from "../../../engine/ops/rows.ts";
import type { LlamaConfig } from "./config.ts";
import type { DecoderInputs } from "./inputs.ts";
import { FINAL_NORM, layerPart, layerShapes } from "./names.ts";
import type { DecoderWeights } from "./weights.ts";

export interface LlamaOptions {
  /**
   * All of a layer but its input is computed again in the backward pass, for about a third more arithmetic; else the wide
   * activation alone. Gradients are the same to the bit.
   */
  readonly recompute?: boolean;
  /** Attention of a layer over its turned queries and keys and its values. Default: causal within each packed sequence. */
  readonly attend?: LayerAttention;
}

export type LayerAttention = (layer: number, queries: Tensor, keys: Tensor, values: Tensor) => Tensor;

/** The hidden states of all tokens after the last norm, [R, D]. Rows of no sequence hold numbers of no meaning. */
export function llama(
  config: LlamaConfig,
  weights: DecoderWeights,
  inputs: DecoderInputs,
  { recompute = false, attend = packedAttention(config, inputs) }: LlamaOptions = {},
): Tensor {
  let hidden = weights.embed(inputs.ids);
  for (let index = 0; index < config.layers; index++) {
    for (const name of layerShapes(config, index).keys()) weights.tensor(name); // leaves are made outside
    const layer = (x: Tensor): Tensor => transformerLayer(config, weights, inputs, attend, x, index);
    hidden = recompute ? checkpointed([hidden], ([x]) => layer(x!)) : layer(hidden);
  }
  return rmsNorm(hidden, weights.tensor(FINAL_NORM), { epsilon: config.epsilon });
}

/** The logits of some rows' next token, [S, vocabulary]; `rows` u32 [S] are row numbers of `hidden`. */
export function nextTokenLogits(weights: DecoderWeights, hidden: Tensor, rows: Tensor): Tensor {
  return weights.logits(gather(hidden, rows));
}

function transformerLayer(
  config: LlamaConfig,
  weights: DecoderWeights,
  inputs: DecoderInputs,
  attend: LayerAttention,
  hidden: Tensor,
  index: number,
): Tensor {
  const part = (name: string): string => layerPart(index, name);
  const norm = (name: string, x: Tensor): Tensor =>
    rmsNorm(x, weights.tensor(part(`${name}.weight`)), { epsilon: config.epsilon });
  const attended = selfAttention(config, weights, inputs, attend, norm("input_layernorm", hidden), index);
  const middle = add(weights.linear(part("self_attn.o_proj"), attended), hidden);
  const seen = norm("post_attention_layernorm", middle);
  const [gate, up] = ["gate", "up"].map((side) => weights.linear(part(`mlp.${side}_proj`), seen));
  const narrow = checkpointed([gate!, up!], ([g, u]) =>
    weights.linear(part("mlp.down_proj"), multiply(silu(g!), u!)),
  );
  return add(narrow, middle);
}

function selfAttention(
  config: LlamaConfig,
  weights: DecoderWeights,
  { positions, rotary: table }: DecoderInputs,
  attend: LayerAttention,
  seen: Tensor,
  index: number,
): Tensor {
  const { heads, keyHeads, epsilon } = config;
  const part = (name: string): string => layerPart(index, `self_attn.${name}`);
  const turned = (side: "q" | "k", count: number): Tensor => {
    const projected = weights.linear(part(`${side}_proj`), seen);
    const scaled = config.headNorms
      ? rmsNorm(projected, weights.tensor(part(`${side}_norm.weight`)), { epsilon })
      : projected;
    return rotary(scaled, positions, table, { heads: count });
  };
  const [queries, keys] = [turned("q", heads), turned("k", keyHeads)];
  const values = weights.linear(part("v_proj"), seen);
  return attend(index, queries, keys, values);
}

function packedAttention(
  { heads, keyHeads }: LlamaConfig,
  { ranges, bucket }: DecoderInputs,
): LayerAttention {
  const settings = { heads, keyHeads, causal: true, longest: bucket.longest };
  return (_layer, queries, keys, values) => attention(queries, keys, values, ranges, settings);
}
