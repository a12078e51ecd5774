import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { trainableNames } from "../../../src/domain/models/adapter-weights.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import type { RecipeState } from "../../../src/domain/recipes/recipe-state.ts";
import type { TrainingData } from "../../../src/domain/recipes/training-data.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "./open-backend.ts";
import { runToEnd } from "./run-to-end.ts";
import { plantedData } from "./training-sets.ts";

type Nested = number | readonly Nested[];
interface FixtureCase {
  readonly init: Readonly<Record<string, Nested>>;
  readonly final: Readonly<Record<string, Nested>>;
  readonly losses: readonly number[];
  readonly lrs: readonly number[];
}
interface Fixture {
  readonly data: {
    readonly queries: Readonly<Record<string, string>>;
    readonly corpus: Readonly<Record<string, string>>;
    readonly relevant_docs: Readonly<Record<string, readonly string[]>>;
    readonly q_emb: Readonly<Record<string, readonly number[]>>;
    readonly d_emb: Readonly<Record<string, readonly number[]>>;
  };
}

const file = new URL("../../fixtures/llamaindex/adapter_fixture.json", import.meta.url);
const fixture = JSON.parse(readFileSync(file, "utf8")) as Fixture & Record<string, FixtureCase>;

const linear = (bias: boolean): AdapterConfig => ({ kind: "linear", features: 8, bias });
const twoLayer = (residual: boolean): AdapterConfig => ({
  kind: "two-layer",
  features: 8,
  hiddenFeatures: 5,
  activation: "relu",
  residual,
  bias: false,
});
const CASES: readonly (readonly [string, AdapterConfig, number])[] = [
  ["linear", linear(false), 2e-5],
  ["linear_bias", linear(true), 2e-5],
  ["two", twoLayer(true), 2e-5],
  ["two_nores", twoLayer(false), 2e-5],
  ["linear_lr", linear(false), 1e-2],
];

const flat = (values: Nested): Float32Array => Float32Array.from([values].flat(3) as number[]);

function fixtureData(): TrainingData {
  const { queries, corpus, relevant_docs, q_emb, d_emb } = fixture.data;
  const dataset: Dataset = {
    passages: Object.entries(corpus).map(([id, text]) => ({ id, text })),
    queries: Object.entries(queries).map(([id, text]) => ({
      id,
      text,
      relevant: relevant_docs[id]!.map((passage) => ({ passage, grade: 1 })),
    })),
  };
  const rows = (ids: readonly string[], vectors: Readonly<Record<string, readonly number[]>>) => ({
    rows: ids.length,
    columns: 8,
    values: Float32Array.from(ids.flatMap((id) => vectors[id]!)),
  });
  return {
    dataset,
    queries: rows(Object.keys(queries), q_emb),
    corpus: rows(Object.keys(corpus), d_emb),
  };
}

/** A state at step 0 with torch's random initial weights instead of ours. */
async function startFrom(
  init: FixtureCase["init"],
  backend: Backend,
  data: TrainingData,
  settings: AdapterSettings,
) {
  const state: RecipeState = await (await openAdapterRun(backend, data, settings)).state();
  const tensors = { ...state.tensors };
  for (const name of trainableNames(settings.adapter)) tensors[name] = flat(init[name]!);
  return { ...state, tensors };
}

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

test.each(
  CASES.flatMap((made) => (["reference", "cpu"] as const).map((kind) => [made[0], kind, made] as const)),
)(
  "every step of LlamaIndex's own engine is repeated: %s on the %s backend",
  async (name, kind, [, adapter, learningRate]) => {
    const backend = kind === "cpu" ? cpu : openReference();
    const data = fixtureData();
    const settings: AdapterSettings = {
      mode: "compatible",
      adapter,
      epochs: 5,
      batchSize: 4,
      learningRate,
      seed: 0,
    };
    const want = fixture[name]!;
    const saved = await startFrom(want.init, backend, data, settings);
    const run = await openAdapterRun(backend, data, settings, saved);
    const { steps, result } = await runToEnd(run);
    expectClose(result.losses, want.losses, { relative: 1e-4 }, "losses");
    expectClose(
      steps.map((step) => step.learningRate),
      want.lrs.slice(0, -1), // the last one is the rate after the run
      { absolute: 1e-12 },
      "learning rates",
    );
    expect(steps.map((step) => step.step)).toEqual(want.losses.map((_, index) => index + 1));
    for (const parameter of trainableNames(adapter)) {
      const got = result.weights.get(parameter)!.values;
      expectClose(got, flat(want.final[parameter]!), { absolute: 1e-4, relative: 1e-4 }, parameter);
    }
    run.dispose();
  },
);

