import { describe, expect, test } from "vitest";
import {
  calibrate,
  expectedCalibrationError,
  fitPlatt,
  probabilityOf,
  thresholdFor,
  wilson,
  type Observation,
} from "../../../src/domain/eval/calibration.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const observe = (scores: readonly number[], right: readonly number[]): Observation[] =>
  scores.map((score, index) => ({ score, right: right[index] === 1, weight: 1 }));

test("Platt's fit with smoothed targets is the minimum that scipy's BFGS finds", () => {
  const scores = [-2, -1.5, -1, -0.5, 0, 0.3, 0.7, 1, 1.4, 2.2];
  const { a, b } = fitPlatt(observe(scores, [0, 0, 1, 0, 0, 1, 1, 0, 1, 1]));
  expect(a).toBeCloseTo(0.6607028634636565, 6);
  expect(b).toBeCloseTo(-0.041448626897752756, 6);
});

test("scores of another size give the same probabilities, and separable ones stay finite", () => {
  const scores = [-2, -1.5, -1, -0.5, 0, 0.3, 0.7, 1, 1.4, 2.2];
  const right = [0, 0, 1, 0, 0, 1, 1, 0, 1, 1];
  const large = scores.map((score) => 1e4 * score + 3e5);
  const [small, big] = [fitPlatt(observe(scores, right)), fitPlatt(observe(large, right))];
  expect(probabilityOf(big, large[7]!)).toBeCloseTo(probabilityOf(small, scores[7]!), 8);
  const apart = fitPlatt(observe([0, 1, 2, 10, 11, 12], [0, 0, 0, 1, 1, 1]));
  expect(probabilityOf(apart, 12)).toBeGreaterThan(0.75);
  expect(probabilityOf(apart, 12)).toBeLessThan(0.999);
});

test("answers that are all right leave only their number to judge by", () => {
  const { a, b } = fitPlatt(observe([1, 2, 3], [1, 1, 1]));
  expect(a).toBe(0);
  expect(probabilityOf({ a, b }, 99)).toBeCloseTo(4 / 5, 12);
});

test("a weight of 2 is the observation standing twice, targets included", () => {
  const base = observe([0, 1, 2, 3, 4], [0, 1, 0, 1, 1]);
  const weighted = base.map((each, index) => (index === 2 ? { ...each, weight: 2 } : each));
  const twice = fitPlatt([...base, base[2]!]);
  const once = fitPlatt(weighted);
  expect(probabilityOf(once, 2)).toBeCloseTo(probabilityOf(twice, 2), 6);
});

test("Wilson's interval of 8 in 10 and of nothing", () => {
  const { value, low, high } = wilson(8, 10);
  expect(value).toBe(0.8);
  expect(low).toBeCloseTo(0.4901625, 6); // statsmodels proportion_confint(8, 10, method="wilson")
  expect(high).toBeCloseTo(0.9433178, 6);
  expect(wilson(0, 0)).toEqual({ value: 0, low: 0, high: 1 });
});

test("expected calibration error is 0 for honest probabilities and their distance for others", () => {
  const say = (probability: number, rights: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({ probability, right: index < rights }));
  expect(expectedCalibrationError([...say(0.25, 1, 4), ...say(0.75, 3, 4)])).toBeCloseTo(0, 12);
  expect(expectedCalibrationError([...say(0.95, 5, 10), ...say(0.05, 0, 10)])).toBeCloseTo(
    (0.45 + 0.05) / 2,
    12,
  );
});

describe("the threshold", () => {
  const answers = (rows: readonly (readonly [number, boolean])[]) =>
    rows.map(([probability, right]) => ({ probability, right, weight: 1 }));

  test("is the lowest that keeps the wanted precision, between the last answer let in and the first left out", () => {
    const found = thresholdFor(
      answers([
        [0.9, true],
        [0.8, false],
        [0.7, true],
        [0.6, true],
        [0.5, true],
        [0.4, false],
      ]),
      0.8,
    );
    expect(found.threshold).toBeCloseTo(0.45, 12);
    expect(found.precision.value).toBeCloseTo(0.8, 12);
    expect(found.accepted).toBeCloseTo(5 / 6, 12);
    expect(found.reached).toBe(true);
  });

  test("takes or leaves answers of one probability together", () => {
    const found = thresholdFor(
      answers([
        [0.9, true],
        [0.5, true],
        [0.5, false],
        [0.5, false],
      ]),
      0.9,
    );
    expect(found.threshold).toBeCloseTo(0.7, 12);
  });

  test("accepts everything where that is precise enough, and says so where nothing is", () => {
    expect(
      thresholdFor(
        answers([
          [0.9, true],
          [0.2, true],
        ]),
        0.9,
      ).threshold,
    ).toBe(0);
    expect(
      thresholdFor(
        answers([
          [0.9, false],
          [0.2, false],
        ]),
        0.9,
      ).reached,
    ).toBe(false);
  });
});

test("calibrating needs ten answers, and its figures are those of its own threshold", () => {
  expect(() => calibrate(observe([1, 2], [0, 1]), "top", 0.9)).toThrow(/at least 10/);
  const random = new CounterRandom(5);
  const scores = Array.from({ length: 400 }, () => 4 * random.uniform());
  const right = scores.map((score) => (random.uniform() < score / 4 ? 1 : 0));
  const found = calibrate(observe(scores, right), "margin", 0.9);
  expect(found.ece).toBeLessThan(0.08);
  expect(found.precision.value).toBeGreaterThanOrEqual(0.9);
  expect(found.precision.low).toBeLessThan(found.precision.value);
  const kept = scores.flatMap((score, index) =>
    probabilityOf(found, score) >= found.threshold ? [right[index]!] : [],
  );
  expect(kept.reduce((sum, value) => sum + value, 0) / kept.length).toBeCloseTo(found.precision.value, 12);
  expect(kept.length / 400).toBeCloseTo(found.accepted, 12);
});
