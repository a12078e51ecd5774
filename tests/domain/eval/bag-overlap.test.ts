import { expect, test } from "vitest";
import { bagF1 } from "../../../src/domain/eval/bag-overlap.ts";

test("an item counts as often as it stands: a a b against a b c share a and b, 2·2/6", () => {
  expect(bagF1(["a", "a", "b"], ["a", "b", "c"])).toBeCloseTo(4 / 6, 12);
  expect(bagF1(["a", "a"], ["a", "a", "a", "a"])).toBeCloseTo(4 / 6, 12);
});

test("nothing against nothing is the same, against something it is nothing", () => {
  expect(bagF1([], [])).toBe(1);
  expect(bagF1([], ["a"])).toBe(0);
  expect(bagF1(["b"], ["a"])).toBe(0);
});
