import { expect, test } from "vitest";
import {
  bytes,
  difference,
  duration,
  percent,
  plural,
  points,
  probability,
  share,
  significant,
} from "../../src/ui/format.ts";

test("points carry their sign, and a decimal only where it tells something", () => {
  expect(points(0.16)).toBe("+16");
  expect(points(0.2704)).toBe("+27");
  expect(points(-0.045)).toBe("−4.5");
  expect(points(0.04)).toBe("+4");
  expect(points(0)).toBe("0");
});

test("what rounds to nothing has no sign", () => {
  expect(difference(-0.0002)).toBe("0.000");
  expect(difference(0.0214)).toBe("+0.021");
});

test("a p value is never shown as zero", () => {
  expect(probability(0.00004)).toBe("<\u202f0.001");
  expect(probability(0.031)).toBe("0.031");
});

test("bytes take the unit that keeps them short", () => {
  expect([0, 999, 1_000, 3_407_872, 48_200_000, 999_600_000].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "3.4 MB",
    "48 MB",
    "1.0 GB",
  ]);
});

test("durations read as a clock would be read out", () => {
  expect([0.44, 9.96, 59.6, 185, 7_800].map(duration)).toEqual([
    "0.4 s",
    "10 s",
    "1 min 00 s",
    "3 min 05 s",
    "2 h 10 min",
  ]);
});

test("small and large numbers fall back to exponents", () => {
  expect([0, 0.00002, 0.0032, 1.23456, 123_456].map(significant)).toEqual([
    "0",
    "2.0e−5",
    "0.0032",
    "1.23",
    "1.2e+5",
  ]);
});

test("one is singular, everything else plural", () => {
  expect([0, 1, 2].map((n) => plural(n, "question", "questions"))).toEqual([
    "0 questions",
    "1 question",
    "2 questions",
  ]);
});

test("a share stays between 0 and 1 and survives an unknown total", () => {
  expect([share(3, 0), share(3, 12), share(14, 12)]).toEqual([0, 0.25, 1]);
  expect(percent(0.873)).toBe("87\u202f%");
});
