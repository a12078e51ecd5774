import { expect, test } from "vitest";
import { chooseRowSizes, rowsFor } from "../../../../src/domain/recipes/encoder/row-sizes.ts";

test("as many sizes as wanted, where they waste the least", () => {
  const totals = [...Array.from({ length: 50 }, () => 300), ...Array.from({ length: 5 }, () => 1000), 2000];
  expect(chooseRowSizes(totals, 3)).toEqual([320, 1024, 2048]);
  expect(chooseRowSizes(totals, 2)).toEqual([320, 2048]);
  expect(chooseRowSizes(totals, 1)).toEqual([2048]);
});

test("no more sizes than differ, each a multiple of 64", () => {
  expect(chooseRowSizes([1, 60, 64, 65], 3)).toEqual([64, 128]);
});

test("a batch gets the smallest size that holds it, a longer one a size of its own", () => {
  expect([1, 320, 321, 5000].map((tokens) => rowsFor(tokens, [320, 1024]))).toEqual([320, 320, 1024, 5056]);
});
