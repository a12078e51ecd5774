import { afterAll, beforeAll, expect, test } from "vitest";
import type { EncoderSettings } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { openEncoderRun } from "../../../../src/domain/recipes/encoder/encoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openDawn } from "../../../engine/dawn.ts";
import { openTestCpu } from "../open-backend.ts";
import { plantedTexts, tinyJob } from "./tiny-job.ts";

let gpu: Backend;
let cpu: Backend;
beforeAll(async () => {
  [gpu, cpu] = [await openDawn(), await openTestCpu()];
});
afterAll(() => gpu.dispose());

async function stepsOn(backend: Backend, settings: Partial<EncoderSettings>) {
  const job = tinyJob({ epochs: 1, validation: "none", ...settings }, 0.1);
  const run = await openEncoderRun(backend, { ...job, data: { dataset: plantedTexts(32, 1, 5) } });
  const norms: number[] = [];
  for await (const { gradientNorm } of run.steps()) norms.push(gradientNorm);
  const { losses } = await run.keep();
  run.dispose();
  return { losses, norms };
}

test.each([
  ["full fine-tune", {}],
  ["LoRA", { recipe: "lora", lora: { dropout: 0.1 } }],
  ["GradCache", { loss: { kind: "cached-mnrl" }, miniBatch: 8 }],
] as const)("a %s takes the same steps on WebGPU as on the CPU, dropout included", async (_, settings) => {
  const [onGpu, onCpu] = [await stepsOn(gpu, settings), await stepsOn(cpu, settings)];
  expect(onGpu.losses.length).toBeGreaterThan(1);
  expectClose(onGpu.losses, onCpu.losses, { relative: 1e-3 }, "losses");
  expectClose(onGpu.norms, onCpu.norms, { relative: 1e-2 }, "norms");
});
