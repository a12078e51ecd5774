import { expect, test } from "vitest";
import type { SupervisedSequence } from "../../../../src/domain/models/llama/supervision.ts";
import { resolveDecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-defaults.ts";
import type { DecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import { DecoderSchedule } from "../../../../src/domain/recipes/decoder/decoder-schedule.ts";
import { reversals, tinyDecoder } from "./tiny-decoder.ts";

const { config } = tinyDecoder();
const schedule = (
  rows: readonly SupervisedSequence[],
  settings: Partial<DecoderSettings>,
  replay: readonly SupervisedSequence[] = [],
) => new DecoderSchedule(rows, replay, resolveDecoderSettings({ seed: 1, ...settings }, config));

const epochRows = (own: DecoderSchedule, from: number, to: number): SupervisedSequence[] =>
  Array.from({ length: to - from }, (_, index) => own.at(from + index).batches.flat()).flat();

test.each(["shuffled", "packed", "buckets", "in-order"] as const)("%s: every row once an epoch", (order) => {
  const rows = reversals(30, 1);
  const own = schedule(rows, { order, batchSize: 4, batchTokens: 40, accumulate: 2, epochs: 2 });
  const first = epochRows(own, 0, own.stepsPerEpoch);
  expect(first).toHaveLength(30);
  expect(new Set(first).size).toBe(30);
  const second = epochRows(own, own.stepsPerEpoch, own.total);
  expect(new Set(second).size).toBe(30);
  if (order === "in-order") expect(first).toEqual(rows);
  else expect(second).not.toEqual(first);
});

test("a step takes the same rows however they are parted", () => {
  const rows = reversals(30, 1);
  const whole = schedule(rows, { batchSize: 8, epochs: 1 });
  const parts = schedule(rows, { batchSize: 2, accumulate: 4, epochs: 1 });
  expect(parts.total).toBe(whole.total);
  for (let place = 0; place < whole.total; place++) {
    expect(parts.at(place).batches.flat()).toEqual(whole.at(place).batches.flat());
  }
});

test("replay rows are the share asked for, and all of them come up before one comes up again", () => {
  const [rows, replay] = [reversals(30, 1), reversals(15, 2)];
  const own = schedule(rows, { batchSize: 8, epochs: 3, replayShare: 0.25 }, replay);
  expect(own.replayRows).toBe(10); // of 40
  const seen = new Map<SupervisedSequence, number>();
  for (const row of epochRows(own, 0, own.total)) seen.set(row, (seen.get(row) ?? 0) + 1);
  expect(rows.map((row) => seen.get(row))).toEqual(rows.map(() => 3));
  expect(replay.map((row) => seen.get(row))).toEqual(replay.map(() => 2)); // 3 epochs × 10 draws over 15 rows
});

test("a number of steps takes the place of epochs, and ends where it says", () => {
  const own = schedule(reversals(10, 1), { batchSize: 4, steps: 8 });
  expect([own.total, own.stepsPerEpoch]).toEqual([8, 3]);
  expect(own.at(7).epoch).toBe(2);
});

test("the rate rises from zero, stays, and falls to zero at the end", () => {
  const { rateAt } = schedule(reversals(10, 1), {
    ...{ batchSize: 1, steps: 100, learningRate: 0.5, warmupSteps: 10, decayFrom: 0.5 },
  });
  expect([rateAt(0), rateAt(5), rateAt(10), rateAt(49), rateAt(75), rateAt(100)]).toEqual([
    0, 0.25, 0.5, 0.5, 0.25, 0,
  ]);
  const linear = schedule(reversals(10, 1), { batchSize: 1, steps: 100, learningRate: 0.5, warmup: 0.1 });
  expect([linear.rateAt(10), linear.rateAt(55)]).toEqual([0.5, 0.25]);
});

const bad: [string, DecoderSettings][] = [
  ["accumulate", { seed: 1, accumulate: 0 }],
  ["learningRate", { seed: 1, learningRate: NaN }],
  ["replayShare", { seed: 1, replayShare: 1 }],
  ["lora.layers", { seed: 1, lora: { layers: 3 } }],
  ["lora.dropout", { seed: 1, lora: { dropout: 1 } }],
  ["validation.every", { seed: 1, validation: { every: 0 } }],
];

test.each(bad)("%s that cannot be is refused by its name", (name, settings) => {
  expect(() => resolveDecoderSettings(settings, config)).toThrow(new RegExp(`^${name}: `));
});
