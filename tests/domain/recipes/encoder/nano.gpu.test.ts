import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import type { EncoderModel } from "../../../../src/domain/models/encoder-model.ts";
import { openEncoderRun } from "../../../../src/domain/recipes/encoder/encoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openDawn } from "../../../engine/dawn.ts";
import { encoderFrom } from "../../models/model-folders.ts";
import { openTestCpu } from "../open-backend.ts";
import { sampleData } from "../training-sets.ts";

const FOLDER = fileURLToPath(new URL("../../../../public/models/retune-nano", import.meta.url));
const STEPS = 4;
const BATCH = 8;

let model: EncoderModel;
let gpu: Backend;
let cpu: Backend;
beforeAll(async () => {
  model = encoderFrom(FOLDER, { pooling: "mean", maxTokens: 64 });
  [gpu, cpu] = [await openDawn(), await openTestCpu()];
});
afterAll(() => [gpu, cpu].forEach((backend) => backend.dispose()));

/** As many of the sample's questions as four batches hold, with all its passages. */
function someQuestions(): Dataset {
  const { dataset } = sampleData("train");
  return { ...dataset, queries: dataset.queries.slice(0, STEPS * BATCH) };
}

async function fineTuned(backend: Backend) {
  const run = await openEncoderRun(backend, {
    model,
    data: { dataset: someQuestions() },
    settings: {
      ...{ recipe: "encoder", mode: "compatible", epochs: 1, batchSize: BATCH },
      ...{ learningRate: 5e-4, seed: 0 },
    },
  });
  const norms: number[] = [];
  for await (const { gradientNorm } of run.steps()) norms.push(gradientNorm);
  const { losses, tuned } = await run.keep();
  run.dispose();
  if (tuned.kind !== "encoder") throw new Error("expected a whole encoder");
  return { losses, norms, weights: tuned.model.weights };
}

test("a full fine-tune of the small encoder takes the same steps on a WebGPU adapter as on the CPU", async () => {
  const [onGpu, onCpu] = [await fineTuned(gpu), await fineTuned(cpu)];
  expect(onGpu.losses).toHaveLength(STEPS);
  expectClose(onGpu.losses, onCpu.losses, { relative: 1e-3 }, "losses");
  expectClose(onGpu.norms, onCpu.norms, { relative: 1e-2 }, "norms");
  const name = "encoder.layer.1.output.dense.weight";
  const [before, after] = [model.weights.get(name)!.values, onGpu.weights.get(name)!.values];
  expect(after).not.toEqual(before);
  expectClose(after, onCpu.weights.get(name)!.values, { absolute: 1e-4, relative: 1e-3 }, name);
});
