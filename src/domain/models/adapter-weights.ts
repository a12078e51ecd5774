import { RetuneError } from "../../engine/errors.ts";
import type { TensorData, Weights } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import type { Activation, AdapterConfig } from "./adapter-config.ts";

/** One linear layer of an adapter: names in the state dict, sizes, what follows it. */
export interface AdapterLayer {
  readonly weight: string; // [outputs, inputs], as torch stores it
  readonly bias: string | undefined; // [outputs]
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: Activation;
}

export const RESIDUAL = "residual_weight"; // [1], the r of y = r·f(x) + x

/** The layers of an adapter in order; names are those of LlamaIndex's LinearLayer and TwoLayerNN. */
export function layersOf(config: AdapterConfig): readonly AdapterLayer[] {
  const { features } = config;
  if (config.kind === "linear") {
    const bias = config.bias ? "linear.bias" : undefined;
    return [{ weight: "linear.weight", bias, inputs: features, outputs: features, activation: "identity" }];
  }
  if (config.kind === "two-layer") {
    const { hiddenFeatures, activation } = config;
    return [
      {
        weight: "linear1.weight",
        bias: "linear1.bias",
        inputs: features,
        outputs: hiddenFeatures,
        activation,
      },
      {
        weight: "linear2.weight",
        bias: "linear2.bias",
        inputs: hiddenFeatures,
        outputs: features,
        activation: "identity",
      },
    ];
  }
  return config.layers.map((layer, index) => ({
    weight: `linear_layers.${index}.weight`,
    bias: layer.bias ? `linear_layers.${index}.bias` : undefined,
    inputs: index === 0 ? features : config.layers[index - 1]!.features,
    outputs: layer.features,
    activation: layer.activation,
  }));
}

/** Whether y = r·f(x) + x. */
export function isResidual(config: AdapterConfig): boolean {
  return config.kind !== "linear" && config.residual;
}

/** Whether the state dict holds r: TwoLayerNN stores it even where it is not used. */
export function storesResidual(config: AdapterConfig): boolean {
  return config.kind === "two-layer" || (config.kind === "custom" && config.residual);
}

/** Name and shape of every tensor, in the order of the state dict. */
export function parameterShapes(config: AdapterConfig): ReadonlyMap<string, readonly number[]> {
  checkAdapterConfig(config);
  const shapes = new Map<string, readonly number[]>();
  if (storesResidual(config)) shapes.set(RESIDUAL, [1]);
  for (const layer of layersOf(config)) {
    shapes.set(layer.weight, [layer.outputs, layer.inputs]);
    if (layer.bias !== undefined) shapes.set(layer.bias, [layer.outputs]);
  }
  return shapes;
}

/** Names that a gradient reaches: all but an r that is stored and not used. */
export function trainableNames(config: AdapterConfig): readonly string[] {
  return [...parameterShapes(config).keys()].filter((name) => name !== RESIDUAL || isResidual(config));
}

export function checkAdapterConfig(config: AdapterConfig): void {
  const sizes = [config.features, ...layersOf(config).map((layer) => layer.outputs)];
  const wrong = sizes.find((size) => !Number.isInteger(size) || size < 1 || size > 65_536);
  if (wrong !== undefined) {
    throw new RetuneError(
      "usage",
      `adapter: layer sizes must be whole numbers from 1 to 65536, got ${wrong}`,
    );
  }
  const last = sizes.at(-1)!;
  if (sizes.length < 2 || last !== config.features) {
    throw new RetuneError(
      "usage",
      `adapter: the last layer must give back the ${config.features} dimensions of the vectors, since passages are ` +
        `not transformed; it gives ${sizes.length < 2 ? "none (no layers)" : last}`,
    );
  }
}

/**
 * Weights before training. Linear: identity and zero bias. Others: every weight and bias uniform in ±1/√inputs, as
 * torch's Linear (own generator, so other numbers than torch's), r = 0, so a residual adapter starts as the identity.
 */
export function initialWeights(config: AdapterConfig, seed: number): Weights {
  const shapes = parameterShapes(config);
  if (config.kind === "linear") {
    return new Map(
      Array.from(shapes, ([name, shape]) => [
        name,
        name === "linear.weight" ? identity(config.features) : zeros(shape),
      ]),
    );
  }
  const bounds = new Map<string, number>();
  for (const layer of layersOf(config)) {
    bounds.set(layer.weight, 1 / Math.sqrt(layer.inputs));
    if (layer.bias !== undefined) bounds.set(layer.bias, 1 / Math.sqrt(layer.inputs));
  }
  const random = CounterRandom.stream(seed, 11);
  return new Map(
    Array.from(shapes, ([name, shape]) => {
      const tensor = zeros(shape);
      const bound = bounds.get(name);
      if (bound !== undefined) {
        for (let index = 0; index < tensor.values.length; index++) {
          tensor.values[index] = (2 * random.uniform() - 1) * bound;
        }
      }
      return [name, tensor];
    }),
  );
}

function zeros(shape: readonly number[]): TensorData {
  return { shape, values: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}

function identity(features: number): TensorData {
  const tensor = zeros([features, features]);
  for (let index = 0; index < features; index++) tensor.values[index * features + index] = 1;
  return tensor;
}

/** Rejects weights that do not fit the configuration, naming the first tensor that is off. */
export function checkWeights(config: AdapterConfig, weights: Weights): void {
  for (const [name, shape] of parameterShapes(config)) {
    const found = weights.get(name)?.shape;
    if (!found)
      throw new RetuneError("E_MISMATCH", `adapter: tensor "${name}" [${shape.join(", ")}] is missing`);
    if (found.length !== shape.length || found.some((size, index) => size !== shape[index])) {
      throw new RetuneError(
        "E_MISMATCH",
        `adapter: tensor "${name}" is [${found.join(", ")}], the configuration asks for [${shape.join(", ")}]`,
      );
    }
  }
}
