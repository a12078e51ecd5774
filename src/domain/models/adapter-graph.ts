import type { Activation as EngineActivation } from "../../engine/activation.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { activate } from "../../engine/ops/activations.ts";
import { add, addBias, scaleBy } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import type { Activation, AdapterConfig } from "./adapter-config.ts";
import {
  isResidual,
  layersOf,
  parameterShapes,
  RESIDUAL,
  trainableNames,
  type AdapterLayer,
} from "./adapter-weights.ts";

/** An adapter in a graph: its parameters under their state-dict names, and what it does to a batch. */
export interface TracedAdapter {
  readonly names: readonly string[];
  readonly parameters: readonly Tensor[]; // in the order of `names`
  /** x [B, D] → y [B, D] */
  forward(x: Tensor): Tensor;
}

const ENGINE_NAMES: Readonly<Record<Exclude<Activation, "identity">, EngineActivation>> = {
  relu: "relu",
  tanh: "tanh",
  sigmoid: "sigmoid",
  leaky_relu: "leakyRelu",
  gelu: "gelu",
};

/** Declares the trainable parameters of an adapter: y = Wx + b, or r·f(x) + x with a residual (applyAdapter's twin). */
export function traceAdapter(graph: Graph, config: AdapterConfig): TracedAdapter {
  const shapes = parameterShapes(config);
  const names = trainableNames(config);
  const tensors = new Map(names.map((name) => [name, graph.parameter(name, shapes.get(name)!)]));
  const forward = (x: Tensor): Tensor => {
    const out = layersOf(config).reduce((value, layer) => traceLayer(layer, tensors, value), x);
    return isResidual(config) ? add(scaleBy(out, tensors.get(RESIDUAL)!), x) : out;
  };
  return { names, parameters: [...tensors.values()], forward };
}

function traceLayer(layer: AdapterLayer, tensors: ReadonlyMap<string, Tensor>, x: Tensor): Tensor {
  const product = matmul(x, tensors.get(layer.weight)!, { transposeB: true });
  const sum = layer.bias === undefined ? product : addBias(product, tensors.get(layer.bias)!);
  return layer.activation === "identity" ? sum : activate(sum, ENGINE_NAMES[layer.activation]);
}
