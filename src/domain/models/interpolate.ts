// The strength of a training between its base (α = 0) and its result (α = 1; beyond it extrapolates):
//
//   θ(α) = (1 − α)·θ₀ + α·θ        LoRA: scaling·B·A with B(α) = α·B, which is the same on the merged weights
//
// Wortsman et al. 2022 (WiSE-FT), Xiao et al. 2023 (LM-Cocktail). Adapters on vectors: merge-adapter.ts.
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData } from "../matrix.ts";
import type { LoraAdapter, NamedWeights } from "./encoder-model.ts";

/**
 * Weights between `base` and `tuned`, tensor by tensor; tensors that are the same object or that the base lacks (a new head)
 * are the tuned ones. Throws E_MISMATCH where both have a tensor with different shapes: two models of no common base.
 */
export function interpolateWeights(base: NamedWeights, tuned: NamedWeights, alpha: number): NamedWeights {
  if (alpha === 1) return tuned;
  return new Map(
    Array.from(tuned, ([name, tensor]) => {
      const start = base.get(name);
      if (!start || start === tensor) return [name, tensor];
      if (start.shape.join() !== tensor.shape.join()) throw mismatch(name, start.shape, tensor.shape);
      return [name, { shape: tensor.shape, values: between(start.values, tensor.values, alpha) }];
    }),
  );
}

/** A model of any kind with the weights between its base's and its own. */
export function interpolateModel<Model extends { readonly weights: NamedWeights }>(
  base: Model,
  tuned: Model,
  alpha: number,
): Model {
  return { ...tuned, weights: interpolateWeights(base.weights, tuned.weights, alpha) };
}

/**
 * A LoRA adapter at strength `alpha`: its B matrices times α; rank and alpha stay. A head that it replaces (a classifier)
 * needs the base's to start from and stays as trained where `base` lacks it.
 */
export function scaleLora(adapter: LoraAdapter, alpha: number, base: NamedWeights = new Map()): LoraAdapter {
  if (alpha === 1) return adapter;
  const scaled = ({ shape, values }: TensorData): TensorData => ({
    shape,
    values: values.map((value) => alpha * value),
  });
  const weights = Array.from(adapter.weights, ([name, tensor]): [string, TensorData] => {
    if (name.endsWith(".lora_A.weight")) return [name, tensor];
    if (name.endsWith(".lora_B.weight")) return [name, scaled(tensor)];
    const start = base.get(name)?.values;
    return [name, start ? { ...tensor, values: between(start, tensor.values, alpha) } : tensor];
  });
  return { ...adapter, weights: new Map(weights) };
}

function between(start: Float32Array, end: Float32Array, alpha: number): Float32Array {
  return end.map((value, index) => (1 - alpha) * start[index]! + alpha * value);
}

function mismatch(name: string, base: readonly number[], tuned: readonly number[]): RetuneError {
  const text = `${name} is [${tuned.join(", ")}], in the base [${base.join(", ")}]`;
  return new RetuneError(
    "E_MISMATCH",
    `${text}: these two models have no common base; choose the one trained from`,
  );
}
