import { expect, test } from "vitest";
import type { Matrix, Weights } from "../../../src/domain/matrix.ts";
import type { Activation, AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { traceAdapter } from "../../../src/domain/models/adapter-graph.ts";
import {
  checkAdapterConfig,
  initialWeights,
  parameterShapes,
  RESIDUAL,
  trainableNames,
} from "../../../src/domain/models/adapter-weights.ts";
import { applyAdapter } from "../../../src/domain/models/apply-adapter.ts";
import { canMerge, mergeAdapter } from "../../../src/domain/models/merge-adapter.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { erf } from "../../../src/engine/reference/erf.ts";
import { expectClose } from "../../close.ts";

const linear: AdapterConfig = { kind: "linear", features: 5, bias: true };
const twoLayer = (activation: Activation, residual: boolean): AdapterConfig => ({
  kind: "two-layer",
  features: 5,
  hiddenFeatures: 7,
  activation,
  residual,
  bias: false,
});
const custom = (residual: boolean): AdapterConfig => ({
  kind: "custom",
  features: 5,
  layers: [
    { features: 6, activation: "gelu", bias: true },
    { features: 3, activation: "sigmoid", bias: false },
    { features: 5, activation: "identity", bias: true },
  ],
  residual,
});

const configs: readonly AdapterConfig[] = [
  linear,
  { ...linear, bias: false },
  ...(["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "identity"] as const).map((name) =>
    twoLayer(name, true),
  ),
  twoLayer("relu", false),
  custom(true),
  custom(false),
];

function randomVectors(rows: number, seed = 1): Matrix {
  const random = new CounterRandom(seed);
  return {
    rows,
    columns: 5,
    values: Float32Array.from({ length: rows * 5 }, () => 2 * random.uniform() - 1),
  };
}

/** Weights that no part of an adapter can ignore: random everywhere, r included. */
function scattered(config: AdapterConfig): Weights {
  const random = new CounterRandom(9);
  return new Map(
    Array.from(parameterShapes(config), ([name, shape]) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, values: Float32Array.from({ length }, () => 1.5 * (2 * random.uniform() - 1)) }];
    }),
  );
}

const nameOf = (config: AdapterConfig): string => JSON.stringify(config);

test.each(configs.map((config) => [nameOf(config), config] as const))(
  "the traced adapter computes what applyAdapter does: %s",
  async (_, config) => {
    const weights = scattered(config);
    const x = randomVectors(4);
    const executable = await compile(openReference(), (graph) => {
      const adapter = traceAdapter(graph, config);
      expect(adapter.names).toEqual(trainableNames(config));
      return { outputs: { y: adapter.forward(graph.input("x", "f32", [4, 5])) } };
    });
    for (const name of trainableNames(config)) executable.write(name, weights.get(name)!.values);
    executable.run({ x: x.values });
    expectClose(applyAdapter(config, weights, x).values, await executable.read("y"), { absolute: 2e-6 });
  },
);

test("a linear adapter starts as the identity, bias and all", () => {
  const x = randomVectors(3);
  expect(applyAdapter(linear, initialWeights(linear, 0), x).values).toEqual(x.values);
});

test("a residual adapter starts as the identity although its layers are random", () => {
  const config = twoLayer("relu", true);
  const weights = initialWeights(config, 3);
  const x = randomVectors(3);
  expect(applyAdapter(config, weights, x).values).toEqual(x.values);
  expect(weights.get("linear1.weight")!.values.some((value) => value !== 0)).toBe(true);
});

test("layers start uniform in ±1/√inputs, torch's default, by seed", () => {
  const config: AdapterConfig = {
    ...twoLayer("relu", true),
    features: 100,
    hiddenFeatures: 64,
  } as AdapterConfig;
  const weights = initialWeights(config, 5);
  for (const [name, bound] of [
    ["linear1.weight", 0.1],
    ["linear1.bias", 0.1],
    ["linear2.weight", 0.125],
    ["linear2.bias", 0.125],
  ] as const) {
    const { values } = weights.get(name)!;
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(bound * 0.9);
    expect(Math.min(...values)).toBeLessThan(-bound * 0.9);
  }
  expect(initialWeights(config, 5)).toEqual(weights);
  expect(initialWeights(config, 6)).not.toEqual(weights);
});

test("the state dict has LlamaIndex's names in LlamaIndex's order, r even without residual", () => {
  const names = ["residual_weight", "linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"];
  expect([...parameterShapes(twoLayer("relu", false)).keys()]).toEqual(names);
  expect(trainableNames(twoLayer("relu", false))).toEqual(names.slice(1));
  expect(trainableNames(twoLayer("relu", true))).toEqual(names);
  expect(parameterShapes(linear).get("linear.weight")).toEqual([5, 5]);
});

test.each([linear, twoLayer("tanh", true), custom(true)].map((config) => [nameOf(config), config] as const))(
  "strength α gives (1 − α)·x + α·adapter(x) as plain weights: %s",
  (_, config) => {
    const weights = scattered(config);
    const x = randomVectors(4);
    const full = applyAdapter(config, weights, x).values;
    for (const alpha of [0, 0.25, 1, 1.5]) {
      const want = x.values.map((value, index) => (1 - alpha) * value + alpha * full[index]!);
      expectClose(applyAdapter(config, mergeAdapter(config, weights, alpha), x).values, want, {
        absolute: 3e-6,
      });
    }
    expect(weights).toEqual(scattered(config));
  },
);

test("a stack without residual has no weights for other strengths, and says so", () => {
  expect(canMerge(twoLayer("relu", false))).toBe(false);
  expect(() => mergeAdapter(twoLayer("relu", false), new Map(), 0.5)).toThrow(/only strength 1/);
  expect(
    mergeAdapter(
      twoLayer("relu", false),
      new Map([[RESIDUAL, { shape: [1], values: new Float32Array(1) }]]),
      1,
    ).size,
  ).toBe(1);
});

test("a stack that changes the dimension, vectors of another model and missing tensors are named", () => {
  const narrow: AdapterConfig = {
    kind: "custom",
    features: 5,
    layers: [{ features: 4, activation: "relu", bias: true }],
    residual: false,
  };
  expect(() => checkAdapterConfig(narrow)).toThrow(/give back the 5 dimensions.* it gives 4/);
  expect(() => checkAdapterConfig({ ...narrow, layers: [] })).toThrow(/no layers/);
  expect(() => checkAdapterConfig({ ...linear, features: 2.5 })).toThrow(/2.5/);
  expect(() =>
    applyAdapter(
      { ...linear, features: 4, bias: false },
      initialWeights({ ...linear, features: 4 }, 0),
      randomVectors(1),
    ),
  ).toThrow(/made for 4 dimensions, the vectors have 5/);
  expect(() => applyAdapter(linear, initialWeights({ ...linear, bias: false }, 0), randomVectors(1))).toThrow(
    /linear.bias.* missing/,
  );
});

test("erf equals tabulated values to 1e-14", () => {
  // Abramowitz & Stegun, table 7.1, and mpmath at 30 digits
  const table = [
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3.5, 0.9999992569016276],
    [-1, -0.8427007929497149],
    [7, 1],
  ] as const;
  expectClose(
    table.map(([x]) => erf(x)),
    table.map(([, y]) => y),
    { absolute: 1e-14 },
  );
});
