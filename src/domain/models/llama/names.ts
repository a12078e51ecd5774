import type { LlamaConfig } from "./config.ts";

/** Names of a decoder's tensors: those of Hugging Face's LlamaForCausalLM (Qwen's are the same). Linear weights are [out, in]. */
export const EMBEDDINGS = "model.embed_tokens.weight";
export const FINAL_NORM = "model.norm.weight";
export const HEAD = "lm_head.weight"; // absent where the embeddings are tied

/** Linear layers inside a transformer layer, in the order they run. */
export const LAYER_LINEARS = [
  "self_attn.q_proj",
  "self_attn.k_proj",
  "self_attn.v_proj",
  "self_attn.o_proj",
  "mlp.gate_proj",
  "mlp.up_proj",
  "mlp.down_proj",
] as const;

export type LayerLinear = (typeof LAYER_LINEARS)[number];

/** "model.layers.3.mlp.up_proj": a part of layer `index`, without ".weight". */
export function layerPart(index: number, part: string): string {
  return `model.layers.${index}.${part}`;
}

interface LinearSizes {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
}

/** Inputs and outputs of a linear layer inside a transformer layer, and whether it has a bias. */
export function linearSizes(config: LlamaConfig, part: LayerLinear): LinearSizes {
  const { hiddenSize, intermediateSize } = config;
  const [wide, narrow] = [config.heads * config.headSize, config.keyHeads * config.headSize];
  switch (part) {
    case "self_attn.q_proj":
      return { inputs: hiddenSize, outputs: wide, bias: config.projectionBias };
    case "self_attn.k_proj":
    case "self_attn.v_proj":
      return { inputs: hiddenSize, outputs: narrow, bias: config.projectionBias };
    case "self_attn.o_proj":
      return { inputs: wide, outputs: hiddenSize, bias: config.outputBias };
    case "mlp.down_proj":
      return { inputs: intermediateSize, outputs: hiddenSize, bias: config.feedForwardBias };
    default:
      return { inputs: hiddenSize, outputs: intermediateSize, bias: config.feedForwardBias };
  }
}

/** Name and shape of every tensor of the decoder. */
export function llamaShapes(config: LlamaConfig): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, vocabSize } = config;
  const shapes = new Map<string, readonly number[]>([[EMBEDDINGS, [vocabSize, hiddenSize]]]);
  for (let index = 0; index < config.layers; index++) {
    for (const [name, shape] of layerShapes(config, index)) shapes.set(name, shape);
  }
  shapes.set(FINAL_NORM, [hiddenSize]);
  if (!config.tiedEmbeddings) shapes.set(HEAD, [vocabSize, hiddenSize]);
  return shapes;
}

/** Those of transformer layer `index`. */
export function layerShapes(config: LlamaConfig, index: number): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, headSize } = config;
  const shapes = new Map<string, readonly number[]>();
  for (const part of LAYER_LINEARS) {
    const { inputs, outputs, bias } = linearSizes(config, part);
    shapes.set(`${layerPart(index, part)}.weight`, [outputs, inputs]);
    if (bias) shapes.set(`${layerPart(index, part)}.bias`, [outputs]);
  }
  shapes.set(layerPart(index, "input_layernorm.weight"), [hiddenSize]);
  shapes.set(layerPart(index, "post_attention_layernorm.weight"), [hiddenSize]);
  if (config.headNorms) {
    for (const side of ["q", "k"]) shapes.set(layerPart(index, `self_attn.${side}_norm.weight`), [headSize]);
  }
  return shapes;
}

/** The tensor that turns hidden states into logits. */
export function headName({ tiedEmbeddings }: LlamaConfig): string {
  return tiedEmbeddings ? EMBEDDINGS : HEAD;
}
