import { afterAll, beforeAll, expect, test } from "vitest";
import type { DecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openDawn } from "../../../engine/dawn.ts";
import { openTestCpu } from "../open-backend.ts";
import { reversals, tinyJob } from "./tiny-decoder.ts";

let gpu: Backend;
let cpu: Backend;
beforeAll(async () => {
  [gpu, cpu] = [await openDawn(), await openTestCpu()];
});
afterAll(() => gpu.dispose());

async function stepsOn(backend: Backend, settings: Partial<DecoderSettings>) {
  const job = tinyJob({ epochs: 1, frozen: "f32", ...settings }, { validationRows: reversals(6, 4) });
  const run = await openDecoderRun(backend, job);
  const norms: number[] = [];
  for await (const { gradientNorm } of run.steps()) norms.push(gradientNorm);
  const { losses, looks } = await run.keep();
  run.dispose();
  return { losses, norms, looks: looks.map(({ loss }) => loss) };
}

test.each([
  ["LoRA with dropout", { lora: { dropout: 0.1 } }],
  ["LoRA over added-up batches", { batchSize: 4, accumulate: 2 }],
  ["full training", { method: "full", learningRate: 2e-3 }],
] as const)("%s takes the same steps on WebGPU as on the CPU", async (_, settings) => {
  const [onGpu, onCpu] = [await stepsOn(gpu, settings), await stepsOn(cpu, settings)];
  expect(onGpu.losses.length).toBeGreaterThan(1);
  expectClose(onGpu.losses, onCpu.losses, { relative: 1e-3 }, "losses");
  expectClose(onGpu.looks, onCpu.looks, { relative: 1e-3 }, "looks");
  expectClose(onGpu.norms, onCpu.norms, { relative: 1e-2 }, "norms");
});
