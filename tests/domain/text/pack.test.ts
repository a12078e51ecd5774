import { expect, test } from "vitest";
import {
  bucketFor,
  bucketKey,
  packBatch,
  packedFeeds,
  packsByLength,
  roundedUp,
} from "../../../src/domain/text/pack.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { refusal } from "../formats/refusal.ts";

const sequence = (length: number, first = 1) => ({
  ids: Array.from({ length }, (_, index) => first + index),
});

test("sequences lie one after the other, and every row knows where its own begins and ends", () => {
  const pair = { ids: [7, 8, 9], types: [0, 1, 1] };
  const batch = packBatch([sequence(2), pair], { rows: 64, segments: 4, longest: 32 });
  expect([batch.tokens, batch.sequences]).toEqual([5, 2]);
  expect([...batch.ids.subarray(0, 6)]).toEqual([1, 2, 7, 8, 9, 0]);
  expect([...batch.positions.subarray(0, 6)]).toEqual([0, 1, 0, 1, 2, 0]);
  expect([...batch.types.subarray(0, 6)]).toEqual([0, 0, 0, 1, 1, 0]);
  expect([...batch.ranges.subarray(0, 12)]).toEqual([0, 2, 0, 2, 2, 5, 2, 5, 2, 5, 0, 0]);
  expect([...batch.spans]).toEqual([0, 2, 2, 5, 0, 0, 0, 0]);
  expect([...batch.firsts]).toEqual([0, 2, 0, 0]);
  expect(batch.ids.length).toBe(64);
});

test("each pooling is fed what it reads and nothing else", () => {
  const batch = packBatch([sequence(2)]);
  const common = ["ids", "positions", "types", "ranges"];
  expect(Object.keys(packedFeeds(batch, "cls"))).toEqual([...common, "firsts"]);
  expect(Object.keys(packedFeeds(batch, "mean"))).toEqual([...common, "spans"]);
});

test("buckets grow by an eighth, in multiples of 64, so that up to 4,096 tokens there are few", () => {
  const sizes = new Set(Array.from({ length: 4096 }, (_, tokens) => roundedUp(tokens + 1, 64, 1.125)));
  expect([...sizes].every((size) => size % 64 === 0)).toBe(true);
  expect(sizes.size).toBeLessThan(30);
  for (let tokens = 1; tokens <= 4096; tokens++) {
    const rows = roundedUp(tokens, 64, 1.125);
    expect(rows).toBeGreaterThanOrEqual(tokens);
    expect(rows - tokens).toBeLessThan(Math.max(64, tokens / 8 + 1));
  }
  expect(bucketKey(bucketFor([sequence(100), sequence(3)]))).toBe("128x8x128");
  expect(bucketFor([sequence(100), sequence(3)], 2).segments).toBe(2);
});

test.each([
  ["an empty sequence", [sequence(0)], "sequence 0 has 0 tokens"],
  ["a sequence longer than the bucket allows", [sequence(1), sequence(33)], "sequence 1 has 33 tokens"],
  ["too many tokens", [sequence(32), sequence(32), sequence(1)], "65 tokens do not fit"],
  ["too many sequences", Array.from({ length: 5 }, () => sequence(1)), "5 sequences of 5 tokens"],
])("%s is refused", (_what, sequences, words) => {
  refusal(() => packBatch(sequences, { rows: 64, segments: 4, longest: 32 }), "shape", words);
});

test("packs take every sequence once, the longest first, and leave little room", () => {
  const random = new CounterRandom(5);
  const lengths = Array.from({ length: 500 }, () => 3 + Math.floor(509 * random.uniform() ** 2));
  const packs = packsByLength(lengths, 2048);
  expect(packs.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
  const sizes = packs.map((pack) => pack.reduce((sum, index) => sum + lengths[index]!, 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2048);
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(2048 - 64);
  expect(lengths[packs[0]![0]!]).toBe(Math.max(...lengths));
});

test("a sequence longer than a batch is a batch of its own, and no sequences are no batches", () => {
  expect(packsByLength([5, 90, 4], 10)).toEqual([[1], [0, 2]]);
  expect(packsByLength([], 10)).toEqual([]);
});
