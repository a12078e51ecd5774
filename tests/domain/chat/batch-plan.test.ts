import { expect, test } from "vitest";
import { batchPlan } from "../../../src/domain/chat/batch-plan.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const random = new CounterRandom(7);
const lengths = Array.from({ length: 200 }, () => 5 + random.below(250));
const orders = ["packed", "buckets"] as const;

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
