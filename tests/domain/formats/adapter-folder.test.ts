import { expect, test } from "vitest";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";
import {
  compareAdapters,
  readAdapterFolder,
  readAdapterSafetensors,
  writeAdapterFolder,
  writeAdapterSafetensors,
} from "../../../src/domain/formats/adapter-folder.ts";
import {
  isLlamaIndexAdapter,
  readAdapterConfig,
  writeAdapterConfig,
} from "../../../src/domain/formats/adapter-config-json.ts";
import { writeSafetensors } from "../../../src/domain/formats/safetensors.ts";
import { refusal } from "./refusal.ts";

const linear: AdapterConfig = { kind: "linear", features: 4, bias: false };
const twoLayer: AdapterConfig = {
  kind: "two-layer",
  features: 4,
  hiddenFeatures: 8,
  activation: "relu",
  residual: true,
  bias: true,
};
const custom: AdapterConfig = {
  kind: "custom",
  features: 4,
  layers: [
    { features: 6, activation: "gelu", bias: true },
    { features: 4, activation: "identity", bias: false },
  ],
  residual: true,
};

test("config.json has the bytes of Python's json.dump of LlamaIndex's config dict", () => {
  expect(writeAdapterConfig(linear)).toBe('{"in_features": 4, "out_features": 4, "bias": false}');
  expect(writeAdapterConfig(twoLayer)).toBe(
    '{"in_features": 4, "hidden_features": 8, "out_features": 4, "bias": true, "activation_fn_str": "relu", "add_residual": true}',
  );
  expect(writeAdapterConfig(custom)).toBe(
    '{"kind": "custom", "in_features": 4, "out_features": 4, "layers": [{"out_features": 6, "activation": "gelu", "bias": true}, ' +
      '{"out_features": 4, "activation": "identity", "bias": false}], "add_residual": true}',
  );
  expect(
    [linear, twoLayer, custom, { ...twoLayer, activation: "gelu" } as const].map(isLlamaIndexAdapter),
  ).toEqual([true, true, false, false]);
});

test.each([linear, twoLayer, custom])(
  "a $kind adapter comes back from folder and safetensors bit for bit",
  (config) => {
    const adapter = { config, weights: initialWeights(config, 5) };
    const folder = writeAdapterFolder(adapter);
    expect([...folder.keys()]).toEqual(["config.json", "pytorch_model.bin"]);
    compareAdapters(adapter, readAdapterFolder(folder), "folder");
    const bytes = writeAdapterSafetensors(adapter, new Map([["model", "bge-small-en-v1.5"]]));
    const read = readAdapterSafetensors(bytes);
    compareAdapters(adapter, read, "safetensors");
    expect([...read.notes]).toEqual([["model", "bge-small-en-v1.5"]]);
    const beside = new Map([
      ["config.json", folder.get("config.json")!],
      ["adapter.safetensors", bytes],
    ]);
    compareAdapters(adapter, readAdapterFolder(beside), "folder with safetensors");
  },
);

test("the comparison after an export finds a single changed bit", () => {
  const adapter = { config: linear, weights: initialWeights(linear, 0) };
  const values = adapter.weights.get("linear.weight")!.values.slice();
  values[3] = -0;
  const other = { config: linear, weights: new Map([["linear.weight", { shape: [4, 4], values }]]) };
  refusal(() => compareAdapters(adapter, other, "x"), "corrupt", "linear.weight[3]", "wrote 0, read 0");
  refusal(
    () => compareAdapters(adapter, { ...adapter, config: { ...linear, bias: true } }, "x"),
    "corrupt",
    "configuration",
  );
});

test("a config of another shape is refused with its place", () => {
  refusal(() => readAdapterConfig("[]", "config.json"), "E_FIELD", "config.json", "line 1");
  refusal(
    () => readAdapterConfig('{"in_features": "4", "out_features": 4}'),
    "E_FIELD",
    "in_features",
    "column 17",
  );
  refusal(() => readAdapterConfig('{"in_features": 4}'), "E_FIELD", "out_features");
  refusal(
    () => readAdapterConfig('{"in_features": 4, "out_features": 2}'),
    "E_MISMATCH",
    "4 dimensions into 2",
  );
  refusal(() => readAdapterConfig('{"in_features": 4, "out_features": 4, "bias": 1}'), "E_FIELD", "bias");
  const odd = writeAdapterConfig(twoLayer).replace("relu", "softmax");
  refusal(() => readAdapterConfig(odd), "E_FIELD", "activation_fn_str", "leaky_relu");
  const open = writeAdapterConfig(custom).replace('{"out_features": 4', '{"out_features": 5');
  refusal(() => readAdapterConfig(open), "E_MISMATCH", "must give back the 4 dimensions");
  refusal(
    () => readAdapterConfig(writeAdapterConfig(custom).replace(/\[.*\]/, "[]")),
    "E_FIELD",
    "1 to 64 layers",
  );
});

test("S15, A1: tensors of another model are listed, five at most", () => {
  const weights = initialWeights(twoLayer, 0);
  const folder = writeAdapterFolder({ config: twoLayer, weights });
  const wrong = new Map([...folder, ["config.json", new TextEncoder().encode(writeAdapterConfig(linear))]]);
  const error = refusal(
    () => readAdapterFolder(wrong, "old"),
    "E_MISMATCH",
    "linear.weight should be [4, 4], is missing",
  );
  expect(error.message).toContain("residual_weight");
  expect(error.message).toContain("and 1 more");
  expect(error.place.file).toBe("old/pytorch_model.bin");
});

test("a folder without weights and a safetensors file without a config say what is missing", () => {
  refusal(() => readAdapterFolder(new Map(), "d"), "E_FIELD", "config.json is missing", "nothing");
  const config = new TextEncoder().encode(writeAdapterConfig(linear));
  refusal(
    () => readAdapterFolder(new Map([["config.json", config]])),
    "E_FIELD",
    "pytorch_model.bin or adapter.safetensors",
  );
  refusal(
    () => readAdapterSafetensors(writeSafetensors(initialWeights(linear, 0))),
    "E_MISMATCH",
    '"retune"',
  );
});
