import { expect, test } from "vitest";
import {
  clusterDifferences,
  median,
  pairedDeltas,
  percentile,
  smallestDetectable,
  standardError,
  verdictOf,
} from "../../../src/domain/eval/statistics.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

const rows = (values: readonly number[]): Float64Array[] => values.map((value) => Float64Array.of(value));
const zeros = (count: number): Float64Array[] => rows(Array<number>(count).fill(0));
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

test("differences add up within their cluster", () => {
  const sums = clusterDifferences(rows([1, 0.5, 0]), rows([0.5, 0.5, 1]), ["a", "b", "a"]);
  expect([...sums.sums]).toEqual([-0.5, 0]);
  expect([...sums.sizes]).toEqual([2, 1]);
});

test("p of few clusters is exact: of 8 sign patterns of 1, 2, 3 two reach |6|, eight reach |0|", () => {
  const exact = (values: readonly number[]) =>
    pairedDeltas(clusterDifferences(rows(values), zeros(values.length), names(values.length)), {
      seed: 1,
    })[0]!.p;
  expect(exact([1, 2, 3])).toBe(2 / 8);
  expect(exact([1, 2, -3])).toBe(1);
  expect(exact([1, 2, 4, -3])).toBe(10 / 16); // by hand: |Δ| = 4 is reached by ±(10, 8, 6, 4, 4)
});

test("p of many clusters agrees with the exact p of the same data within sampling error", () => {
  const values = Array.from({ length: 21 }, (_, index) => Math.sin(index * 7) + 0.35);
  const sampled = pairedDeltas(clusterDifferences(rows(values), zeros(21), names(21)), { seed: 3 })[0]!.p;
  let reached = 0;
  const total = values.reduce((sum, value) => sum + value, 0);
  for (let pattern = 0; pattern < 1 << 21; pattern++) {
    let sum = 0;
    for (let index = 0; index < 21; index++) sum += (pattern >> index) & 1 ? values[index]! : -values[index]!;
    if (Math.abs(sum) >= Math.abs(total) - 1e-9) reached++;
  }
  expectClose([sampled], [reached / 2 ** 21], { absolute: 0.015 });
});

test("the interval covers the truth about 95 times in 100 and narrows with more clusters", () => {
  const random = new CounterRandom(11);
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const values = Array.from({ length: 60 }, () => random.uniform() + random.uniform() - 1 + 0.2);
    const [delta] = pairedDeltas(clusterDifferences(rows(values), zeros(60), names(60)), {
      seed: trial,
      resamples: 400,
      flips: 10,
    });
    if (delta!.low <= 0.2 && 0.2 <= delta!.high) covered++;
  }
  expect(covered).toBeGreaterThanOrEqual(180);
  expect(covered).toBeLessThanOrEqual(198);
});

test("questions of one cluster count as one: copies of every row leave the interval as it is", () => {
  const values = Array.from({ length: 30 }, (_, index) => Math.sin(index));
  const once = pairedDeltas(clusterDifferences(rows(values), zeros(30), names(30)), { seed: 4 });
  const thrice = pairedDeltas(
    clusterDifferences(rows([...values, ...values, ...values]), zeros(90), [
      ...names(30),
      ...names(30),
      ...names(30),
    ]),
    { seed: 4 },
  );
  expectClose([thrice[0]!.low, thrice[0]!.high, thrice[0]!.p], [once[0]!.low, once[0]!.high, once[0]!.p], {
    absolute: 1e-12,
  });
});

test("the same seed gives the same interval, another seed another", () => {
  const values = Array.from({ length: 40 }, (_, index) => Math.sin(index * 3));
  const at = (seed: number) =>
    pairedDeltas(clusterDifferences(rows(values), zeros(40), names(40)), { seed })[0]!;
  expect(at(1)).toEqual(at(1));
  expect(at(1).low).not.toBe(at(2).low);
});

test("a metric gets the same interval and p alone as beside others, equal ones included", () => {
  const pair = Array.from({ length: 40 }, (_, index) => [Math.sin(index * 3), Math.cos(index * 5)] as const);
  const together = pair.map(([a, b]) => Float64Array.of(a, b, a));
  const nothing = pair.map(() => new Float64Array(3));
  const deltas = pairedDeltas(clusterDifferences(together, nothing, names(40)), { seed: 4 });
  for (const [column, place] of [0, 1, 0].entries()) {
    const alone = clusterDifferences(rows(pair.map((values) => values[place]!)), zeros(40), names(40));
    expect(deltas[column]).toEqual(pairedDeltas(alone, { seed: 4 })[0]);
  }
});

test("one cluster says nothing: the interval is everything and the verdict open", () => {
  const [delta] = pairedDeltas(clusterDifferences(rows([1, 1]), zeros(2), ["a", "a"]), { seed: 1 });
  expect(delta).toEqual({ value: 1, low: -1, high: 1, p: 1 });
  expect(verdictOf(delta!)).toBe("cannot-tell");
});

test("the verdict is read off the interval", () => {
  expect(verdictOf({ value: 0.1, low: 0.01, high: 0.2, p: 0.01 })).toBe("better");
  expect(verdictOf({ value: -0.1, low: -0.2, high: -0.01, p: 0.01 })).toBe("worse");
  expect(verdictOf({ value: 0.1, low: 0, high: 0.2, p: 0.05 })).toBe("cannot-tell");
});

test("the smallest detectable difference is 2.8 standard errors of the cluster mean", () => {
  const differences = clusterDifferences(rows([0, 1, 0, 1]), zeros(4), names(4));
  expect(standardError(differences, 0)).toBeCloseTo(Math.sqrt(1 / 3) / 2, 12);
  expect(smallestDetectable(differences, 0)).toBeCloseTo((2.8 * Math.sqrt(1 / 3)) / 2, 12);
});

test("percentiles interpolate as numpy's, the median of an even count is the middle", () => {
  expect(percentile(Float64Array.of(0, 10, 20, 30), 0.025)).toBeCloseTo(0.75, 12);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBe(0);
});
