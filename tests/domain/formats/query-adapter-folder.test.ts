import { expect, test } from "vitest";
import type { StoredAdapter } from "../../../src/domain/formats/adapter-folder.ts";
import {
  readQueryAdapterFolder,
  writeQueryAdapterFolder,
} from "../../../src/domain/formats/query-adapter-folder.ts";
import { readSentenceTransformersFolder } from "../../../src/domain/formats/sentence-transformers-folder.ts";
import type { Activation, AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { parameterShapes } from "../../../src/domain/models/adapter-weights.ts";
import { applyAdapter } from "../../../src/domain/models/apply-adapter.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";
import { fixtureFolder, textOf } from "./folder-files.ts";
import { refusal } from "./refusal.ts";

const { model } = readSentenceTransformersFolder(fixtureFolder("st-tiny"), "tiny");
const FEATURES = 32;

function randomValues(length: number, seed: number): Float32Array {
  const random = CounterRandom.stream(seed, length);
  return Float32Array.from({ length }, () => random.below(2001) / 1000 - 1);
}

function adapterOf(config: AdapterConfig): StoredAdapter {
  const weights = Array.from(parameterShapes(config), ([name, shape], index) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return [name, { shape, values: randomValues(length, index + 1) }] as const;
  });
  return { config, weights: new Map(weights) };
}

const custom = (residual: boolean, ...activations: Activation[]): AdapterConfig => ({
  kind: "custom",
  features: FEATURES,
  residual,
  layers: activations.map((activation, index) => ({
    features: index === activations.length - 1 ? FEATURES : 20 + index,
    activation,
    bias: index % 2 === 0,
  })),
});
const twoLayer = (activation: Activation, residual: boolean): AdapterConfig => ({
  kind: "two-layer",
  features: FEATURES,
  hiddenFeatures: 24,
  activation,
  residual,
  bias: true,
});
const CONFIGS: readonly (readonly [string, AdapterConfig])[] = [
  ["linear", { kind: "linear", features: FEATURES, bias: false }],
  ["linear with bias", { kind: "linear", features: FEATURES, bias: true }],
  ["two layers, tanh", twoLayer("tanh", false)],
  ["two layers, relu, residual", twoLayer("relu", true)],
  ["two layers, leaky_relu, residual", twoLayer("leaky_relu", true)],
  ["two layers, gelu, residual", twoLayer("gelu", true)],
  ["two layers, identity, residual", twoLayer("identity", true)],
  ["a stack that ends in sigmoid", custom(false, "gelu", "sigmoid")],
  ["a residual stack of mixed activations", custom(true, "relu", "gelu", "leaky_relu", "identity")],
  ["a residual stack that ends in relu", custom(true, "gelu", "relu")],
  ["a residual stack of one layer", custom(true, "identity")],
];

test.each(CONFIGS)("%s: the folder holds the same function", (_, config) => {
  const adapter = adapterOf(config);
  const files = writeQueryAdapterFolder(model, adapter);
  const read = readQueryAdapterFolder(files, "tiny");
  const x = { rows: 5, columns: FEATURES, values: randomValues(5 * FEATURES, 9) };
  const [got, want] = [read.adapter, adapter].map(
    (each) => applyAdapter(each.config, each.weights, x).values,
  );
  expectClose(got!, want!, { absolute: 2e-5, relative: 2e-5 });
  expect([...read.model.weights].sort()).toEqual([...model.weights].sort());
});

test("one transformer, documents untouched; vectors are normalised first unless the adapter is linear without bias", () => {
  const paths = (config: AdapterConfig) => {
    const files = writeQueryAdapterFolder(model, adapterOf(config));
    expect([...files.keys()].filter((path) => path.endsWith("tokenizer.json"))).toHaveLength(1);
    return (JSON.parse(textOf(files, "modules.json")) as { path: string }[]).map(({ path }) => path);
  };
  expect(paths({ kind: "linear", features: FEATURES, bias: false })).toEqual([
    "",
    "1_Pooling",
    "2_Router",
    "3_Normalize",
  ]);
  expect(paths(twoLayer("relu", true))).toEqual(["", "1_Pooling", "2_Normalize", "3_Router", "4_Normalize"]);
  const files = writeQueryAdapterFolder(
    model,
    adapterOf({ kind: "linear", features: FEATURES, bias: false }),
  );
  expect(JSON.parse(textOf(files, "2_Router/router_config.json"))).toEqual({
    types: { query_0_Dense: "sentence_transformers.models.Dense" },
    structure: { query: ["query_0_Dense"], document: [] },
    parameters: { default_route: "document", allow_empty_key: true, route_mappings: {} },
  });
});

test("what has no such folder is refused", () => {
  const write = (config: AdapterConfig) => () => writeQueryAdapterFolder(model, adapterOf(config));
  refusal(write(twoLayer("tanh", true)), "unsupported", "tanh", "LlamaIndex");
  refusal(write({ kind: "linear", features: 8, bias: false }), "E_MISMATCH", "8 dimensions", "32");
  const files = writeQueryAdapterFolder(model, adapterOf(twoLayer("relu", false)));
  const read = (path: string, change: (text: string) => string) => () =>
    readQueryAdapterFolder(
      new Map([...files, [path, new TextEncoder().encode(change(textOf(files, path)))]]),
      "m",
    );
  refusal(
    read("3_Router/router_config.json", (text) =>
      text.replace('"document": []', '"document": ["query_0_Dense"]'),
    ),
    "unsupported",
    "1 for documents",
  );
  refusal(
    read("3_Router/query_0_Dense/config.json", (text) => text.replace("ReLU", "SELU")),
    "unsupported",
    "SELU",
  );
  refusal(
    read("3_Router/query_1_Dense/config.json", (text) => text.replace("24", "25")),
    "E_MISMATCH",
    "[32, 25]",
  );
  refusal(
    read("modules.json", (text) => text.replace("2_Normalize", "4_Normalize").replace(".Normalize", ".LSTM")),
    "unsupported",
    "LSTM",
  );
});
