import { expect, test } from "vitest";
import { batchesByLength } from "../../../src/app/encoders/batches.ts";
import { normalised, pool } from "../../../src/app/encoders/pooling.ts";

test("every text is in exactly one batch, longest first, padded size within the limit", () => {
  const lengths = Array.from({ length: 200 }, (_, index) => 2 + ((index * 37) % 511));
  const batches = batchesByLength(lengths, 1024);
  const rows = batches.flatMap((batch) => batch.rows);
  expect([...rows].sort((a, b) => a - b)).toEqual(lengths.map((_, row) => row));
  for (const batch of batches) {
    expect(batch.length).toBe(Math.max(...batch.rows.map((row) => lengths[row]!)));
    expect(batch.rows.length * batch.length).toBeLessThanOrEqual(1024);
  }
  expect(batches.map((batch) => batch.length)).toEqual(
    batches.map((batch) => batch.length).sort((a, b) => b - a),
  );
});

test("length sorting leaves less than a tenth of the work to padding where file order wastes half", () => {
  const lengths = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? 20 : 400));
  const text = lengths.reduce((sum, length) => sum + length, 0);
  const padded = batchesByLength(lengths, 1024).reduce((sum, b) => sum + b.rows.length * b.length, 0);
  expect(padded / text).toBeLessThan(1.1);
});

test("a text longer than a batch stands alone, and int8 always does", () => {
  expect(batchesByLength([2000, 3], 1024)).toEqual([
    { rows: [0], length: 2000 },
    { rows: [1], length: 3 },
  ]);
  expect(batchesByLength([3, 3, 3], 1024, 1)).toHaveLength(3);
});

test("CLS takes the first token, mean only the tokens that are text", () => {
  const hidden = Float32Array.of(3, 4, /**/ 100, 0, /**/ 9, 9, /**/ 0, 2, /**/ 0, 4, /**/ 0, 6);
  expect([...pool(hidden, [1, 3], 3, 2, "cls")]).toEqual([0.6, 0.8, 0, 1].map(Math.fround));
  expect([...pool(hidden, [2, 3], 3, 2, "mean")]).toEqual([...normalised([51.5, 2]), 0, 1].map(Math.fround));
});
