import { RetuneError } from "../../../engine/errors.ts";
import type { NamedWeights } from "../encoder-model.ts";
import type { BertConfig } from "./config.ts";

/** Names of a BERT's tensors: those of Hugging Face's BertModel, without a leading "bert.". Linear weights are [out, in]. */
export const WORD_EMBEDDINGS = "embeddings.word_embeddings.weight";
export const POSITION_EMBEDDINGS = "embeddings.position_embeddings.weight";
export const TYPE_EMBEDDINGS = "embeddings.token_type_embeddings.weight";
export const EMBEDDINGS_NORM = "embeddings.LayerNorm";
export const POOLER = "pooler.dense";
export const CLASSIFIER = "classifier";

/** Linear layers inside a transformer layer, in the order they run. */
export const LAYER_LINEARS = [
  "attention.self.query",
  "attention.self.key",
  "attention.self.value",
  "attention.output.dense",
  "intermediate.dense",
  "output.dense",
] as const;

export type LayerLinear = (typeof LAYER_LINEARS)[number];

/** "encoder.layer.3.attention.self.query": a part of layer `index`, without ".weight". */
export function layerPart(index: number, part: string): string {
  return `encoder.layer.${index}.${part}`;
}

/** Inputs and outputs of a linear layer inside a transformer layer. */
export function linearSizes(config: BertConfig, part: LayerLinear): { inputs: number; outputs: number } {
  const { hiddenSize, intermediateSize } = config;
  return {
    inputs: part === "output.dense" ? intermediateSize : hiddenSize,
    outputs: part === "intermediate.dense" ? intermediateSize : hiddenSize,
  };
}

/** Name and shape of every tensor of the encoder, in the order of its state dict; the pooler is not part of it. */
export function encoderShapes(config: BertConfig): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, vocabSize, maxPositions, typeVocabSize } = config;
  const shapes = new Map<string, readonly number[]>([
    [WORD_EMBEDDINGS, [vocabSize, hiddenSize]],
    [POSITION_EMBEDDINGS, [maxPositions, hiddenSize]],
    [TYPE_EMBEDDINGS, [typeVocabSize, hiddenSize]],
  ]);
  addNorm(shapes, EMBEDDINGS_NORM, hiddenSize);
  for (let index = 0; index < config.layers; index++) {
    for (const [name, shape] of layerShapes(config, index)) shapes.set(name, shape);
  }
  return shapes;
}

/** Those of transformer layer `index`. */
export function layerShapes(config: BertConfig, index: number): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const part of LAYER_LINEARS) {
    const { inputs, outputs } = linearSizes(config, part);
    addLinear(shapes, layerPart(index, part), inputs, outputs);
    if (part === "attention.output.dense" || part === "output.dense") {
      addNorm(shapes, layerPart(index, part.replace("dense", "LayerNorm")), config.hiddenSize);
    }
  }
  return shapes;
}

/** Those of the encoder, then pooler and classifier of a cross-encoder with `labels` logits. */
export function crossEncoderShapes(config: BertConfig, labels = 1): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map(encoderShapes(config));
  addLinear(shapes, POOLER, config.hiddenSize, config.hiddenSize);
  addLinear(shapes, CLASSIFIER, config.hiddenSize, labels);
  return shapes;
}

function addLinear(
  shapes: Map<string, readonly number[]>,
  name: string,
  inputs: number,
  outputs: number,
): void {
  shapes.set(`${name}.weight`, [outputs, inputs]);
  shapes.set(`${name}.bias`, [outputs]);
}

function addNorm(shapes: Map<string, readonly number[]>, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

/** Whether weight decay applies: not to biases nor to layer norms (transformers' Trainer, get_decay_parameter_names). */
export function decays(name: string): boolean {
  return !name.includes("bias") && !name.includes("LayerNorm");
}

/**
 * Whether a tensor trains when only the last `topLayers` transformer layers do: those, and what comes after them (pooler,
 * classifier). All tensors train where `topLayers` is undefined; 0 leaves the head alone.
 */
export function trainsWith(config: BertConfig, topLayers: number | undefined): (name: string) => boolean {
  if (topLayers === undefined) return () => true;
  const first = config.layers - topLayers;
  return (name) => {
    const layer = /^encoder\.layer\.(\d+)\./.exec(name)?.[1];
    if (layer !== undefined) return Number(layer) >= first;
    return !name.startsWith("embeddings.");
  };
}

/** Throws E_MISMATCH unless every tensor of `shapes` is among the weights with its shape. */
export function checkNamedWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  weights: NamedWeights,
  model: string,
): void {
  for (const [name, shape] of shapes) {
    const found = weights.get(name)?.shape;
    if (found?.join() === shape.join()) continue;
    const got = found ? `is [${found.join(", ")}]` : "is missing";
    const text = `${model}: tensor "${name}" ${got}, its config.json asks for [${shape.join(", ")}]`;
    throw new RetuneError("E_MISMATCH", `${text}. Choose the files of one model.`);
  }
}
