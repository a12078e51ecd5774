import { afterAll, beforeAll, expect, test } from "vitest";
import { RetuneError } from "../../../src/engine/errors.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import { expectClose } from "../../close.ts";
import { openDawn } from "../../engine/dawn.ts";
import { openTestCpu } from "./open-backend.ts";
import { runToEnd, stateAfter } from "./run-to-end.ts";
import { plantedData } from "./training-sets.ts";

const data = plantedData(20, 2, 12, 4);
const adapter: AdapterConfig = { kind: "linear", features: 12, bias: true };
const compatible: AdapterSettings = {
  mode: "compatible",
  adapter,
  epochs: 3,
  batchSize: 9,
  learningRate: 1e-2,
  seed: 3,
};
const recommended: AdapterSettings = {
  mode: "recommended",
  adapter,
  epochs: 3,
  batchSize: 16,
  learningRate: 1e-3,
  scale: 30,
  seed: 3,
};

let gpu: Backend;
let cpu: Backend;
beforeAll(async () => {
  [gpu, cpu] = [await openDawn(), await openTestCpu()];
});
afterAll(() => gpu.dispose());

test.each([
  ["compatible", compatible],
  ["recommended", recommended],
] as const)("a %s run takes the same steps on WebGPU as on the CPU", async (_, settings) => {
  const onGpu = await runToEnd(await openAdapterRun(gpu, data, settings));
  const onCpu = await runToEnd(await openAdapterRun(cpu, data, settings));
  expectClose(onGpu.result.losses, onCpu.result.losses, { relative: 1e-4 }, "losses");
  expectClose(
    onGpu.steps.map((step) => step.gradientNorm),
    onCpu.steps.map((step) => step.gradientNorm),
    { relative: 1e-3 },
    "gradient norms",
  );
  for (const [name, { values }] of onCpu.result.weights) {
    expectClose(onGpu.result.weights.get(name)!.values, values, { absolute: 2e-3 }, name);
  }
});

test.each([
  ["compatible", compatible, [0, 4, 7, 15]],
  ["recommended", recommended, [0, 3, 11, 31]],
] as const)("a %s run resumed on WebGPU ends with the same bits", async (_, settings, points) => {
  const whole = (await runToEnd(await openAdapterRun(gpu, data, settings))).result;
  for (const point of points) {
    const state = await stateAfter(await openAdapterRun(gpu, data, settings), point);
    const resumed = await runToEnd(await openAdapterRun(gpu, data, settings, state));
    expect(resumed.result.weights).toEqual(whole.weights);
    expect(resumed.result.losses).toEqual(whole.losses);
  }
});

test("vectors that are not finite stop the run with a named error instead of spoiling the weights", async () => {
  const spoilt = { ...data, queries: { ...data.queries, values: data.queries.values.slice() } };
  spoilt.queries.values[9 * 12 + 3] = NaN; // in the second batch
  for (const backend of [gpu, cpu]) {
    const run = await openAdapterRun(backend, spoilt, compatible);
    const steps = run.steps();
    expect((await steps.next()).done).toBe(false);
    await expect(steps.next()).rejects.toThrow(RetuneError);
    const weights = (await run.weights()).get("linear.weight")!.values;
    expect(weights.every(Number.isFinite)).toBe(true);
  }
});
