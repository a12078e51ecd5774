import { RetuneError } from "../../engine/errors.ts";
import { erf } from "../../engine/reference/erf.ts";
import { dotScores } from "../eval/dense.ts";
import type { Matrix, Weights } from "../matrix.ts";
import type { Activation, AdapterConfig } from "./adapter-config.ts";
import { checkWeights, isResidual, layersOf, RESIDUAL, type AdapterLayer } from "./adapter-weights.ts";

/**
 * y = adapter(x) for every row: x [B, D] → [B, D], as LlamaIndex's AdapterEmbeddingModel: float32 values, the result not
 * normalised again. Plain TypeScript with float64 sums, so it gives the same numbers wherever a query is typed.
 */
export function applyAdapter(config: AdapterConfig, weights: Weights, vectors: Matrix): Matrix {
  checkWeights(config, weights);
  if (vectors.columns !== config.features) {
    throw new RetuneError(
      "E_MISMATCH",
      `adapter: made for ${config.features} dimensions, the vectors have ${vectors.columns}; use the model it was ` +
        "trained with",
    );
  }
  const out = layersOf(config).reduce((x, layer) => applyLayer(layer, weights, x), vectors);
  if (!isResidual(config)) return out;
  const r = weights.get(RESIDUAL)!.values[0]!;
  return { ...out, values: out.values.map((value, index) => r * value + vectors.values[index]!) };
}

function applyLayer(layer: AdapterLayer, weights: Weights, x: Matrix): Matrix {
  const weight = { rows: layer.outputs, columns: layer.inputs, values: weights.get(layer.weight)!.values };
  const bias = layer.bias === undefined ? undefined : weights.get(layer.bias)!.values;
  const sums = dotScores(x, weight); // x · Wᵀ
  const values = new Float32Array(sums.length);
  for (let index = 0; index < sums.length; index++) {
    values[index] = activate(layer.activation, sums[index]! + (bias ? bias[index % layer.outputs]! : 0));
  }
  return { rows: x.rows, columns: layer.outputs, values };
}

function activate(activation: Activation, x: number): number {
  switch (activation) {
    case "relu":
      return Math.max(0, x);
    case "tanh":
      return Math.tanh(x);
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "leaky_relu":
      return x > 0 ? x : 0.01 * x;
    case "gelu":
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case "identity":
      return x;
  }
}
