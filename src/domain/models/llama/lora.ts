import type { Graph } from "../../../engine/graph.ts";
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
  const all = Array.from({ length: Math.max(0, config.layers - from) }, (_, index): LoraLayer[] =>
    LAYER_LINEARS.map((part) => ({ name: layerPart(from + index, part), ...linearSizes(config, part) })),
  ).flat();
  const layers = targetedLayers(all, targets, ALL_DECODER_LINEAR);
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

/** `base` with the low-rank changes beside its linear layers; `parameters()` are the LoRA matrices, named as `decoderLoraShapes`. */
export function withDecoderLora(
  graph: Graph,
  config: LlamaConfig,
  base: DecoderWeights,
  shape: LoraShape,
  range: LoraRange = {},
): DecoderWeights {
  return loraBeside(graph, base, decoderLoraShapes(config, shape, range), loraScaling(shape));
}
