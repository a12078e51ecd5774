import { describe, expect, test } from "vitest";
import type { Calibration } from "../../../src/domain/eval/calibration.ts";
import { answerOf, observationsOf, routerReport } from "../../../src/domain/eval/classification.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]!.length,
  values: Float32Array.from(rows.flat()),
});
const calibration: Calibration = {
  signal: "top",
  a: 10,
  b: -5, // a top score of 0.5 is right with probability 0.5
  threshold: 0.5,
  precision: { value: 1, low: 0, high: 1, target: 0.9 },
  reached: true,
  accepted: 1,
  ece: 0,
  examples: 10,
};

// right, best choice, accepted: 0→0, 0→1, 1→1, 1→none (sure 0.4), none→none, none→2, {1, 2}→2
const right = [[0], [0], [1], [1], [], [], [1, 2]];
const tuned = matrix([
  [0.9, 0.1, 0.2],
  [0.6, 0.8, 0.1],
  [0.1, 0.7, 0.2],
  [0.1, 0.4, 0.2],
  [0.3, 0.1, 0.2],
  [0.1, 0.2, 0.6],
  [0.1, 0.6, 0.9],
]);
const examples = right.map((columns, index) => ({ id: `e${index}`, cluster: `c${index}`, right: columns }));

test("accuracy and MRR speak of answerable questions; the others count with none of these", () => {
  const { tuned: figures } = routerReport(examples, { scores: tuned, calibration }, undefined, { seed: 1 });
  expect(figures.accuracy).toBeCloseTo(4 / 5, 12);
  expect(figures.mrr).toBeCloseTo((1 + 1 / 2 + 1 + 1 + 1) / 5, 12);
  expect(figures.accuracyWithNone).toBeCloseTo(4 / 7, 12); // 0→0, 1→1, none→none, {1, 2}→2
  expect(figures.accepted).toBeCloseTo(5 / 7, 12);
  expect(figures.precision).toBeCloseTo(3 / 5, 12);
});

test("the confusion matrix has none of these as its last row and column, and F1 follows from it", () => {
  const report = routerReport(examples, { scores: tuned, calibration }, undefined, { seed: 1 });
  expect(report.confusion!.tuned).toEqual([
    [1, 1, 0, 0],
    [0, 1, 0, 1],
    [0, 0, 1, 0],
    [0, 0, 1, 1],
  ]);
  const [zero, one, two] = report.tuned.perChoice;
  expect(zero).toEqual({ choice: 0, examples: 2, precision: 1, recall: 0.5, f1: 2 / 3 });
  expect(one).toEqual({ choice: 1, examples: 2, precision: 0.5, recall: 0.5, f1: 0.5 });
  expect(two!.f1).toBeCloseTo(2 / 3, 12);
  expect(report.tuned.macroF1).toBeCloseTo((2 / 3 + 0.5 + 2 / 3) / 3, 12);
  expect(report.confused).toContainEqual({ right: 0, said: 1, count: 1 });
});

test("base and tuned are compared question by question, with an interval over clusters", () => {
  const worse = matrix(
    tuned.values.reduce<number[][]>((rows, _, index) => (index % 3 ? rows : [...rows, [0.3, 0.2, 0.1]]), []),
  );
  const report = routerReport(examples, { scores: tuned }, { scores: worse }, { seed: 1 });
  expect(report.delta!.accuracy.value).toBeCloseTo(4 / 5 - 2 / 5, 12);
  expect(report.delta!.accuracy.low).toBeLessThanOrEqual(report.delta!.accuracy.value);
  expect(report.delta!.accuracy.high).toBeLessThanOrEqual(1);
  expect(report.verdict).toBe("cannot-tell");
  const many = Array.from({ length: 20 }, (_, copy) =>
    examples.map((example) => ({ ...example, cluster: `${copy} ${example.id}` })),
  ).flat();
  const repeat = (scores: Matrix): Matrix => ({
    ...scores,
    rows: many.length,
    values: Float32Array.from(
      { length: many.length * 3 },
      (_, index) => scores.values[index % scores.values.length]!,
    ),
  });
  expect(routerReport(many, { scores: repeat(tuned) }, { scores: repeat(worse) }, { seed: 1 }).verdict).toBe(
    "better",
  );
});

describe("observations for a calibration", () => {
  test("use the questions that nothing answers where there are some", () => {
    const found = observationsOf(tuned, right, "top");
    expect(found).toHaveLength(7);
    expect(found[5]).toEqual({ score: Math.fround(0.6), right: false, weight: 1 });
  });

  test("else leave out the right choice of each question, together a fifth of all weight", () => {
    const found = observationsOf(
      matrix([
        [0.9, 0.1, 0.4],
        [0.2, 0.8, 0.3],
      ]),
      [[0], [1]],
      "margin",
    );
    expect(found.map(({ right: is }) => is)).toEqual([true, true, false, false]);
    expect(found[2]!.score).toBeCloseTo(0.3, 6);
    const total = found.reduce((sum, { weight }) => sum + weight, 0);
    expect((found[2]!.weight + found[3]!.weight) / total).toBeCloseTo(0.2, 12);
  });
});

test("of equal scores the choice that stands first is said, and ranks follow", () => {
  expect(answerOf(Float32Array.of(0.5, 0.5), [1], undefined)).toMatchObject({
    choice: 0,
    rank: 2,
    accepted: true,
  });
});
