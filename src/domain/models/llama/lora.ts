import type { Graph, Tensor } from "../../../engine/graph.ts";
import type { LoraAdapter } from "../encoder-model.ts";
import {
  initialLoraWeights,
  loraBeside,
  loraLayerShapes,
  loraScaling,
  targetedLayers,
  type LoraLayer,
  type LoraShape,
} from "../lora-layers.ts";
import { dropped, type DropoutSource } from "../bert/dropout.ts";
import type { LlamaConfig } from "./config.ts";
import { LAYER_LINEARS, layerPart, linearSizes } from "./names.ts";
import type { DecoderWeights } from "./weights.ts";

/** All seven linear layers of a transformer layer, as PEFT's target_modules; the head is not a target. */
export const ALL_DECODER_LINEAR: readonly string[] = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
];

/** Which transformer layers change: those from `from` on. Below the first of them no gradient is computed. */
export interface LoraRange {
  readonly from?: number;
}

/** Name and shape of every LoRA tensor: A then B of each layer, in the order they run. Throws "usage" for what cannot be. */
export function decoderLoraShapes(
  config: LlamaConfig,
  { rank, targets }: LoraShape,
  { from = 0 }: LoraRange = {},
): ReadonlyMap<string, readonly number[]> {
  const layers = targetedLayers(allLinear(config, from), targets, ALL_DECODER_LINEAR);
  return loraLayerShapes(layers, rank, config.hiddenSize);
}

/** An adapter that changes nothing yet. Equal seeds give equal weights. */
export function initialDecoderLora(
  config: LlamaConfig,
  shape: LoraShape,
  seed: number,
  range: LoraRange = {},
): LoraAdapter {
  const { rank, alpha, rsLora, targets } = shape;
  const weights = initialLoraWeights(decoderLoraShapes(config, shape, range), seed);
  return { rank, alpha, rsLora, targets, weights };
}

/** Dropout of the input of A. */
export interface DecoderLoraDropout {
  readonly rate: number;
  readonly source: DropoutSource;
}

/**
 * `base` with the low-rank changes beside its linear layers; `parameters()` are the LoRA matrices, named as `decoderLoraShapes`.
 * What is dropped depends on layer, step and seed alone, so that a layer computed again drops the same.
 */
export function withDecoderLora(
  graph: Graph,
  config: LlamaConfig,
  base: DecoderWeights,
  shape: LoraShape,
  { dropout, ...range }: LoraRange & { readonly dropout?: DecoderLoraDropout } = {},
): DecoderWeights {
  const places = new Map(allLinear(config).map(({ name }, place) => [name, place]));
  const seen = dropout
    ? (name: string, x: Tensor): Tensor => dropped(x, dropout.rate, dropout.source, places.get(name)!)
    : undefined;
  return loraBeside(graph, base, decoderLoraShapes(config, shape, range), loraScaling(shape), seen);
}

/** The linear layers of transformer layers from `from` on, in the order they run. */
function allLinear(config: LlamaConfig, from = 0): LoraLayer[] {
  return Array.from({ length: Math.max(0, config.layers - from) }, (_, index) =>
    LAYER_LINEARS.map((part) => ({ name: layerPart(from + index, part), ...linearSizes(config, part) })),
  ).flat();
}
