import { expect, test } from "vitest";
import { mergeCurveOf, STRENGTHS, type JudgedStrength } from "../../../src/domain/eval/merge-curve.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const QUESTIONS = 200;

/** Strengths whose target is highest at `peak`, and whose general figure falls from `safe` on. */
function planted(peak: number, safe: number): JudgedStrength[] {
  const random = new CounterRandom(4);
  const luck = Array.from({ length: QUESTIONS }, () => random.uniform());
  return STRENGTHS.map((strength) => {
    const target = 0.5 - (strength - peak) ** 2 * 0.4;
    const lost = Math.max(0, strength - safe) * 0.2;
    return {
      strength,
      reciprocalRanks: luck.map((value) => (value < target ? 1 : 0)),
      general: 0.9 - lost,
      generalDelta: { value: -lost, low: -lost - 0.004, high: -lost + 0.004, p: 1 },
    };
  });
}

const clusters = Array.from({ length: QUESTIONS }, (_, index) => `c${index >> 1}`);
const settings = { clusters, basis: "held-out", seed: 0 } as const;

test("the peak is taken where general questions are kept there", () => {
  const curve = mergeCurveOf(planted(0.6, 1), settings);
  expect(curve.best).toBe(0.6);
  expect(curve.points.map(({ strength }) => strength)).toEqual([...STRENGTHS]);
  expect(curve.points.every(({ nonInferior }) => nonInferior)).toBe(true);
});

test("a peak beyond what general questions bear is given up for the strongest harmless strength", () => {
  const curve = mergeCurveOf(planted(0.9, 0.4), settings);
  expect(curve.best).toBe(0.4); // at .5 two points are lost
  expect(curve.points.find(({ strength }) => strength === 0.5)!.nonInferior).toBe(false);
});

test("where no strength beats the base, the base is kept", () => {
  const curve = mergeCurveOf(planted(0, 1), settings);
  expect(curve.best).toBeNull();
  expect(curve.sentence).toContain("keep the base");
});

test("a strength chosen by luck loses its gain where other documents choose it", () => {
  const random = new CounterRandom(8);
  const lucky = (): JudgedStrength[] =>
    STRENGTHS.map((strength) => {
      const reciprocalRanks = Array.from({ length: QUESTIONS }, () => (random.uniform() < 0.5 ? 1 : 0));
      const generalDelta = { value: 0, low: 0, high: 0, p: 1 };
      return { strength, reciprocalRanks, general: 0.9, generalDelta };
    });
  let [highest, honest] = [0, 0];
  for (let draw = 0; draw < 40; draw++) {
    const curve = mergeCurveOf(lucky(), { ...settings, basis: "test", seed: draw });
    highest += Math.max(...curve.points.map(({ target }) => target)) / 40;
    honest += curve.crossFitted! / 40;
    if (curve.best !== null) expect(curve.sentence).toContain("expect less");
  }
  expect(highest).toBeGreaterThan(0.54); // the best of eleven coins
  expect(honest).toBeGreaterThan(0.48);
  expect(honest).toBeLessThan(0.52);
});
