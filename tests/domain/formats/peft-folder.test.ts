import { expect, test } from "vitest";
import { readPeftFolder, targetModules, writePeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import { readSafetensors } from "../../../src/domain/formats/safetensors.ts";
import type { LoraAdapter } from "../../../src/domain/models/encoder-model.ts";
import { fixtureFolder, textOf } from "./folder-files.ts";
import { refusal } from "./refusal.ts";

const given = (config?: (text: string) => string) => {
  const files = fixtureFolder("peft-tiny");
  return config
    ? fixtureFolder("peft-tiny", { "adapter_config.json": config(textOf(files, "adapter_config.json")) })
    : files;
};
const adapterOf = (layers: readonly string[]): LoraAdapter => ({
  rank: 1,
  alpha: 2,
  rsLora: false,
  targets: [],
  weights: new Map(
    layers.flatMap((layer) => [
      [`${layer}.lora_A.weight`, { shape: [1, 2], values: Float32Array.of(1, 2) }],
      [`${layer}.lora_B.weight`, { shape: [2, 1], values: Float32Array.of(3, 4) }],
    ]),
  ),
});

test("a folder of PEFT's is read, whatever keys its config has", () => {
  const { adapter, base, task, notes } = readPeftFolder(given());
  expect(adapter).toMatchObject({ rank: 4, alpha: 8, rsLora: false });
  expect([...adapter.targets].sort()).toEqual(["query", "value"]);
  expect([base, task, notes]).toEqual(["tiny-bert", "encoder", []]);
  expect([...adapter.weights.keys()]).toContain("encoder.layer.1.attention.self.value.lora_B.weight");
  expect(adapter.weights.size).toBe(8);
  const few = '{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": "query"}';
  expect(readPeftFolder(given(() => few)).adapter.alpha).toBe(8);
  const odd = readPeftFolder(
    given((text) => text.replace("{", '{"quantum_config": {"q": 1}, "later": null,')),
  );
  expect(odd.notes).toEqual(["adapter_config.json: quantum_config not known here and left out"]);
});

test("it is written with ten keys and comes back bit for bit under PEFT's names", () => {
  const { adapter } = readPeftFolder(given());
  const files = writePeftFolder(adapter, { base: "tiny-bert", task: "encoder", layers: 2 });
  const config = JSON.parse(textOf(files, "adapter_config.json")) as Record<string, unknown>;
  expect(Object.keys(config)).toHaveLength(10);
  expect(config).toMatchObject({ r: 4, lora_alpha: 8, task_type: "FEATURE_EXTRACTION" });
  expect([...(config["target_modules"] as string[])].sort()).toEqual(["query", "value"]);
  const tensors = (bytes: Uint8Array) => [...readSafetensors(bytes).tensors].sort();
  expect(tensors(files.get("adapter_model.safetensors")!)).toEqual(
    tensors(given().get("adapter_model.safetensors")!),
  );
  expect([...readPeftFolder(files).adapter.weights].sort()).toEqual([...adapter.weights].sort());
});

test("a re-ranker's adapter carries its classifier as a module to save, and rsLoRA says so", () => {
  const weights = new Map(adapterOf(["encoder.layer.0.attention.self.query"]).weights);
  weights.set("classifier.weight", { shape: [1, 2], values: Float32Array.of(5, 6) });
  weights.set("classifier.bias", { shape: [1], values: Float32Array.of(7) });
  const adapter = { ...adapterOf([]), rsLora: true, weights };
  const files = writePeftFolder(adapter, { base: "m", task: "cross-encoder", layers: 2 });
  expect(JSON.parse(textOf(files, "adapter_config.json"))).toMatchObject({
    task_type: "SEQ_CLS",
    modules_to_save: ["classifier"],
    use_rslora: true,
    target_modules: ["encoder.layer.0.attention.self.query"],
  });
  const back = readPeftFolder(files);
  expect([back.task, back.adapter.rsLora]).toEqual(["cross-encoder", true]);
  expect([...back.adapter.weights].sort()).toEqual([...weights].sort());
});

test("target_modules are the shortest ends that catch no other layer", () => {
  const every = (...parts: string[]) =>
    targetModules(
      adapterOf([0, 1].flatMap((index) => parts.map((part) => `encoder.layer.${index}.${part}`))),
      2,
    );
  expect(every("attention.self.query", "attention.self.value")).toEqual(["query", "value"]);
  expect(every("attention.output.dense", "intermediate.dense", "output.dense")).toEqual([
    "output.dense",
    "intermediate.dense",
  ]);
  expect(every("output.dense")).toEqual(["encoder.layer.0.output.dense", "encoder.layer.1.output.dense"]);
});

test("variants that compute something else are refused by name, and halves of a pair are found", () => {
  const switched = (from: string, to: string) => () =>
    readPeftFolder(
      given((text) => text.replace(from, to)),
      "a",
    );
  refusal(
    switched('"use_dora": false', '"use_dora": true'),
    "unsupported",
    "DoRA",
    "a/adapter_config.json",
    "line",
  );
  refusal(switched('"rank_pattern": {}', '"rank_pattern": {"query": 2}'), "unsupported", "rank_pattern");
  refusal(switched('"peft_type": "LORA"', '"peft_type": "LOHA"'), "unsupported", "LOHA");
  refusal(switched('"bias": "none"', '"bias": "all"'), "unsupported", "biases");
  refusal(switched('"r": 4', '"r": 5'), "E_MISMATCH", "the rank is 5");
  refusal(switched('"r": 4', '"r": "4"'), "E_FIELD", "r must be a whole number");
  const { adapter } = readPeftFolder(given());
  const half = new Map([...adapter.weights].slice(1));
  const files = writePeftFolder({ ...adapter, weights: half }, { base: "", task: "encoder", layers: 2 });
  refusal(() => readPeftFolder(files), "E_MISMATCH", "is there without");
});
