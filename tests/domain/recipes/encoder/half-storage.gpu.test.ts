import { afterAll, beforeAll, expect, test } from "vitest";
import { openTextEmbedder } from "../../../../src/domain/models/embed-texts.ts";
import { encoderShapes } from "../../../../src/domain/models/bert/names.ts";
import type { LoraSettings } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { openEncoderRun } from "../../../../src/domain/recipes/encoder/encoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openDawn } from "../../../engine/dawn.ts";
import { openTestCpu } from "../open-backend.ts";
import { plantedTexts, tinyBert, tinyJob } from "./tiny-job.ts";

let halving: Backend; // keeps frozen weights in halves, as hardware with shader-f16 does
let plain: Backend;
let cpu: Backend;
beforeAll(async () => {
  [halving, plain, cpu] = [await openDawn({ halfStorage: true }), await openDawn(), await openTestCpu()];
});
afterAll(() => [halving, plain].forEach((backend) => backend.dispose()));

async function loraSteps(backend: Backend, lora: Partial<LoraSettings> = {}) {
  const job = tinyJob({ recipe: "lora", epochs: 1, validation: "none", learningRate: 5e-3, lora });
  const run = await openEncoderRun(backend, { ...job, data: { dataset: plantedTexts(32, 1, 5) } });
  const norms: number[] = [];
  for await (const { gradientNorm } of run.steps()) norms.push(gradientNorm);
  const { losses } = await run.keep();
  const { peakBytes } = run.plan;
  run.dispose();
  return { losses, norms, peakBytes };
}

async function vectors(backend: Backend, stored?: "f32" | "f16"): Promise<Float32Array> {
  const embedder = await openTextEmbedder(backend, tinyBert(), stored ? { stored } : {});
  const texts = ["the dog", "how many leave days do employees receive each year"];
  const { values } = await embedder.embed(texts);
  embedder.dispose();
  return values;
}

test("software adapters and the CPU keep frozen weights in full precision", () => {
  expect([plain.halfStorage, cpu.halfStorage]).toEqual([false, false]);
});

test("where halves are kept, LoRA's frozen matrices take half the memory, and its steps are those of rounded weights", async () => {
  const [kept, full] = [await loraSteps(halving), await loraSteps(halving, { frozen: "f32" })];
  const matrices = [...encoderShapes(tinyBert().config).values()].filter((shape) => shape.length === 2);
  const saved = matrices.reduce((sum, [rows, columns]) => sum + 2 * rows! * columns!, 0);
  expect(full.peakBytes - kept.peakBytes).toBe(saved);
  const rounded = await loraSteps(cpu, { frozen: "f16" });
  expect(kept.losses.length).toBeGreaterThan(2);
  expectClose(kept.losses, rounded.losses, { relative: 1e-3 }, "losses");
  expectClose(kept.norms, rounded.norms, { relative: 1e-2 }, "norms");
  expect(kept.losses).not.toEqual(full.losses);
  expectClose(kept.losses, full.losses, { relative: 2e-2 }, "losses of full precision");
});

test("full precision can be asked for, and gives the bits of a device without halves", async () => {
  const [asked, without] = [await loraSteps(halving, { frozen: "f32" }), await loraSteps(plain)];
  expect(asked).toEqual(without);
  expect(await vectors(halving, "f32")).toEqual(await vectors(plain));
});

test("where halves are kept, texts are embedded by them", async () => {
  const [got, full] = [await vectors(halving), await vectors(plain)];
  expect(got).not.toEqual(full);
  expectClose(got, await vectors(cpu, "f16"), { absolute: 1e-5 }, "vectors of rounded weights");
  expectClose(got, full, { absolute: 5e-3 }, "vectors");
});
