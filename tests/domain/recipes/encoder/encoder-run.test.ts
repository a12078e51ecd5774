import { beforeAll, describe, expect, test } from "vitest";
import type { EncoderJob, EncoderLoss } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import type { EncoderRun, TrainedEncoder } from "../../../../src/domain/recipes/encoder/encoder-run.ts";
import { openEncoderRun } from "../../../../src/domain/recipes/encoder/encoder.ts";
import type { Weights } from "../../../../src/domain/matrix.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../open-backend.ts";
import { plantedTexts, tinyBert, tinyJob } from "./tiny-job.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

async function toEnd(run: EncoderRun): Promise<TrainedEncoder> {
  const stream = run.steps();
  for (;;) {
    const next = await stream.next();
    if (next.done) return next.value;
  }
}

async function trained(job: EncoderJob): Promise<TrainedEncoder> {
  const run = await openEncoderRun(cpu, job);
  const result = await toEnd(run);
  run.dispose();
  return result;
}

function weightsOf({ tuned }: TrainedEncoder): Weights {
  return tuned.kind === "lora" ? tuned.adapter.weights : tuned.model.weights;
}

function expectSameBits(got: Weights, want: Weights): void {
  expect([...got.keys()]).toEqual([...want.keys()]);
  for (const [name, { values }] of want) expect(got.get(name)!.values, name).toEqual(values);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const none = { validation: "none" } as const;

describe.each(["encoder", "lora"] as const)("%s", (recipe) => {
  const settings = { recipe, epochs: 4, ...(recipe === "lora" ? { learningRate: 5e-3 } : {}) };

  test("learns: the loss falls, and held-out questions are answered better than by the base", async () => {
    const result = await trained(tinyJob({ ...settings, validation: { patience: 30 } }));
    expect(mean(result.losses.slice(-8))).toBeLessThan(0.9 * mean(result.losses.slice(0, 8)));
    const dense = result.looks.map((look) => look.dense);
    expect(Math.max(...dense)).toBeGreaterThan(dense[0]!);
    expect(result.looks[0]).toMatchObject({ step: 0, loss: null });
    expect(result.chosen.step).toBeGreaterThan(0);
    expect(result.tuned.kind).toBe(recipe);
  });

  test("saved and opened again half-way, it ends with the same bits", async () => {
    const job = tinyJob({ ...settings, epochs: 2, validation: { patience: 30 } }, 0.1);
    const whole = await trained(job);
    const first = await openEncoderRun(cpu, job);
    const stream = first.steps();
    for (let step = 0; step < 7; step++) await stream.next();
    const saved = structuredClone(await first.state());
    await stream.return(await first.keep());
    first.dispose();
    const second = await openEncoderRun(cpu, job, saved);
    const resumed = await toEnd(second);
    second.dispose();
    expect(resumed.losses).toEqual(whole.losses);
    expect(resumed.looks).toEqual(whole.looks);
    expectSameBits(weightsOf(resumed), weightsOf(whole));
  });

  test("recomputed activations give the same bits", async () => {
    const job = tinyJob({ ...settings, epochs: 1, ...none }, 0.1);
    const again = { ...job, settings: { ...job.settings, recomputation: true } };
    expectSameBits(weightsOf(await trained(again)), weightsOf(await trained(job)));
  });
});

test("LoRA leaves the base as it is and says what it belongs to", async () => {
  const job = tinyJob({ recipe: "lora", epochs: 1, ...none });
  const { tuned } = await trained(job);
  if (tuned.kind !== "lora") throw new Error("expected an adapter");
  expect(tuned.base).toBe(job.model);
  expect(tuned.adapter).toMatchObject({ rank: 16, alpha: 32, rsLora: false });
  expect([...tuned.adapter.weights.keys()]).toHaveLength(2 * 6 * 2);
});

test("measuring takes steps and changes nothing", async () => {
  const job = tinyJob({ epochs: 1, ...none }, 0.1);
  const plain = await trained(job);
  const run = await openEncoderRun(cpu, job);
  const measured = await run.measure(3);
  expect(measured.secondsPerStep).toBeGreaterThan(0);
  expect(measured.text).toMatch(/^about \d+ s on WASM/);
  const after = await toEnd(run);
  run.dispose();
  expectSameBits(weightsOf(after), weightsOf(plain));
});

test("the plan says what will be done before anything is", async () => {
  const run = await openEncoderRun(cpu, tinyJob({ epochs: 3, ...none }));
  expect(run.plan).toMatchObject({ totalSteps: 36, stepsPerEpoch: 12, questions: 96, heldOut: 0 });
  expect(run.plan.trainedParameters).toBe(26_976);
  expect(run.plan.paddedTokensPerEpoch).toBeGreaterThanOrEqual(run.plan.tokensPerEpoch);
  expect(run.plan.peakBytes).toBeGreaterThan(4 * 4 * run.plan.trainedParameters);
  run.dispose();
});

test("GradCache with mini-batches of any size takes the steps of the whole batch", async () => {
  const losses = async (loss: EncoderLoss, miniBatch: number): Promise<TrainedEncoder> =>
    trained(tinyJob({ loss, miniBatch, epochs: 1, batchSize: 12, ...none }));
  const whole = await losses({ kind: "mnrl" }, 32);
  for (const miniBatch of [5, 64]) {
    const cached = await losses({ kind: "cached-mnrl" }, miniBatch);
    expectClose(cached.losses, whole.losses, { relative: 2e-5 });
    for (const [name, { values }] of weightsOf(whole)) {
      if (name.endsWith("key.bias")) continue; // no loss depends on it: its gradient is rounding, which Adam enlarges
      expectClose(weightsOf(cached).get(name)!.values, values, { absolute: 2e-4 }, name);
    }
  }
});

test("GradCache draws one dropout in both passes: it learns, and LoRA trains by it too", async () => {
  const settings = { loss: { kind: "cached-mnrl" }, miniBatch: 6, epochs: 4, ...none } as const;
  for (const own of [{}, { recipe: "lora", learningRate: 5e-3 } as const]) {
    const { losses } = await trained(tinyJob({ ...settings, ...own }, 0.05));
    expect(mean(losses.slice(-8))).toBeLessThan(0.95 * mean(losses.slice(0, 8)));
  }
});

const plain: readonly EncoderLoss[] = [
  { kind: "symmetric-mnrl" },
  { kind: "triplet", margin: 0.5 },
  { kind: "triplet", distance: "cosine", margin: 0.5 },
  { kind: "cosent" },
  { kind: "margin-mse" },
  { kind: "kl-distillation", temperature: 0.05 },
];

test.each(plain)("$kind $distance learns from what it needs", async (loss) => {
  const job = tinyJob({ loss, epochs: 4, negativesPerQuestion: 2, ...none });
  const { dataset } = job.data;
  const negatives: Record<string, string[]> = {};
  const teacher: Record<string, Record<string, number>> = {};
  for (const [index, { id, relevant }] of dataset.queries.entries()) {
    const right = relevant[0]!.passage;
    const wrong = [5, 17].map((step) => `p${(Math.floor(index / 2) + step) % dataset.passages.length}`);
    negatives[id] = wrong;
    teacher[id] = { [right]: 0.9, [wrong[0]!]: 0.1, [wrong[1]!]: 0.2 };
  }
  const { losses } = await trained({ ...job, data: { dataset, negatives, teacher } });
  expect(mean(losses.slice(-8))).toBeLessThan(0.97 * mean(losses.slice(0, 8)));
});

test("Matryoshka trains prefixes, and an anchor holds general questions near the base", async () => {
  const settings = { epochs: 3, matryoshka: { dimensions: [32, 16, 8] }, ...none } as const;
  const free = tinyJob(settings);
  const { losses } = await trained(free);
  expect(mean(losses.slice(-6))).toBeLessThan(mean(losses.slice(0, 6)));
  const anchors = Array.from({ length: 20 }, (_, index) => `what is ${"abcdefghijklmnopqrst"[index]!}`);
  const held = tinyJob({ ...settings, anchorWeight: 50 });
  const away = async (job: EncoderJob): Promise<number> => {
    const { tuned } = await trained(job);
    return distance(weightsOf({ tuned } as TrainedEncoder), job.model.weights);
  };
  expect(await away({ ...held, data: { ...held.data, anchors } })).toBeLessThan(await away(free));
});

function distance(a: Weights, b: Weights): number {
  let sum = 0;
  for (const [name, { values }] of a) {
    const other = b.get(name)!.values;
    for (const [index, value] of values.entries()) sum += (value - other[index]!) ** 2;
  }
  return Math.sqrt(sum);
}

test("compatible mode: file order, sentence-transformers' schedule, nothing held out, the last step kept", async () => {
  const run = await openEncoderRun(cpu, tinyJob({ mode: "compatible", epochs: 2, batchSize: 10 }));
  const rates: number[] = [];
  for await (const step of run.steps()) rates.push(step.learningRate);
  run.dispose();
  expect(rates).toHaveLength(20); // ⌈96 / 10⌉ · 2
  expectClose(rates.slice(0, 4), [0, 5e-4, 1e-3, 1e-3 * (17 / 18)], { relative: 1e-12 });
  expect(run.plan.heldOut).toBe(0);
});

test("numbers that are not finite never reach the weights; the run goes back, halves its rate and ends with a word", async () => {
  const job = tinyJob({ epochs: 2, learningRate: 1, clip: 1e30, weightDecay: 0, ...none });
  const broken = new Map(job.model.weights);
  const name = "encoder.layer.1.output.dense.weight";
  const { shape, values } = broken.get(name)!;
  broken.set(name, { shape, values: values.map((value) => Math.sign(value) * 3e38) });
  const result = await trained({ ...job, model: { ...job.model, weights: broken } });
  expect(result.guards.map(({ kind }) => kind)).toContain("not-finite");
  expect(result.guards.at(-1)).toMatchObject({ kind: "stopped", learningRateFactor: 0.125 });
  expect(result.notes.join(" ")).toMatch(/learning rate/);
  for (const [own, { values: kept }] of weightsOf(result)) {
    expect(kept, own).toEqual(broken.get(own)!.values);
  }
});

test("a saved state of other settings or other data is refused", async () => {
  const job = tinyJob({ epochs: 1, ...none });
  const run = await openEncoderRun(cpu, job);
  const saved = await run.state();
  run.dispose();
  const others: EncoderJob[] = [
    { ...job, settings: { ...job.settings, learningRate: 1e-4 } },
    { ...job, data: { dataset: plantedTexts(48, 2, 6) } },
    { ...job, model: { ...tinyBert(), pooling: "mean" } },
  ];
  for (const other of others) {
    await expect(openEncoderRun(cpu, other, saved)).rejects.toMatchObject({ code: "corrupt" });
  }
});

test("a saved state that lacks a tensor is refused by the tensor's name", async () => {
  const job = tinyJob({ epochs: 4, validation: { patience: 30 } });
  const run = await openEncoderRun(cpu, job);
  for await (const { look } of run.steps()) if (look && look.step > 20) break;
  const saved = await run.state();
  run.dispose();
  expect(saved.progress.best).toBeGreaterThan(0);
  for (const lost of ["encoder.layer.0.output.dense.bias.m", "best.embeddings.LayerNorm.weight"]) {
    const { [lost]: _, ...tensors } = saved.tensors;
    await expect(openEncoderRun(cpu, job, { ...saved, tensors })).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(lost) as string,
    });
  }
});

test.each([
  [{ batchSize: 1 }, /batchSize: 1/],
  [{ epochs: 0 }, /epochs: 0/],
  [{ learningRate: 2 }, /learningRate: 2/],
  [{ matryoshka: { dimensions: [64] } }, /1 to 32/],
  [{ loss: { kind: "triplet" }, negativesPerQuestion: 0 }, /triplet needs/],
  [{ recipe: "lora", lora: { targets: ["nothing"] } }, /nothing/],
  [{ validation: { share: 0.9 } }, /validation.share/],
] as const)("settings that no run can follow are refused by name: %o", async (settings, message) => {
  await expect(openEncoderRun(cpu, tinyJob(settings))).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(message) as string,
  });
});

test("a file with too few questions is refused with the number that is needed", async () => {
  const job = tinyJob(none);
  const dataset = { ...job.data.dataset, queries: job.data.dataset.queries.slice(0, 1) };
  await expect(openEncoderRun(cpu, { ...job, data: { dataset } })).rejects.toMatchObject({
    code: "too-little-data",
  });
});
