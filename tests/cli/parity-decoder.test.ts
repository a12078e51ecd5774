import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decoderFixture, type DecoderFixture } from "../../cli/parity/decoder-fixture.ts";
import { replayDecoder } from "../../cli/parity/replay-decoder.ts";
import { readSafetensors, type SafetensorsFile } from "../../src/domain/formats/safetensors.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { refusal } from "../domain/formats/refusal.ts";
import { openTestCpu } from "../domain/recipes/open-backend.ts";
import { expectDecoderReplay, recordedDecoder } from "./decoder-parity.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

test("a decoder's LoRA trains on the float64 twin as torch trained it", () =>
  expectDecoderReplay(openReference()));

test("a decoder's LoRA trains on the CPU backend as torch trained it", () => expectDecoderReplay(cpu));

test("so it does with its vocabulary in parts and layers recomputed", () =>
  expectDecoderReplay(cpu, "frugal"));

test("another rate, scaling, angle or mask than was recorded is found", async () => {
  const run = await recordedDecoder();
  const failedWith = async (change: Partial<DecoderFixture>): Promise<readonly string[]> => {
    const checks = await replayDecoder({ ...run, ...change }, cpu);
    return checks.filter(({ passed }) => !passed).map(({ name }) => name);
  };
  expect(await failedWith({ settings: { ...run.settings, lr: 1.5e-3 } })).toContain("final");
  expect(await failedWith({ lora: { ...run.lora, alpha: 9 } })).toContain("losses");
  const rope = { ...run.config.rope, theta: 10_100 };
  expect(await failedWith({ config: { ...run.config, rope } })).toContain("fwd.logits");
  const batches = run.batches.map(({ sequences, width }) => ({
    width,
    sequences: sequences.map(({ ids }) => ({ ids, supervised: ids.map(() => true) })),
  }));
  expect(await failedWith({ batches })).toContain("losses");
});

const recorded = fileURLToPath(new URL("../fixtures/parity/decoder-lora", import.meta.url));
const settings = JSON.parse(readFileSync(`${recorded}.json`, "utf8")) as Record<string, unknown>;
const file = readSafetensors(new Uint8Array(readFileSync(`${recorded}.safetensors`)));

function without(name: string): SafetensorsFile {
  const kept = <Value>(all: ReadonlyMap<string, Value>): Map<string, Value> =>
    new Map([...all].filter(([key]) => key !== name));
  expect(kept(file.tensors).size + kept(file.integers).size).toBe(file.tensors.size + file.integers.size - 1);
  return { tensors: kept(file.tensors), integers: kept(file.integers), metadata: file.metadata };
}

const PEFT = "base_model.model.model.layers.1.mlp.up_proj.lora_A.default.weight";

test.each([
  ["fwd.logits", 'no tensor "fwd.logits"'],
  ["batch2.labels", "lacks batch2.labels"],
  ["init.base_model.model.model.norm.weight", '"init.model.norm.weight" is missing'],
  [`grad1.${PEFT}`, '"grad1.model.layers.1.mlp.up_proj.lora_A.weight" is missing'],
  [`final.${PEFT}`, '"final.model.layers.1.mlp.up_proj.lora_A.weight" is missing'],
])("a recorded decoder without %s never passes", (name, words) => {
  refusal(() => decoderFixture(settings, without(name)), "E_FIELD", words);
});

test.each([
  ["more losses than steps", { total_steps: 5 }, "losses: 6 numbers, but total_steps is 5"],
  ["half a rank", { lora: { r: 0.5, alpha: 1, target_modules: "all linear" } }, "lora.r"],
  ["fewer targets than trained", { lora: { r: 4, alpha: 8, target_modules: ["q_proj"] } }, "has no place"],
])("a recorded decoder with %s is named, not replayed", (_what, change, words) => {
  refusal(() => decoderFixture({ ...settings, ...change }, file), "E_FIELD", words);
});
