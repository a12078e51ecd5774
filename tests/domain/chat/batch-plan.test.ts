import { expect, test } from "vitest";
import { batchPlan, packRows, scoredBucketFor, stepWeight } from "../../../src/domain/chat/batch-plan.ts";
import type { RenderedRow } from "../../../src/domain/chat/rendered-row.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { refusal } from "../formats/refusal.ts";

const random = new CounterRandom(7);
const lengths = Array.from({ length: 200 }, () => 5 + random.below(250));
const orders = ["packed", "buckets"] as const;
const row = (ids: readonly number[], weights: readonly number[]): RenderedRow => ({
  ids,
  weights,
  answers: [],
});

test.each(orders)("%s: every row is in one batch, and no batch of several is over the limit", (order) => {
  const batches = batchPlan(lengths, 256, order, new CounterRandom(1));
  expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
  for (const batch of batches)
    if (batch.length > 1) expect(batch.reduce((sum, own) => sum + lengths[own]!, 0)).toBeLessThanOrEqual(256);
});

test.each(orders)("%s: the same seed gives the same plan, the next epoch another", (order) => {
  const same = batchPlan(lengths, 256, order, new CounterRandom(1));
  const generator = new CounterRandom(1);
  expect(batchPlan(lengths, 256, order, generator)).toEqual(same);
  const later = batchPlan(lengths, 256, order, generator);
  const together = (plan: readonly (readonly number[])[]): string[] =>
    plan.map((batch) => [...batch].sort((a, b) => a - b).join()).sort();
  expect(together(later)).not.toEqual(together(same));
});

test("packed batches are nearly full; those of buckets hold rows of about one length", () => {
  const packed = batchPlan(lengths, 512, "packed", new CounterRandom(1));
  const total = lengths.reduce((a, b) => a + b);
  expect(packed.length).toBeLessThanOrEqual(Math.ceil(total / 512) + 1);
  for (const batch of batchPlan(lengths, 512, "buckets", new CounterRandom(1))) {
    const own = batch.map((index) => lengths[index]!);
    expect(Math.max(...own)).toBeLessThanOrEqual(Math.max(1.3 * Math.min(...own), Math.min(...own) + 32));
  }
});

test("a row over the limit has a batch of its own", () => {
  for (const order of orders)
    expect(batchPlan([10, 900, 12], 100, order, new CounterRandom(1))).toContainEqual([1]);
});

test("scored rows stand one before the token they are told by, and never cross into the next sequence", () => {
  const first = row([5, 6, 7, 8], [0, 0, 1, 1]);
  const second = row([9, 10, 11], [1, 1, 0]); // its first token has nothing before it
  const { packed, rows, targets, weights, scored } = packRows([first, second]);
  expect(scored).toBe(3);
  expect([...rows.slice(0, 3)]).toEqual([1, 2, 4]);
  expect([...targets.slice(0, 3)]).toEqual([7, 8, 10]);
  expect([...weights.slice(0, 4)]).toEqual([1, 1, 1, 0]);
  for (let at = 0; at < 3; at++) expect(packed.ids[rows[at]! + 1]).toBe(targets[at]);
  expect([...packed.positions.slice(0, 7)]).toEqual([0, 1, 2, 3, 0, 1, 2]);
  expect([...packed.ranges.slice(8, 10)]).toEqual([4, 7]);
  expect(rows.length % 64).toBe(0);
});

test("a bucket can be given, and what does not fit it is refused", () => {
  const rows = [row([1, 2, 3], [0, 1, 1])];
  const bucket = scoredBucketFor(rows);
  expect(packRows(rows, { ...bucket, scored: 2 }).scored).toBe(2);
  refusal(() => packRows(rows, { ...bucket, scored: 1 }), "shape", "1 scored rows");
});

test("the losses of a step are divided by all its weights together", () => {
  const batches = [[row([1, 2, 3], [0, 1, 1])], [row([1, 2], [0, 1])]].map((rows) => packRows(rows));
  expect(stepWeight(batches)).toBe(3);
});
