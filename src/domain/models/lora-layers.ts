// LoRA (Hu et al. 2021): a linear layer y = x·Wᵀ + b becomes  y = x·Wᵀ + b + s·(drop(x)·Aᵀ)·Bᵀ,  s = alpha/r, or
// alpha/√r with rsLoRA (Kalajdzievski 2023). W and b stay as they are; A [r, in] starts Kaiming-uniform with a = √5, that
// is uniform in ±1/√in, and B [out, r] at zero, so training starts from the base's own results (peft LoraLayer).
// This is what all architectures share: they bring their layers (bert/lora.ts, llama/lora.ts).
import { RetuneError } from "../../engine/errors.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { add, scaleBy } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import type { TensorData, Weights } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import type { LoraAdapter } from "./encoder-model.ts";

/** What a LoRA adapter is, before it has weights. */
export type LoraShape = Pick<LoraAdapter, "rank" | "alpha" | "rsLora" | "targets">;

/** A linear layer that LoRA can change. */
export interface LoraLayer {
  readonly name: string; // as its tensors', without ".weight"
  readonly inputs: number;
  readonly outputs: number;
}

const LORA_STREAM = 23; // of the run's generator

/** s of y = x·Wᵀ + s·x·Aᵀ·Bᵀ */
export function loraScaling({ rank, alpha, rsLora }: LoraShape): number {
  return alpha / (rsLora ? Math.sqrt(rank) : rank);
}

/**
 * The layers that `targets` means, in the order of `all`: those whose name is a target or ends with "." and one, as PEFT's
 * target_modules. Throws "usage" for a target that means none; `known` is what the message offers.
 */
export function targetedLayers<Layer extends LoraLayer>(
  all: readonly Layer[],
  targets: readonly string[],
  known: readonly string[],
): readonly Layer[] {
  const means = (name: string, target: string): boolean => name === target || name.endsWith(`.${target}`);
  const lost = targets.find((target) => !all.some(({ name }) => means(name, target)));
  if (lost !== undefined || targets.length === 0) {
    const text = `LoRA: "${lost ?? ""}" ends no layer's name; the layers are ${known.join(", ")}`;
    throw new RetuneError("usage", text);
  }
  return all.filter(({ name }) => targets.some((target) => means(name, target)));
}

/** Name and shape of every LoRA tensor: A then B of each layer. Throws "usage" for a rank outside 1 to `largest`. */
export function loraLayerShapes(
  layers: readonly LoraLayer[],
  rank: number,
  largest: number,
): ReadonlyMap<string, readonly number[]> {
  if (!Number.isInteger(rank) || rank < 1 || rank > largest) {
    throw new RetuneError("usage", `LoRA: rank must be a whole number from 1 to ${largest}, got ${rank}`);
  }
  const shapes = new Map<string, readonly number[]>();
  for (const { name, inputs, outputs } of layers) {
    shapes.set(`${name}.lora_A.weight`, [rank, inputs]);
    shapes.set(`${name}.lora_B.weight`, [outputs, rank]);
  }
  return shapes;
}

/** Weights that change nothing yet. Equal seeds give equal weights. */
export function initialLoraWeights(shapes: ReadonlyMap<string, readonly number[]>, seed: number): Weights {
  const random = CounterRandom.stream(seed, LORA_STREAM);
  const weights = new Map<string, TensorData>();
  for (const [name, size] of shapes) {
    const values = new Float32Array(size[0]! * size[1]!);
    const bound = 1 / Math.sqrt(size[1]!);
    if (name.endsWith("lora_A.weight")) {
      for (let index = 0; index < values.length; index++) values[index] = (2 * random.uniform() - 1) * bound;
    }
    weights.set(name, { shape: size, values });
  }
  return weights;
}

/** Where a traced model finds its linear layers. */
export interface LinearWeights {
  tensor(name: string): Tensor;
  linear(name: string, x: Tensor): Tensor;
  parameters(): readonly Tensor[];
}

/**
 * `base` with the low-rank changes beside the layers that `shapes` names. `parameters()` are the LoRA matrices, then what trains
 * of `base` itself. `seen` is what A reads of a layer's input (its dropout), the input itself where absent.
 */
export function loraBeside<Base extends LinearWeights>(
  graph: Graph,
  base: Base,
  shapes: ReadonlyMap<string, readonly number[]>,
  scaling: number,
  seen: (name: string, x: Tensor) => Tensor = (_name, x) => x,
): Base {
  const leaves = new Map<string, Tensor>();
  for (const [name, size] of shapes) leaves.set(name, graph.parameter(name, size));
  const linear = (name: string, x: Tensor): Tensor => {
    const out = base.linear(name, x);
    const [a, b] = ["A", "B"].map((side) => leaves.get(`${name}.lora_${side}.weight`));
    if (!a || !b) return out;
    const low = matmul(seen(name, x), a, { transposeB: true });
    return add(scaleBy(matmul(low, b, { transposeB: true }), scaling), out);
  };
  return {
    ...base,
    linear,
    parameters: () => [...leaves.values(), ...base.parameters()],
  };
}
