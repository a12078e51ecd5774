import { describe, expect, test } from "vitest";
import { probabilityOf, type Observation } from "../../../src/domain/eval/calibration.ts";
import { fitIsotonic, isotonicProbability } from "../../../src/domain/eval/isotonic.ts";
import { lowestThreshold, thresholdOf, type ScoredQuestion } from "../../../src/domain/eval/threshold.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

const TRUE = { a: 12, b: -7 };
const settings = { score: "cosine", basis: "held-out", target: 0.9, seed: 1 } as const;

/** Questions with three hits each whose chance of being right follows σ(12·s − 7). */
function planted(
  questions: number,
  seed: number,
  chance = (s: number) => probabilityOf(TRUE, s),
): ScoredQuestion[] {
  const random = new CounterRandom(seed);
  return Array.from({ length: questions }, (_, index) => {
    const hits = Array.from({ length: 3 }, () => {
      const score = random.uniform();
      return { score, right: random.uniform() < chance(score) };
    }).sort((a, b) => b.score - a.score);
    return { cluster: `c${index >> 1}`, hits };
  });
}

test("Platt's line, its calibration and the threshold of a planted relation are found again", () => {
  const found = thresholdOf(planted(1200, 2), settings);
  expect(Math.abs(found.platt.a - TRUE.a)).toBeLessThan(1.5);
  expect(Math.abs(found.platt.b - TRUE.b)).toBeLessThan(1);
  expect(found.ece).toBeLessThan(0.03);
  expect(found.reached || found.precision.high >= 0.9).toBe(true);
  expect(found.precision.low).toBeLessThanOrEqual(found.precision.value);
  expect(found.pairs).toBe(3600);
  expect(found.bins.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(3600);
});

test("a promise of nine in ten holds on questions that the threshold has not seen", () => {
  let [taken, right] = [0, 0];
  for (let draw = 0; draw < 8; draw++) {
    const { threshold } = thresholdOf(planted(400, 10 + draw), settings);
    for (const { hits } of planted(400, 500 + draw)) {
      if (threshold === null || hits[0]!.score < threshold) continue;
      taken++;
      if (hits[0]!.right) right++;
    }
  }
  expect(right / taken).toBeGreaterThan(0.87);
  expect(right / taken).toBeLessThan(0.94); // no lower than needed: few questions are turned away
});

test("steps win where the relation is a step, and only from 1,000 pairs on", () => {
  const step = (s: number): number => (s < 0.3 ? 0.02 : s < 0.35 ? 0.6 : s < 0.8 ? 0.62 : 0.98);
  const found = thresholdOf(planted(900, 3, step), settings);
  expect(found.kind).toBe("isotonic");
  expect(found.isotonic!.length).toBeGreaterThan(2);
  expect(thresholdOf(planted(200, 3, step), settings).isotonic).toBeNull();
});

test("scores that say nothing reach no threshold", () => {
  const found = thresholdOf(
    planted(300, 4, () => 0.3),
    settings,
  );
  expect(found.reached).toBe(false);
  expect(found.answered).toBeLessThan(0.1);
});

test("the lowest score that keeps the promise is taken, equal scores together", () => {
  const question = (score: number, right: boolean): ScoredQuestion => ({
    cluster: "",
    hits: [{ score, right }],
  });
  const rows = [question(-1, true), question(-2, true), question(-3, false), question(-4, false)];
  expect(lowestThreshold(rows, 0.6)).toBe(-3); // 2 of 3
  expect(lowestThreshold(rows, 0.9)).toBe(-2);
  expect(lowestThreshold([question(1, true), question(1, false)], 0.9)).toBeNull();
});

test("a handful of questions and impossible promises are refused", () => {
  expect(() => thresholdOf(planted(29, 5), settings)).toThrow(/30 questions/);
  expect(() => thresholdOf(planted(100, 5), { ...settings, target: 1 })).toThrow(/between 0 and 1/);
});

describe("isotonic regression", () => {
  const seen = (scores: readonly number[], rights: readonly number[]): Observation[] =>
    scores.map((score, index) => ({ score, right: rights[index] === 1, weight: 1 }));

  test("pools what falls, as worked by hand", () => {
    const steps = fitIsotonic(seen([1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 1, 0]));
    // 0 | 1 0 → 1/2 | 1 1 0 → 2/3
    expectClose(
      steps.map(({ score }) => score),
      [1, 2, 4],
      { absolute: 0 },
    );
    expectClose(
      steps.map(({ probability }) => probability),
      [0, 1 / 2, 2 / 3],
      { absolute: 1e-12 },
    );
    expectClose(
      [0.5, 1.5, 3.9, 4, 99].map((score) => isotonicProbability(steps, score)),
      [0, 0, 1 / 2, 2 / 3, 2 / 3],
      { absolute: 1e-12 },
    );
  });

  test("never falls, keeps the mean, and equal scores share one step", () => {
    const random = new CounterRandom(6);
    const rows = Array.from({ length: 500 }, () => {
      const score = Math.round(20 * random.uniform()) / 20;
      return { score, right: random.uniform() < score, weight: 1 };
    });
    const steps = fitIsotonic(rows);
    for (let index = 1; index < steps.length; index++) {
      expect(steps[index]!.probability).toBeGreaterThan(steps[index - 1]!.probability);
      expect(steps[index]!.score).toBeGreaterThan(steps[index - 1]!.score);
    }
    const mean = rows.reduce((sum, { score }) => sum + isotonicProbability(steps, score), 0) / rows.length;
    expectClose([mean], [rows.filter(({ right }) => right).length / rows.length], { absolute: 1e-12 });
  });
});
