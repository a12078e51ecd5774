// LoRA of a BERT: which layers it changes and where their dropout stands; the arithmetic is in ../lora-layers.ts.
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
import type { BertConfig } from "./config.ts";
import { dropped, PLACE, type DropoutSource } from "./dropout.ts";
import { LAYER_LINEARS, layerPart, linearSizes } from "./names.ts";
import type { TracedWeights } from "./weights.ts";

export { loraScaling, type LoraShape } from "../lora-layers.ts";

/**
 * All linear layers of the transformer, as PEFT's target_modules: a layer is meant where its name ends with one of these
 * ("output.dense" is both attention.output.dense and output.dense). The pooler is not a target.
 */
export const ALL_LINEAR: readonly string[] = ["query", "key", "value", "intermediate.dense", "output.dense"];

/** A layer that LoRA changes. */
interface Target extends LoraLayer {
  readonly layer: number;
  readonly linear: number; // position in LAYER_LINEARS
}

/** Names of the layers that `targets` means, in the order they run. Throws "usage" for a target that means none. */
export function loraLayers(config: BertConfig, targets: readonly string[]): readonly string[] {
  return targetsOf(config, targets).map(({ name }) => name);
}

/** Name and shape of every LoRA tensor: A then B of each layer. */
export function loraShapes(
  config: BertConfig,
  { rank, targets }: LoraShape,
): ReadonlyMap<string, readonly number[]> {
  return loraLayerShapes(targetsOf(config, targets), rank, config.hiddenSize);
}

/** An adapter that changes nothing yet. Equal seeds give equal weights. */
export function initialLora(config: BertConfig, shape: LoraShape, seed: number): LoraAdapter {
  const { rank, alpha, rsLora, targets } = shape;
  return { rank, alpha, rsLora, targets, weights: initialLoraWeights(loraShapes(config, shape), seed) };
}

/** Dropout of the input of A. */
export interface LoraDropout {
  readonly rate: number;
  readonly source: DropoutSource;
}

/**
 * `base` with the low-rank changes beside its linear layers. `parameters()` are the LoRA matrices (names as `loraShapes`),
 * then what trains of `base` itself (a cross-encoder's head).
 */
export function withLora(
  graph: Graph,
  config: BertConfig,
  base: TracedWeights,
  shape: LoraShape,
  dropout?: LoraDropout,
): TracedWeights {
  const places = new Map(
    targetsOf(config, shape.targets).map(({ name, layer, linear }) => [name, PLACE.lora(layer, linear)]),
  );
  return loraBeside(graph, base, loraShapes(config, shape), loraScaling(shape), (name, x) =>
    dropout ? dropped(x, dropout.rate, dropout.source, places.get(name)!) : x,
  );
}

function targetsOf(config: BertConfig, targets: readonly string[]): readonly Target[] {
  const all = Array.from({ length: config.layers }, (_, layer) =>
    LAYER_LINEARS.map((part, linear) => ({
      name: layerPart(layer, part),
      layer,
      linear,
      ...linearSizes(config, part),
    })),
  ).flat();
  return targetedLayers(all, targets, LAYER_LINEARS);
}
