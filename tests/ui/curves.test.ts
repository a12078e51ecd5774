import { expect, test } from "vitest";
import type { TrainingStep } from "../../src/domain/recipes/adapter-job.ts";
import { currentPhase, histogram, smooth } from "../../src/ui/curves.ts";
import { whiskerScale } from "../../src/ui/parts/whisker.ts";
import { windowOf } from "../../src/ui/windowing.ts";

const step = (phase: "search" | "final", number: number): TrainingStep => ({
  phase,
  step: number,
  totalSteps: 3,
  epoch: 0,
  loss: number,
  learningRate: 0.001,
  gradientNorm: 1,
});

test("the smoothed curve starts at the first value and does not lean to zero", () => {
  expect(smooth([4, 4, 4])).toEqual([4, 4, 4]);
  const last = smooth([2, 1, 1, 1]).at(-1)!;
  expect(last).toBeGreaterThan(1);
  expect(last).toBeLessThan(1.35);
});

test("only the phase that runs now is drawn, from its last restart", () => {
  const curve = [step("search", 1), step("search", 2), step("search", 1), step("final", 1), step("final", 2)];
  expect(currentPhase(curve).map((point) => point.step)).toEqual([1, 2]);
  expect(currentPhase(curve.slice(0, 3))).toEqual([curve[2]]);
  expect(currentPhase([])).toEqual([]);
});

test("a histogram counts every value once, the largest in the last bin", () => {
  expect(histogram([1, 50, 100, 100], 4).map((bin) => bin.count)).toEqual([1, 0, 1, 2]);
});

test("the scale of intervals holds every whisker and zero", () => {
  const { x, ticks } = whiskerScale([{ name: "a", value: 0.16, low: 0.06, high: 0.27 }], 100, 500);
  expect(ticks).toContain(0);
  expect(ticks[0]).toBeLessThanOrEqual(0);
  expect(x(0.27)).toBeLessThanOrEqual(500);
  expect(x(0.06)).toBeGreaterThan(x(0));
});

test("a list of a thousand rows draws only those near the visible part", () => {
  const shown = windowOf(1000, 50, 10_000, 500);
  expect([shown.first, shown.last]).toEqual([192, 218]);
  expect(shown.before + shown.after + (shown.last - shown.first) * 50).toBe(50_000);
});
