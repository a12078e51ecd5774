import { expect, test } from "vitest";
import { calculated, numberText } from "../../../../src/domain/lab/react/arithmetic.ts";

test.each([
  ["1 + 2 * 3", 7],
  ["(1 + 2) * 3", 9],
  ["2 ^ 3 ^ 2", 512],
  ["2 ** 3", 8],
  ["-2 ^ 2", -4],
  ["2 ^ -1", 0.5],
  ["--3 - +1", 2],
  ["10 - 4 - 3", 3],
  ["7 % 4 / 2", 1.5],
  ["1,234.5 + 1", 1235.5],
  ["(1,000 + 1)", 1001],
  ["max(1,234, 2)", 234], // the commas of a call part its arguments
  ["round(2.345, 2) * 100", 235],
  ["sqrt(abs(-16)) + min(3, 2)", 6],
  ["1.5e3 × 2 ÷ 3 − 1", 999],
])("%s is %d", (formula, value) => {
  expect(calculated(formula)).toBeCloseTo(value, 10);
});

test.each([
  ["", "ends too early"],
  ["1 +", "ends too early"],
  ["1 2", "stands where nothing fits"],
  ["(1", 'a ")" is missing'],
  ["1 / 0", "division by zero"],
  ["process.exit()", "cannot be read"],
  ["exit()", "is not known"],
  ["constructor", "is not known"],
  ["1; 2", "cannot be read"],
  ["10 ^ 999", "no finite number"],
  ["sqrt(-1)", "no finite number"],
])("%s is refused", (formula, reason) => {
  expect(() => calculated(formula)).toThrow(reason);
});

test("neither depth nor length of a formula can hurt", () => {
  expect(() => calculated("(".repeat(500) + "1")).toThrow("nested too deep");
  expect(() => calculated("-".repeat(500) + "1")).toThrow("nested too deep");
  expect(() => calculated("1".repeat(3000))).toThrow("more than 2000");
});

test("names stand for the numbers given, and results lose what binary fractions add", () => {
  const names = new Map([
    ["a", 0.1],
    ["b", 0.2],
  ]);
  expect(numberText(calculated("a + b", names))).toBe("0.3");
  expect(numberText(calculated("2 ^ 40"))).toBe("1099511627776");
});
