import { beforeAll, describe, expect, test } from "vitest";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import type { TrainedAdapter } from "../../../src/domain/recipes/adapter-run.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { openTestCpu } from "./open-backend.ts";
import { runToEnd, stateAfter } from "./run-to-end.ts";
import { plantedData } from "./training-sets.ts";

const data = plantedData(16, 2, 12, 4);
const linear: AdapterConfig = { kind: "linear", features: 12, bias: true };
const twoLayer: AdapterConfig = {
  kind: "two-layer",
  features: 12,
  hiddenFeatures: 9,
  activation: "tanh",
  residual: true,
  bias: true,
};

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

function expectSame(resumed: TrainedAdapter, whole: TrainedAdapter): void {
  expect(resumed.weights).toEqual(whole.weights); // to the bit: float32 values compare exactly
  expect(resumed.losses).toEqual(whole.losses);
  expect(resumed.chosen).toEqual(whole.chosen);
  expect(resumed.fusion).toEqual(whole.fusion);
  expect(resumed.heldOut).toEqual(whole.heldOut);
}

async function interrupted(settings: AdapterSettings, pulls: readonly number[]): Promise<TrainedAdapter> {
  let run = await openAdapterRun(cpu, data, settings);
  for (const count of pulls) {
    const state = await stateAfter(run, count);
    run.dispose();
    run = await openAdapterRun(cpu, data, settings, state);
  }
  const { result } = await runToEnd(run);
  run.dispose();
  return result;
}

describe.each([
  ["linear", linear],
  ["two-layer", twoLayer],
])("compatible, %s: 4 batches an epoch, the last of them short", (_, adapter) => {
  const settings: AdapterSettings = {
    mode: "compatible",
    adapter,
    epochs: 3,
    batchSize: 9,
    learningRate: 1e-2,
    seed: 3,
  };

  test.each([
    ["before the first step", [0]],
    ["in the middle of an epoch", [2]],
    ["at an epoch's edge", [4]],
    ["after the last step", [12]],
    ["twice, the second time at once", [5, 0]],
    ["at every second step", [2, 2, 2, 2, 2]],
  ])("resumed %s, a run ends with the same bits", async (_name, pulls) => {
    const whole = (await runToEnd(await openAdapterRun(cpu, data, settings))).result;
    expectSame(await interrupted(settings, pulls), whole);
  });
});

describe("recommended", () => {
  const settings: AdapterSettings = {
    mode: "recommended",
    adapter: linear,
    epochs: 5,
    batchSize: 8,
    seed: 3,
  };

  test("resumed anywhere, search and final training end with the same bits", async () => {
    const { steps, result } = await runToEnd(await openAdapterRun(cpu, data, settings));
    const search = steps.filter((step) => step.phase === "search").length;
    expect(search).toBeGreaterThan(100);
    const looks = steps.flatMap((step, index) => (step.validation ? [index + 1] : []));
    const points = [0, 1, looks[0]!, looks[9]!, 75, search - 1, search, search + 1, search + 7, steps.length];
    for (const point of points) expectSame(await interrupted(settings, [point]), result);
    expectSame(await interrupted(settings, [7, 1, 30, 90, search - 100]), result);
  });

  test("a search that stopped keeps its best weights through a resume", async () => {
    const run = await openAdapterRun(cpu, data, settings);
    const state = await stateAfter(run, 40);
    const resumed = await openAdapterRun(cpu, data, settings, state);
    const [kept, again] = [await run.keep(), await resumed.keep()];
    expect(again).toEqual(kept);
    expect(kept.notes[0]).toMatch(/during the search/);
    expect(kept.weights).not.toEqual(await resumed.weights());
  });
});

test("a state of other data, other settings or another mode is refused", async () => {
  const settings: AdapterSettings = { mode: "compatible", adapter: linear, epochs: 2, seed: 3 };
  const state = await stateAfter(await openAdapterRun(cpu, data, settings), 2);
  const other = plantedData(16, 2, 12, 5);
  await expect(openAdapterRun(cpu, other, settings, state)).rejects.toThrow(/other data or settings/);
  await expect(openAdapterRun(cpu, data, { ...settings, seed: 4 }, state)).rejects.toThrow(
    /other data or settings/,
  );
  await expect(openAdapterRun(cpu, data, { ...settings, mode: "recommended" }, state)).rejects.toThrow(
    /other data/,
  );
});
