import { expect, test } from "vitest";
import { adjustedVerdict, holm } from "../../../src/domain/eval/holm.ts";
import { expectClose } from "../../close.ts";

test("p values are adjusted as R's p.adjust does, whatever their order", () => {
  // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  expectClose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], { absolute: 1e-12 });
  expectClose(holm([0.5, 0.6]), [1, 1], { absolute: 0 });
  expect(holm([])).toEqual([]);
});

test("one test alone is not corrected", () => {
  expect(holm([0.03])).toEqual([0.03]);
});

test("a difference that an interval shows may be lost to the number of tests", () => {
  const delta = { value: 0.03, low: 0.002, high: 0.06, p: 0.03 };
  expect(adjustedVerdict(delta, 0.03)).toBe("better");
  expect(adjustedVerdict(delta, 0.09)).toBe("cannot-tell");
  expect(adjustedVerdict({ value: -0.03, low: -0.06, high: -0.002, p: 0.001 }, 0.004)).toBe("worse");
});
