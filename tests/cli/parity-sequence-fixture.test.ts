import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sequenceFixture } from "../../cli/parity/sequence-fixture.ts";
import { readSafetensors, type SafetensorsFile } from "../../src/domain/formats/safetensors.ts";
import { refusal } from "../domain/formats/refusal.ts";

const recorded = fileURLToPath(new URL("../fixtures/parity", import.meta.url));
const settingsOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`${recorded}/${name}.json`, "utf8")) as Record<string, unknown>;
const file = (name: string): SafetensorsFile =>
  readSafetensors(new Uint8Array(readFileSync(`${recorded}/${name}.safetensors`)));

/** The file without one tensor. */
function without(name: string, tensor: string): SafetensorsFile {
  const { tensors, integers, metadata } = file(name);
  const kept = <Value>(all: ReadonlyMap<string, Value>): Map<string, Value> =>
    new Map([...all].filter(([key]) => key !== tensor));
  expect(kept(tensors).size + kept(integers).size).toBe(tensors.size + integers.size - 1);
  return { tensors: kept(tensors), integers: kept(integers), metadata };
}

test("names of PEFT and of transformers' classifier become ours", () => {
  const lora = sequenceFixture(settingsOf("encoder-lora"), file("encoder-lora"));
  expect(lora.lora).toEqual({ rank: 4, alpha: 8, rsLora: false, targets: ["query", "value"] });
  expect(lora.init.has("encoder.layer.0.attention.self.query.weight")).toBe(true);
  expect(lora.final.has("encoder.layer.1.attention.self.value.lora_B.weight")).toBe(true);
  const cross = sequenceFixture(settingsOf("cross-encoder"), file("cross-encoder"));
  expect([...cross.init.keys()].filter((name) => name.startsWith("bert."))).toEqual([]);
  expect(cross.batches[0]!.queries.some(({ types }) => types!.includes(1))).toBe(true);
});

test.each([
  ["encoder-cls", "batch3.d.attention_mask", "lacks batch3.d.input_ids with its attention_mask"],
  ["encoder-cls", "init.embeddings.LayerNorm.bias", '"init.embeddings.LayerNorm.bias" is missing'],
  ["encoder-mean", "final_fwd.q", 'no tensor "final_fwd.q"'],
  ["encoder-lora", "fwd.d", 'no tensor "fwd.d"'],
  ["cross-encoder", "grad1.classifier.weight", '"grad1.classifier.weight" is missing'],
  ["cross-encoder", "final.bert.pooler.dense.bias", '"final.pooler.dense.bias" is missing'],
  ["cross-encoder", "batch5.labels", "batch5.labels: no values for 8 pairs"],
])("%s without %s never passes", (name, tensor, words) => {
  refusal(() => sequenceFixture(settingsOf(name), without(name, tensor)), "E_FIELD", words);
});

test.each([
  ["more losses than steps", { total_steps: 5 }, "losses: 6 numbers, but total_steps is 5"],
  ["no losses", { losses: [] }, "losses"],
  ["another pooling", { pooling: "max" }, "pooling"],
  ["half a rank", { lora: { r: 0.5, alpha: 1, target_modules: ["query"] } }, "lora.r"],
])("settings with %s are named, not replayed", (_what, change, words) => {
  const settings = { ...settingsOf("encoder-cls"), ...change };
  refusal(() => sequenceFixture(settings, file("encoder-cls")), "E_FIELD", words);
});
