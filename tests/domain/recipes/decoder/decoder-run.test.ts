import { beforeAll, describe, expect, test } from "vitest";
import type { Weights } from "../../../../src/domain/matrix.ts";
import type { DecoderJob } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import type { DecoderEstimate, TrainedDecoder } from "../../../../src/domain/recipes/decoder/decoder-run.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { expectClose } from "../../../close.ts";
import { openTestCpu } from "../open-backend.ts";
import { reversals, tinyDecoder, tinyJob, toEnd, trained } from "./tiny-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

function weightsOf({ tuned }: TrainedDecoder): Weights {
  return tuned.kind === "lora" ? tuned.adapter.weights : tuned.weights;
}

function expectSameBits(got: Weights, want: Weights): void {
  expect([...got.keys()]).toEqual([...want.keys()]);
  for (const [name, { values }] of want) expect(got.get(name)!.values, name).toEqual(values);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(["lora", "full"] as const)("%s", (method) => {
  const lora = { dropout: method === "lora" ? 0.1 : 0 };

  test("learns: the loss falls, on rows it did not see as well, and the best look's weights are kept", async () => {
    const job = tinyJob({ method, epochs: 8 }, { validationRows: reversals(16, 6) });
    const result = await trained(cpu, job);
    expect(mean(result.losses.slice(-6))).toBeLessThan(0.9 * mean(result.losses.slice(0, 6)));
    expect(result.looks[0]).toMatchObject({ step: 0, trainingLoss: null });
    const best = result.looks.reduce((least, look) => (look.loss < least.loss ? look : least));
    expect(best.loss).toBeLessThan(0.95 * result.looks[0]!.loss);
    expect(best.perplexity).toBeCloseTo(Math.exp(best.loss), 10);
    expect(result.step).toBe(best.step);
    expect(result.tuned.kind).toBe(method);
  });

  test.each([1, 3])(
    "saved and opened again half-way, it ends with the same bits (accumulate %i)",
    async (accumulate) => {
      const job = tinyJob(
        { method, lora, batchSize: 4, accumulate, epochs: 2 },
        { validationRows: reversals(8, 6), replayRows: reversals(9, 7) },
      );
      const whole = await trained(cpu, job);
      const first = await openDecoderRun(cpu, job);
      const stream = first.steps();
      for (let step = 0; step < 5; step++) await stream.next();
      const saved = structuredClone(await first.state());
      await stream.return(await first.keep());
      first.dispose();
      const second = await openDecoderRun(cpu, job, saved);
      const resumed = await toEnd(second);
      second.dispose();
      expect(resumed.losses).toEqual(whole.losses);
      expect(resumed.looks).toEqual(whole.looks);
      expectSameBits(weightsOf(resumed), weightsOf(whole));
    },
  );

  test("recomputed layers give the same bits", async () => {
    const job = (recomputation: boolean) => tinyJob({ method, lora, recomputation, epochs: 1 });
    expectSameBits(weightsOf(await trained(cpu, job(true))), weightsOf(await trained(cpu, job(false))));
  });

  test("one batch of eight rows or four of two: the same losses and weights", async () => {
    const whole = await trained(cpu, tinyJob({ method, batchSize: 8 }));
    for (const [batchSize, accumulate] of [
      [2, 4],
      [8, 1],
      [1, 8],
    ] as const) {
      const parts = await trained(cpu, tinyJob({ method, batchSize, accumulate }));
      expectClose(parts.losses, whole.losses, { relative: 1e-4 });
    }
  });

  test("packed or in buckets, the loss of an epoch's rows is the same", async () => {
    const job = (order: "packed" | "buckets", batchTokens: number) =>
      tinyJob({ method, order, batchTokens, accumulate: 1000, epochs: 3 });
    const packed = await trained(cpu, job("packed", 64));
    expect(packed.losses).toHaveLength(3); // one step an epoch
    for (const other of [job("buckets", 64), job("packed", 200), job("buckets", 300)]) {
      expectClose((await trained(cpu, other)).losses, packed.losses, { relative: 1e-4 });
    }
  });
});

test("nothing has changed before the first step: LoRA starts from the base's own answers", async () => {
  const rows = reversals(8, 9);
  const lora = await openDecoderRun(cpu, tinyJob({}, { validationRows: rows }));
  const full = await openDecoderRun(cpu, tinyJob({ method: "full" }, { validationRows: rows }));
  const looks = [];
  for (const run of [lora, full]) {
    await run.steps().next();
    looks.push((await run.keep()).looks[0]!.loss);
    run.dispose();
  }
  expect(looks[0]).toBe(looks[1]);
});

test("top layers only: the adapter has no matrices below, and learns", async () => {
  const result = await trained(cpu, tinyJob({ lora: { layers: 1, targets: ["q_proj", "down_proj"] } }));
  const names = [...weightsOf(result).keys()];
  expect(names).toHaveLength(4);
  expect(names.every((name) => name.startsWith("model.layers.1."))).toBe(true);
  expect(result.losses.at(-1)).toBeLessThan(result.losses[0]!);
});

test("an adapter can be gone on from, and one of another base is refused", async () => {
  const first = await trained(cpu, tinyJob({ epochs: 4 }));
  if (first.tuned.kind !== "lora") throw new Error("expected an adapter");
  const { adapter } = first.tuned;
  const more = { adapter, validationRows: reversals(16, 6) };
  const second = await trained(cpu, tinyJob({ epochs: 1 }, more));
  const fresh = await trained(cpu, tinyJob({ epochs: 1 }, { validationRows: more.validationRows }));
  expect(second.looks[0]!.loss).toBeLessThan(fresh.looks[0]!.loss);
  const other = { base: tinyDecoder({ hidden_size: 48, num_attention_heads: 6 }), adapter };
  await expect(openDecoderRun(cpu, tinyJob({}, other))).rejects.toMatchObject({ code: "E_MISMATCH" });
});

test("measuring takes steps and changes nothing", async () => {
  const job = tinyJob({ epochs: 1, accumulate: 2 });
  const plain = await trained(cpu, job);
  const run = await openDecoderRun(cpu, job);
  const measured = await run.measure(2);
  expect(measured.secondsPerStep).toBeGreaterThan(0);
  expect(measured.text).toMatch(/^about \d+ s on WASM/);
  const after = await toEnd(run);
  run.dispose();
  expectSameBits(weightsOf(after), weightsOf(plain));
});

test("a state of other rows or settings is refused", async () => {
  const run = await openDecoderRun(cpu, tinyJob());
  const saved = await run.state();
  run.dispose();
  for (const other of [tinyJob({ learningRate: 2e-3 }), tinyJob({}, { rows: reversals(48, 6) })]) {
    await expect(openDecoderRun(cpu, other, saved)).rejects.toMatchObject({ code: "corrupt" });
  }
});

test.each(["f16", "q8", "q4"] as const)(
  "a base kept in %s is learnt beside, close to one in floats",
  async (frozen) => {
    const job = (own: "f32" | typeof frozen) =>
      tinyJob({ frozen: own, epochs: 4 }, { validationRows: reversals(16, 6) });
    const [kept, floats] = [await trained(cpu, job(frozen)), await trained(cpu, job("f32"))];
    expect(kept.losses.at(-1)).toBeLessThan(0.9 * kept.losses[0]!);
    expectClose(kept.losses, floats.losses, { relative: { f16: 1e-2, q8: 5e-2, q4: 0.25 }[frozen] });
    expect(kept.losses).not.toEqual(floats.losses);
  },
);

test("a vocabulary that the device must cut gives the same losses", async () => {
  const narrow: Backend = Object.create(cpu, { bindingBytes: { value: 4096 } }) as Backend;
  const job = tinyJob({ frozen: "f32", epochs: 1 }, { validationRows: reversals(6, 4) });
  const whole = await trained(cpu, job);
  const cut = await openDecoderRun(narrow, job);
  expect(cut.plan.memory.base).toBeGreaterThan(4096);
  expect(cut.plan.launches).toBeGreaterThan((await planned(job)).launches);
  const result = await toEnd(cut);
  cut.dispose();
  expectClose(result.losses, whole.losses, { relative: 1e-5 });
  expectClose([result.looks[0]!.loss], [whole.looks[0]!.loss], { relative: 1e-5 });
});

async function planned(job: DecoderJob): Promise<DecoderEstimate> {
  const run = await openDecoderRun(cpu, job);
  run.dispose();
  return run.plan;
}
