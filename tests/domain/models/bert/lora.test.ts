import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bert } from "../../../../src/domain/models/bert/bert.ts";
import { batchInputs } from "../../../../src/domain/models/bert/inputs.ts";
import {
  ALL_LINEAR,
  initialLora,
  loraLayers,
  loraScaling,
  withLora,
} from "../../../../src/domain/models/bert/lora.ts";
import { encoderShapes } from "../../../../src/domain/models/bert/names.ts";
import { pooled } from "../../../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../../../src/domain/models/bert/weights.ts";
import type { LoraAdapter } from "../../../../src/domain/models/encoder-model.ts";
import { readSafetensors } from "../../../../src/domain/formats/safetensors.ts";
import { packBatch, packedFeeds } from "../../../../src/domain/text/pack.ts";
import { SequenceTokenizer } from "../../../../src/domain/text/wordpiece.ts";
import { openReference } from "../../../../src/engine/backends/reference.ts";
import { compile } from "../../../../src/engine/compile.ts";
import { expectClose } from "../../../close.ts";
import { refusal } from "../../formats/refusal.ts";
import { encoderFrom, jsonOf } from "../model-folders.ts";

const base = encoderFrom("tests/fixtures/formats/tiny-bert", { pooling: "cls", maxTokens: 64 });
const PEFT = "tests/fixtures/formats/peft-tiny";

/** CLS states of texts, not normalised. */
async function states(texts: readonly string[], lora: LoraAdapter): Promise<Float32Array> {
  const tokenizer = new SequenceTokenizer(base.tokenizer);
  const batch = packBatch(texts.map((text) => tokenizer.encode(text, 64)));
  const executable = await compile(openReference(), (graph) => {
    const frozen = traceWeights(graph, encoderShapes(base.config), () => false);
    const inputs = batchInputs(graph, batch.bucket, "cls");
    const weights = withLora(graph, base.config, frozen, lora);
    return { outputs: { states: pooled(bert(base.config, weights, inputs), inputs) } };
  });
  for (const name of encoderShapes(base.config).keys())
    executable.write(name, base.weights.get(name)!.values);
  for (const [name, { values }] of lora.weights) executable.write(name, values);
  executable.run(packedFeeds(batch, "cls"));
  const found = await executable.read("states");
  executable.dispose();
  return found.subarray(0, texts.length * base.config.hiddenSize);
}

test("an adapter that PEFT wrote gives PEFT's states", async () => {
  const expected = jsonOf<{ texts: string[]; last_hidden_cls: number[][] }>(`${PEFT}/expected.json`);
  const { tensors } = readSafetensors(new Uint8Array(readFileSync(`${PEFT}/adapter_model.safetensors`)));
  const weights = new Map(
    [...tensors].map(([name, tensor]) => [name.replace("base_model.model.", ""), tensor]),
  );
  const lora = { rank: 4, alpha: 8, rsLora: false, targets: ["query", "value"], weights };
  const got = await states(expected.texts, lora);
  expectClose(got, expected.last_hidden_cls.flat(), { absolute: 1e-4 }, "states");
  const silent = initialLora(base.config, lora, 1);
  expect(() =>
    expectClose(got, [...expected.last_hidden_cls.flat()].reverse(), { absolute: 1e-4 }),
  ).toThrow();
  const untouched = await states(expected.texts, silent);
  expect(Math.max(...got.map((value, index) => Math.abs(value - untouched[index]!)))).toBeGreaterThan(0.01);
});

test("a new adapter changes nothing, is the same for the same seed, and has A as torch's Linear", async () => {
  const shape = { rank: 4, alpha: 8, rsLora: true, targets: ALL_LINEAR };
  const [first, second, other] = [1, 1, 2].map((seed) => initialLora(base.config, shape, seed));
  expect(first).toEqual(second);
  expect(first).not.toEqual(other);
  const a = first!.weights.get("encoder.layer.1.output.dense.lora_A.weight")!;
  expect(a.shape).toEqual([4, 64]);
  const largest = Math.max(...a.values.map(Math.abs));
  expect(largest).toBeLessThanOrEqual(1 / 8);
  expect(largest).toBeGreaterThan(0.11);
  const none = { ...shape, targets: ["query"], weights: new Map() };
  const plain = initialLora(base.config, none, 1);
  expectClose(await states(["the dog"], first!), await states(["the dog"], plain), {}, "states");
});

test("scaling is alpha / r, or alpha / √r with rsLoRA", () => {
  const shape = { rank: 16, alpha: 32, targets: ["query"] };
  expect(loraScaling({ ...shape, rsLora: false })).toBe(2);
  expect(loraScaling({ ...shape, rsLora: true })).toBe(8);
});

test("targets are ends of layer names, as PEFT takes them; all linear layers are six a layer", () => {
  expect(loraLayers(base.config, ALL_LINEAR).length).toBe(12);
  expect(loraLayers(base.config, ["dense"]).length).toBe(6);
  expect(loraLayers(base.config, ["encoder.layer.1.attention.self.key"])).toEqual([
    "encoder.layer.1.attention.self.key",
  ]);
  refusal(() => loraLayers(base.config, ["query", "q_proj"]), "usage", '"q_proj" ends no layer');
  refusal(() => loraLayers(base.config, []), "usage");
  refusal(
    () => initialLora(base.config, { rank: 0, alpha: 8, rsLora: false, targets: ["query"] }, 1),
    "usage",
  );
});
