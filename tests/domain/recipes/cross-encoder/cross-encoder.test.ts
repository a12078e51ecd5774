import { beforeAll, describe, expect, test } from "vitest";
import type { RerankDataset } from "../../../../src/domain/data/rerank-dataset.ts";
import { openPairScorer } from "../../../../src/domain/models/score-pairs.ts";
import type {
  CrossEncoderJob,
  CrossEncoderRun,
  CrossEncoderSettings,
  CrossEncoderState,
  TrainedCrossEncoder,
} from "../../../../src/domain/recipes/cross-encoder/cross-encoder-job.ts";
import { openCrossEncoderRun } from "../../../../src/domain/recipes/cross-encoder/cross-encoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";
import { openTestCpu } from "../open-backend.ts";
import { tinyEncoder, wordPairs } from "./fixtures.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

const model = tinyEncoder();
const job = (
  settings: Partial<CrossEncoderSettings> = {},
  train: RerankDataset = wordPairs(48),
): CrossEncoderJob => ({
  model,
  train,
  settings: { mode: "recommended", learningRate: 5e-3, seed: 3, ...settings },
});

async function toEnd(run: CrossEncoderRun, pulls = Infinity): Promise<TrainedCrossEncoder | undefined> {
  const steps = run.steps();
  for (let pulled = 0; pulled < pulls; pulled++) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
  return undefined;
}

async function trained(of: CrossEncoderJob): Promise<TrainedCrossEncoder> {
  const run = await openCrossEncoderRun(cpu, of);
  const result = (await toEnd(run))!;
  run.dispose();
  return result;
}

describe.each(["bce", "listwise", "margin-mse"] as const)("with the loss %s", (loss) => {
  test("held-out questions rank their right text better than before, and the best look is what is kept", async () => {
    const result = await trained(job({ loss, epochs: 24 }));
    expect(result.heldOut!.tuned).toBeGreaterThan(result.heldOut!.base);
    const half = result.losses.length >> 1;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(result.losses.slice(half))).toBeLessThan(0.8 * mean(result.losses.slice(0, half)));
    const best = result.looks.reduce((most, look) => Math.max(most, look.mrr), 0);
    expect(result.heldOut!.tuned).toBe(best);
  });
});

test("the first losses are those of a model that knows nothing: ln 2 a pair, ln 4 among four texts", async () => {
  expect((await trained(job({ loss: "bce", epochs: 0.1 }))).losses[0]!).toBeCloseTo(Math.LN2, 1);
  expect((await trained(job({ loss: "listwise", epochs: 0.1 }))).losses[0]!).toBeCloseTo(Math.log(4), 1);
});

test("measuring takes steps and changes nothing", async () => {
  const whole = await trained(job({ epochs: 1 }));
  const run = await openCrossEncoderRun(cpu, job({ epochs: 1 }));
  const { secondsPerStep, secondsLeft, tokensPerSecond, text } = await run.measure();
  expect(secondsPerStep).toBeGreaterThan(0);
  expect(secondsLeft).toBeGreaterThan(secondsPerStep);
  expect(tokensPerSecond).toBeGreaterThan(0);
  expect(text).toMatch(/^about \d/);
  const result = (await toEnd(run))!;
  run.dispose();
  expect(result.losses).toEqual(whole.losses);
  expect(result.model.weights).toEqual(whole.model.weights);
});

test("the kept model scores pairs by itself as the run's own looks did", async () => {
  const result = await trained(job({ loss: "bce", epochs: 6 }));
  const scorer = await openPairScorer(cpu, result.model);
  const [right, wrong] = await scorer.score([
    ["robot", "robot"],
    ["robot", "refund"],
  ]);
  scorer.dispose();
  expect(right!).toBeGreaterThan(wrong!);
  expect(result.model.weights.get("classifier.weight")!.shape).toEqual([1, 16]);
});

describe("resumed", () => {
  async function interrupted(of: CrossEncoderJob, pulls: number): Promise<TrainedCrossEncoder> {
    const first = await openCrossEncoderRun(cpu, of);
    await toEnd(first, pulls);
    const { tensors, ...small } = await first.state();
    const copies = Object.fromEntries(
      Object.entries(tensors).map(([name, values]) => [name, values.slice()]),
    );
    first.dispose();
    const state = { ...(JSON.parse(JSON.stringify(small)) as CrossEncoderState), tensors: copies };
    const run = await openCrossEncoderRun(cpu, of, state);
    const result = (await toEnd(run))!;
    run.dispose();
    return result;
  }

  test.each([0, 1, 7, 20])("after %i yields, a run with dropout ends with the same bits", async (pulls) => {
    const whole = await trained(job({ epochs: 3 }));
    const again = await interrupted(job({ epochs: 3 }), pulls);
    expect(again.losses).toEqual(whole.losses);
    expect(again.looks).toEqual(whole.looks);
    expect(again.model.weights).toEqual(whole.model.weights);
  });

  test("a state of other settings is refused", async () => {
    const run = await openCrossEncoderRun(cpu, job({ epochs: 1 }));
    await toEnd(run, 1);
    const state = await run.state();
    run.dispose();
    const other = openCrossEncoderRun(cpu, job({ epochs: 2 }), state);
    await expect(other).rejects.toMatchObject({ code: "corrupt" });
  });
});

test("compatible mode takes pairs in file order, holds nothing out and keeps the last step", async () => {
  const result = await trained(job({ mode: "compatible", batchSize: 10 }));
  expect(result.heldOut).toBeNull();
  expect(result.losses).toHaveLength(2 * Math.ceil((48 * 4) / 10));
});

test("balanced weights count a right pair as many times as there are wrong ones to it", async () => {
  const result = await trained(job({ positiveWeight: "balanced", epochs: 0.2 }));
  expect(result.chosen.positiveWeight).toBe(3);
});

test.each([
  [
    "one label only",
    () =>
      job(
        {},
        {
          ...wordPairs(0),
          queries: wordPairs(8).queries.map((query) => ({
            ...query,
            candidates: query.candidates.slice(0, 1),
          })),
        },
      ),
    "too-little-data",
  ],
  ["BCE on a teacher's logits", () => job({ loss: "bce" }, { ...wordPairs(8), scores: "teacher" }), "usage"],
  ["another loss in compatible mode", () => job({ mode: "compatible", loss: "listwise" }), "usage"],
  ["a batch of nothing", () => job({ batchSize: 0 }), "usage"],
] as const)("%s is refused", async (_name, of, code) => {
  await expect(openCrossEncoderRun(cpu, of())).rejects.toMatchObject({ code });
});
