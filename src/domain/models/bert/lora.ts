// LoRA (Hu et al. 2021): a linear layer y = x·Wᵀ + b becomes  y = x·Wᵀ + b + s·(drop(x)·Aᵀ)·Bᵀ,  s = alpha/r, or
// alpha/√r with rsLoRA (Kalajdzievski 2023). W and b stay as they are; A [r, in] starts Kaiming-uniform with a = √5, that
// is uniform in ±1/√in, and B [out, r] at zero, so training starts from the base's own vectors (peft LoraLayer).
import { RetuneError } from "../../../engine/errors.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { add, scaleBy } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import type { TensorData } from "../../matrix.ts";
import { CounterRandom } from "../../random.ts";
import type { LoraAdapter } from "../encoder-model.ts";
import type { BertConfig } from "./config.ts";
import { dropped, PLACE, type DropoutSource } from "./dropout.ts";
import { LAYER_LINEARS, layerPart, linearSizes } from "./names.ts";
import type { TracedWeights } from "./weights.ts";

/** What a LoRA adapter is, before it has weights. */
export type LoraShape = Pick<LoraAdapter, "rank" | "alpha" | "rsLora" | "targets">;

/**
 * All linear layers of the transformer, as PEFT's target_modules: a layer is meant where its name ends with one of these
 * ("output.dense" is both attention.output.dense and output.dense). The pooler is not a target.
 */
export const ALL_LINEAR: readonly string[] = ["query", "key", "value", "intermediate.dense", "output.dense"];

const LORA_STREAM = 23; // of the run's generator

/** A layer that LoRA changes. */
interface Target {
  readonly name: string; // "encoder.layer.0.attention.self.query"
  readonly layer: number;
  readonly linear: number; // position in LAYER_LINEARS
  readonly inputs: number;
  readonly outputs: number;
}

/** s of y = x·Wᵀ + s·x·Aᵀ·Bᵀ */
export function loraScaling({ rank, alpha, rsLora }: LoraShape): number {
  return alpha / (rsLora ? Math.sqrt(rank) : rank);
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
  if (!Number.isInteger(rank) || rank < 1 || rank > config.hiddenSize) {
    throw new RetuneError(
      "usage",
      `LoRA: rank must be a whole number from 1 to ${config.hiddenSize}, got ${rank}`,
    );
  }
  const shapes = new Map<string, readonly number[]>();
  for (const { name, inputs, outputs } of targetsOf(config, targets)) {
    shapes.set(`${name}.lora_A.weight`, [rank, inputs]);
    shapes.set(`${name}.lora_B.weight`, [outputs, rank]);
  }
  return shapes;
}

/** An adapter that changes nothing yet. Equal seeds give equal weights. */
export function initialLora(config: BertConfig, shape: LoraShape, seed: number): LoraAdapter {
  const random = CounterRandom.stream(seed, LORA_STREAM);
  const weights = new Map<string, TensorData>();
  for (const [name, size] of loraShapes(config, shape)) {
    const values = new Float32Array(size[0]! * size[1]!);
    const bound = 1 / Math.sqrt(size[1]!);
    if (name.endsWith("lora_A.weight")) {
      for (let index = 0; index < values.length; index++) values[index] = (2 * random.uniform() - 1) * bound;
    }
    weights.set(name, { shape: size, values });
  }
  const { rank, alpha, rsLora, targets } = shape;
  return { rank, alpha, rsLora, targets, weights };
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
  const scaling = loraScaling(shape);
  const targets = new Map(targetsOf(config, shape.targets).map((target) => [target.name, target]));
  const leaves = new Map<string, Tensor>();
  for (const [name, size] of loraShapes(config, shape)) leaves.set(name, graph.parameter(name, size));
  const linear = (name: string, x: Tensor): Tensor => {
    const out = base.linear(name, x);
    const target = targets.get(name);
    if (!target) return out;
    const place = PLACE.lora(target.layer, target.linear);
    const seen = dropout ? dropped(x, dropout.rate, dropout.source, place) : x;
    const [a, b] = ["A", "B"].map((side) => leaves.get(`${name}.lora_${side}.weight`)!);
    const low = matmul(seen, a!, { transposeB: true });
    return add(scaleBy(matmul(low, b!, { transposeB: true }), scaling), out);
  };
  return {
    tensor: (name) => base.tensor(name),
    linear,
    parameters: () => [...leaves.values(), ...base.parameters()],
  };
}

function targetsOf(config: BertConfig, targets: readonly string[]): Target[] {
  const means = (name: string, target: string): boolean => name === target || name.endsWith(`.${target}`);
  const all = Array.from({ length: config.layers }, (_, layer) =>
    LAYER_LINEARS.map((part, linear) => ({
      name: layerPart(layer, part),
      layer,
      linear,
      ...linearSizes(config, part),
    })),
  ).flat();
  const lost = targets.find((target) => !all.some(({ name }) => means(name, target)));
  if (lost !== undefined || targets.length === 0) {
    const known = LAYER_LINEARS.join(", ");
    throw new RetuneError("usage", `LoRA: "${lost ?? ""}" ends no layer's name; the layers are ${known}`);
  }
  return all.filter(({ name }) => targets.some((target) => means(name, target)));
}
