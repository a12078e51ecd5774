import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readOnnxGraph } from "../../../../src/domain/formats/onnx-initializers.ts";
import { writeSafetensors } from "../../../../src/domain/formats/safetensors.ts";
import { bertWeightsFrom } from "../../../../src/domain/models/weights/bert-weights.ts";
import { bertName, namedInitializers } from "../../../../src/domain/models/weights/onnx-names.ts";
import { refusal } from "../../formats/refusal.ts";
import { expectClose } from "../../../close.ts";
import { filesOf } from "../model-folders.ts";

const tiny = (): Map<string, Uint8Array> => filesOf("tests/fixtures/formats/tiny-bert");
const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const config = JSON.parse(readFileSync("tests/fixtures/formats/tiny-bert/config.json", "utf8")) as object;

test("safetensors and ONNX hold the same weights, under one set of names, linear layers as [out, in]", () => {
  const files = tiny();
  const safe = bertWeightsFrom(files);
  files.delete("model.safetensors");
  const onnx = bertWeightsFrom(files);
  expect([safe.source, onnx.source]).toEqual(["model.safetensors", "onnx/model.onnx"]);
  expect([...onnx.weights.keys()]).toEqual(
    [...safe.weights.keys()].filter((name) => !name.startsWith("pooler")),
  );
  for (const [name, { shape, values }] of onnx.weights) {
    const other = safe.weights.get(name)!;
    expect(shape, name).toEqual(other.shape);
    expectClose(values, other.values, {}, name);
  }
  expect(safe.weights.get("encoder.layer.1.intermediate.dense.weight")!.shape).toEqual([64, 32]);
});

test("an ONNX file that stores equal tensors once gives each of its own name", () => {
  const graph = readOnnxGraph(tiny().get("onnx/model.onnx")!);
  const named = namedInitializers(graph);
  const shared = named.get("encoder.layer.0.output.LayerNorm.weight")!.initializer;
  expect(shared.name).toBe("m.embeddings.LayerNorm.weight");
  expect(named.get("encoder.layer.0.attention.self.query.weight")!.transposed).toBe(true);
});

test("the pooler, a prefix and TensorFlow's names of layer norms are known", () => {
  expect(bertName("bert.encoder.layer.3.output.LayerNorm.gamma")).toBe(
    "encoder.layer.3.output.LayerNorm.weight",
  );
  expect(bertName("model.bert.pooler.dense.bias")).toBe("pooler.dense.bias");
  expect(bertName("cls.predictions.bias")).toBeUndefined();
});

function changed(name: string, bytes: Uint8Array | undefined): Map<string, Uint8Array> {
  const files = tiny();
  files.delete("onnx/model.onnx");
  if (bytes) files.set(name, bytes);
  else files.delete(name);
  return files;
}

test.each([
  ["RoBERTa", { ...config, model_type: "roberta" }, 'model_type is "roberta"; BERT encoders are supported'],
  ["DistilBERT", { ...config, model_type: "distilbert" }, "BERT encoders are supported"],
  ["a model that names no type", { hidden_size: 32 }, "neither model_type nor architectures"],
  ["relative positions", { ...config, position_embedding_type: "relative_key" }, "position_embedding_type"],
  ["a decoder", { ...config, is_decoder: true }, "it is a decoder"],
  ["the tanh approximation", { ...config, hidden_act: "gelu_new" }, 'hidden_act is "gelu_new"'],
])("%s is refused as unsupported, with what is supported", (_what, settings, words) => {
  refusal(() => bertWeightsFrom(changed("config.json", utf8(settings))), "unsupported", "config.json", words);
});

test.each([
  ["no hidden size", { ...config, hidden_size: undefined }, "hidden_size is missing"],
  ["half a layer", { ...config, num_hidden_layers: 1.5 }, "num_hidden_layers is 1.5"],
  [
    "heads that do not divide it",
    { ...config, num_attention_heads: 5 },
    "no multiple of num_attention_heads 5",
  ],
  ["a dropout of 1", { ...config, hidden_dropout_prob: 1 }, "hidden_dropout_prob is 1"],
])("a config with %s is refused", (_what, settings, words) => {
  refusal(() => bertWeightsFrom(changed("config.json", utf8(settings))), "E_FIELD", words);
});

test("a folder that lacks a file says which, and what to do where the weights have another form", () => {
  refusal(
    () => bertWeightsFrom(changed("config.json", undefined)),
    "model-missing",
    "config.json is missing",
  );
  const none = changed("model.safetensors", undefined);
  refusal(() => bertWeightsFrom(none), "model-missing", "model.safetensors or onnx/model.onnx");
  none.set("pytorch_model.bin", new Uint8Array(3));
  refusal(() => bertWeightsFrom(none), "model-missing", "pytorch_model.bin is a pickle");
  none.set("model.safetensors.index.json", new Uint8Array(3));
  refusal(() => bertWeightsFrom(none), "model-missing", "weights in several files");
});

test("a tensor that lacks or has another shape is named, with the file", () => {
  const { weights } = bertWeightsFrom(tiny());
  const name = "encoder.layer.1.output.dense.weight";
  const without = new Map(weights);
  without.delete(name);
  const files = changed("model.safetensors", writeSafetensors(without));
  refusal(() => bertWeightsFrom(files), "E_MISMATCH", `model.safetensors: tensor "${name}" is missing`);
  const { values } = weights.get(name)!;
  const turned = new Map(weights).set(name, { shape: [64, 32], values });
  files.set("model.safetensors", writeSafetensors(turned));
  refusal(() => bertWeightsFrom(files), "E_MISMATCH", "is [64, 32], config.json asks for [32, 64]");
});

test("an ONNX file that is cut off, a pointer or something else is refused with the byte", () => {
  const whole = tiny().get("onnx/model.onnx")!;
  const read = (bytes: Uint8Array) => () => readOnnxGraph(bytes, "model.onnx");
  refusal(read(whole.subarray(0, 50_000)), "E_ONNX", "model.onnx: byte", "cut off");
  refusal(
    read(new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n")),
    "E_ONNX",
    "pointer",
  );
  refusal(read(Uint8Array.of(0xff, 0xff, 0xff)), "E_ONNX");
  refusal(read(new Uint8Array(0)), "E_ONNX", "0 graphs");
});
