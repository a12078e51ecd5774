// LoRA written into the weights it changes:  W' = W + s·B·A,  s = alpha / rank, rsLoRA alpha / √rank (Hu et al. 2021;
// Kalajdzievski 2023). Sums in float64, one rounding at the end, as PEFT's merge_and_unload up to that rounding.
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData } from "../matrix.ts";
import type { LoraAdapter, NamedWeights } from "./encoder-model.ts";

const FIRST = ".lora_A.weight";
const SECOND = ".lora_B.weight";

/** The factor before B·A. */
export function loraScaling({ alpha, rank, rsLora }: LoraAdapter): number {
  return alpha / (rsLora ? Math.sqrt(rank) : rank);
}

/** The names of the layers that an adapter changes ("encoder.layer.0.attention.self.query"), in its order. */
export function loraLayers(adapter: LoraAdapter): readonly string[] {
  return [...adapter.weights.keys()]
    .filter((name) => name.endsWith(FIRST))
    .map((name) => name.slice(0, -FIRST.length));
}

/** What an adapter holds beside its low-rank pairs: tensors that replace the base's (a classifier). */
export function replacedTensors(adapter: LoraAdapter): NamedWeights {
  return new Map([...adapter.weights].filter(([name]) => !name.endsWith(FIRST) && !name.endsWith(SECOND)));
}

/** Weights with the adapter in them; the given ones are not changed. E_MISMATCH where they are not its base's. */
export function mergeLora(weights: NamedWeights, adapter: LoraAdapter): NamedWeights {
  const merged = new Map([...weights, ...replacedTensors(adapter)]);
  for (const layer of loraLayers(adapter)) {
    const name = `${layer}.weight`;
    const base = weights.get(name);
    const [a, b] = [adapter.weights.get(layer + FIRST)!, adapter.weights.get(layer + SECOND)];
    if (!base || !b || base.shape[1] !== a.shape[1] || base.shape[0] !== b.shape[0]) {
      const shown = base ? `is [${base.shape.join(", ")}]` : "is missing";
      const text = `${name} ${shown}, the LoRA adapter changes [${b?.shape[0] ?? "?"}, ${a.shape[1] ?? "?"}]`;
      throw new RetuneError("E_MISMATCH", `${text}; choose the base it was trained on`);
    }
    merged.set(name, { shape: base.shape, values: mergedValues(base, a, b, loraScaling(adapter)) });
  }
  return merged;
}

/**
 * Rows of the tensor `name` from `first` on with the adapter in them, whatever part of it `rows` [n, in] is; `rows` itself where
 * the adapter does not change it. The adapter must be this base's.
 */
export function mergedRows(
  adapter: LoraAdapter,
  name: string,
  rows: Float32Array,
  first: number,
): Float32Array {
  const layer = name.replace(/\.weight$/, "");
  const [a, b] = [adapter.weights.get(layer + FIRST), adapter.weights.get(layer + SECOND)];
  if (!a || !b) return rows;
  const [rank, inputs] = a.shape as [number, number];
  const count = rows.length / inputs;
  const own = { shape: [count, rank], values: b.values.subarray(first * rank, (first + count) * rank) };
  return mergedValues({ shape: [count, inputs], values: rows }, a, own, loraScaling(adapter));
}

/** W [out, in] + s · B [out, r] · A [r, in]. */
function mergedValues(base: TensorData, a: TensorData, b: TensorData, scaling: number): Float32Array {
  const [rank, inputs] = a.shape as [number, number];
  const values = new Float32Array(base.values.length);
  const row = new Float64Array(inputs);
  for (let output = 0; output < base.shape[0]!; output++) {
    row.fill(0);
    for (let index = 0; index < rank; index++) {
      const factor = scaling * b.values[output * rank + index]!;
      for (let input = 0; input < inputs; input++) row[input]! += factor * a.values[index * inputs + input]!;
    }
    for (let input = 0; input < inputs; input++) {
      values[output * inputs + input] = base.values[output * inputs + input]! + row[input]!;
    }
  }
  return values;
}
