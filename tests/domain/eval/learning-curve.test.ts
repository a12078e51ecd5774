import { describe, expect, test } from "vitest";
import { learningCurveOf, type CurveSample } from "../../../src/domain/eval/learning-curve.ts";
import { errorAt, fitPowerLaw } from "../../../src/domain/eval/power-law.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

const SIZES = [50, 100, 150, 200, 300, 400];

describe("the power law", () => {
  test("is found again where the errors follow it exactly", () => {
    const law = { a: 0.21, b: 1.3, c: 0.55 };
    const errors = SIZES.map((n) => errorAt(law, n));
    const fit = fitPowerLaw(SIZES, errors);
    expectClose([errorAt(fit, 800)], [errorAt(law, 800)], { absolute: 1e-4 });
    expectClose([fit.a, fit.c], [law.a, law.c], { absolute: 0.01 });
  });

  test("stays inside its bounds: no negative floor, no error that rises with data", () => {
    const falling = fitPowerLaw(SIZES, [0.5, 0.3, 0.15, 0.08, 0.02, 0.001]);
    expect(falling.a).toBeGreaterThanOrEqual(0);
    const rising = fitPowerLaw(SIZES, [0.1, 0.12, 0.15, 0.2, 0.22, 0.3]);
    expect(rising.b).toBe(0);
    expectClose([rising.a], [(0.1 + 0.12 + 0.15 + 0.2 + 0.22 + 0.3) / 6], { absolute: 1e-12 });
  });

  test("agrees with a dense search over the same box", () => {
    const errors = [0.41, 0.36, 0.335, 0.33, 0.31, 0.306];
    const fit = fitPowerLaw(SIZES, errors);
    const lossOf = (law: typeof fit): number =>
      SIZES.reduce((sum, n, index) => sum + (errorAt(law, n) - errors[index]!) ** 2, 0);
    let least = Infinity;
    for (let a = 0; a <= 0.4; a += 0.01) {
      for (let c = 0.05; c <= 2; c += 0.02) {
        for (let b = 0; b <= 3; b += 0.04) least = Math.min(least, lossOf({ a, b, c }));
      }
    }
    expect(lossOf(fit)).toBeLessThanOrEqual(least + 1e-12);
  });
});

/** Held-out questions whose chance of being right at a size follows 1 − err(n); the same questions at every size. */
function planted(errorOf: (n: number) => number, questions: number, seed: number) {
  const random = new CounterRandom(seed);
  const hardness = Array.from({ length: questions }, () => random.uniform());
  const samples = SIZES.map((n): CurveSample => ({
    questions: n,
    clusters: n,
    reciprocalRanks: hardness.map((hard) => (hard > errorOf(n) ? 1 : 0)),
  }));
  const clusters = hardness.map((_hard, index) => `c${index}`);
  return { samples, base: hardness.map(() => 0), clusters, seed };
}

test("a planted curve is forecast: the interval of the gain holds the truth", () => {
  const law = { a: 0.15, b: 1.5, c: 0.5 };
  const curve = learningCurveOf(planted((n) => errorAt(law, n), 600, 3));
  if (curve.advice.kind !== "forecast") throw new Error(curve.sentence);
  const truth = errorAt(law, 400) - errorAt(law, 800);
  expect(curve.advice.doubled.low).toBeLessThan(truth);
  expect(curve.advice.doubled.high).toBeGreaterThan(truth);
  expect(curve.sentence).toMatch(/^Twice the data: \+\d\.\d … \+\d\.\d points of MRR@10\.$/);
  expect(curve.points.map(({ questions }) => questions)).toEqual(SIZES);
});

test("the interval holds a planted gain in most of many draws", () => {
  const law = { a: 0.2, b: 1.2, c: 0.5 };
  const truth = errorAt(law, 400) - errorAt(law, 800);
  let held = 0;
  for (let draw = 0; draw < 12; draw++) {
    const { advice } = learningCurveOf(planted((n) => errorAt(law, n), 300, 100 + draw));
    if (advice.kind === "forecast" && advice.doubled.low <= truth && truth <= advice.doubled.high) held++;
  }
  expect(held).toBeGreaterThanOrEqual(9);
});

test("a flat curve says that labels, not numbers, are what is missing", () => {
  const curve = learningCurveOf(planted((n) => 0.3 + 400 * n ** -2.2, 800, 5));
  if (curve.advice.kind !== "forecast") throw new Error(curve.sentence);
  expect(curve.advice.flat).toBe(true);
  expect(curve.sentence).toContain("flat");
});

test("three sizes, too few documents and sizes that differ by chance are refused with the reason", () => {
  const ground = planted((n) => 0.2 + 1 / Math.sqrt(n), 300, 7);
  const three = learningCurveOf({ ...ground, samples: ground.samples.slice(0, 3) });
  expect(three.advice).toMatchObject({ kind: "refused", reason: "few-points" });
  const single = learningCurveOf({
    ...ground,
    clusters: ground.clusters.map((_name, index) => `c${index % 4}`),
  });
  expect(single.advice).toMatchObject({ kind: "refused", reason: "few-questions" });

  const random = new CounterRandom(9);
  const noise = ground.samples.map((sample) => ({
    ...sample,
    reciprocalRanks: sample.reciprocalRanks.map(() => (random.uniform() < 0.7 ? 1 : 0)),
  }));
  const rising = [...noise].map((sample, index) => ({ ...sample, questions: SIZES[index]! }));
  const { advice, sentence } = learningCurveOf({ ...ground, samples: rising });
  expect(advice).toMatchObject({ kind: "refused", reason: "noise" });
  expect(sentence).toMatch(/^No forecast: in \d+ % of the resamples/);
});