test("what the settings leave out is LlamaIndex's: one epoch, batch 10, rate 2e-5, scale 20", async () => {
  const data = plantedData(13, 2, 8, 1);
  const run = await openAdapterRun(cpu, data, { mode: "compatible", adapter: linear(false), seed: 0 });
  const { steps, result } = await runToEnd(run);
  expect(run.plan.finalSteps).toBe(3); // 26 pairs: 10 + 10 + 6
  expect(steps).toHaveLength(3);
  expect(result.chosen).toEqual({ learningRate: 2e-5, scale: 20, alpha: 1, epochs: 1 });
  expect(steps[0]).toMatchObject({ phase: "final", totalSteps: 3, learningRate: 2e-5 }); // ⌊0.3⌋ = 0 warm-up steps
  run.dispose();
});

test("only the first judgement is trained on, whatever its grade", async () => {
  const data = plantedData(12, 1, 8, 1);
  const more: TrainingData = {
    ...data,
    dataset: {
      ...data.dataset,
      queries: data.dataset.queries.map((query) => ({
        ...query,
        relevant: [...query.relevant, { passage: "p0005", grade: 1 }],
      })),
    },
  };
  const settings: AdapterSettings = {
    mode: "compatible",
    adapter: linear(false),
    learningRate: 1e-3,
    epochs: 2,
    seed: 0,
  };
  const once = await runToEnd(await openAdapterRun(cpu, data, settings));
  const twice = await runToEnd(await openAdapterRun(cpu, more, settings));
  expect(twice.result.weights).toEqual(once.result.weights);
});

test("stopping early keeps the weights of that step and says where it stopped", async () => {
  const run = await openAdapterRun(cpu, plantedData(20, 2, 8, 1), {
    mode: "compatible",
    adapter: linear(false),
    learningRate: 1e-3,
    epochs: 3,
    seed: 0,
  });
  const steps = run.steps();
  for (let pulled = 0; pulled < 6; pulled++) await steps.next();
  const kept = await run.keep();
  expect(kept.losses).toHaveLength(6);
  expect(kept.chosen.epochs).toBe(1.5);
  expect(kept.notes).toEqual(["Stopped at step 6 of 12."]);
  expect(kept.weights).toEqual(await run.weights());
  expect((await steps.return(kept)).done).toBe(true);
});

test.each([
  [{ batchSize: 0 }, /batchSize: 0/],
  [{ epochs: 1.5 }, /epochs: 1.5.*whole number/],
  [{ learningRate: -1 }, /learningRate: -1/],
  [{ learningRate: NaN }, /learningRate: NaN/],
  [{ adapter: linear(false), alpha: 3 }, /alpha: 3/],
  [{ adapter: { ...linear(false), features: 9 } as AdapterConfig }, /features: 9.*8 dimensions/],
  [{ adapter: twoLayer(false), alpha: 0.5 }, /no residual/],
])("settings that no run can follow are named: %j", async (change, message) => {
  const settings: AdapterSettings = { mode: "compatible", adapter: linear(false), seed: 0, ...change };
  await expect(openAdapterRun(cpu, plantedData(5, 2, 8, 1), settings)).rejects.toThrow(message);
});

test("vectors of another file and a file without answers are refused", async () => {
  const data = plantedData(5, 2, 8, 1);
  const settings: AdapterSettings = { mode: "compatible", adapter: linear(false), seed: 0 };
  const other = { ...data, corpus: plantedData(4, 2, 8, 1).corpus };
  await expect(openAdapterRun(cpu, other, settings)).rejects.toThrow(/10 questions and 5 passages.*\[4, 8\]/);
  const unjudged: Dataset = {
    ...data.dataset,
    queries: data.dataset.queries.map((query) => ({ ...query, relevant: [{ passage: "p0000", grade: 0 }] })),
  };
  await expect(openAdapterRun(cpu, { ...data, dataset: unjudged }, settings)).rejects.toThrow(
    /0 of 10 questions/,
  );
});
