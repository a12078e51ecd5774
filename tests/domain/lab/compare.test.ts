import { describe, expect, it } from "vitest";
import { compareAnswers, figuresOf, mcnemar } from "../../../src/domain/lab/compare.ts";
import type { LabAnswer, LabExample, LabMeasure } from "../../../src/domain/lab/lab-task.ts";
import { expectClose } from "../../close.ts";

const right: LabMeasure = {
  key: "right",
  label: "Right",
  meaning: "Share of answers that are right.",
  better: "higher",
  unit: "share",
};
const loss: LabMeasure = {
  key: "perplexity",
  label: "Perplexity",
  meaning: "How surprised the model is.",
  better: "lower",
  unit: "number",
};

function rows(count: number, group = (row: number): string => `g${row % 10}`): LabExample[] {
  return Array.from({ length: count }, (_, row) => ({
    id: `r${row}`,
    line: row + 1,
    group: group(row),
  }));
}

function answers(
  examples: readonly LabExample[],
  measures: (row: number) => Record<string, number>,
): LabAnswer[] {
  return examples.map(({ id }, row) => ({ id, text: "", measures: measures(row) }));
}

describe("Comparing two models on the same rows", () => {
  it("says what each has, the paired difference over groups, and who alone was right", () => {
    const examples = rows(40);
    const base = answers(examples, (row) => ({ right: row < 4 ? 1 : 0 }));
    const tuned = answers(examples, (row) => ({ right: row < 2 || row >= 10 ? 1 : 0 }));
    const { figures, groups, verdict } = compareAnswers(
      { id: "code", measures: [right] },
      examples,
      base,
      tuned,
    );
    expect(groups).toBe(10);
    expect(verdict).toBe("better");
    const [figure] = figures;
    expectClose([figure!.base, figure!.tuned, figure!.delta.value], [0.1, 0.8, 0.7], { absolute: 1e-12 });
    expect(figure!.delta.low).toBeGreaterThan(0.5);
    expect(figure!.delta.p).toBe(2 / 1024); // all ten groups gain: only both whole patterns reach it
    expect(figure!.mcnemar).toMatchObject({ onlyBase: 2, onlyTuned: 30 });
  });

  it("calls a fall of what should be low better", () => {
    const examples = rows(20);
    const base = answers(examples, (row) => ({ perplexity: 9 + (row % 3) }));
    const tuned = answers(examples, (row) => ({ perplexity: 3 + (row % 2) }));
    const { figures } = compareAnswers({ id: "sft", measures: [loss] }, examples, base, tuned);
    expect(figures[0]).toMatchObject({ verdict: "better", mcnemar: null });
    expect(figures[0]!.delta.value).toBeLessThan(-5);
  });

  it("pairs only rows where both have the measure, and leaves out a measure that one never has", () => {
    const examples = rows(6);
    const base = answers(examples, (row) => (row < 4 ? { right: 0, perplexity: 2 } : {}));
    const tuned = answers(examples, (row) => (row > 1 ? { right: 1 } : {}));
    const { figures } = compareAnswers({ id: "sft", measures: [right, loss] }, examples, base, tuned);
    expect(figures.map(({ key, rows: both }) => [key, both])).toEqual([["right", 2]]);
  });

  it("claims nothing from a single group", () => {
    const examples = rows(30, () => "one");
    const base = answers(examples, () => ({ right: 0, perplexity: 50 }));
    const tuned = answers(examples, () => ({ right: 1, perplexity: 2 }));
    const { figures } = compareAnswers({ id: "sft", measures: [right, loss] }, examples, base, tuned);
    expect(figures.map(({ verdict }) => verdict)).toEqual(["cannot-tell", "cannot-tell"]);
    expect(figures.map(({ delta }) => delta.p)).toEqual([1, 1]);
  });

  it("resamples groups for figures that are no means", () => {
    const geometric: LabMeasure = {
      ...loss,
      summary: (own) =>
        Math.exp(own.reduce((sum, { measures }) => sum + Math.log(measures["perplexity"]!), 0) / own.length),
    };
    const examples = rows(40);
    const base = answers(examples, (row) => ({ perplexity: 8 + (row % 4) }));
    const tuned = answers(examples, (row) => ({ perplexity: 4 + (row % 4) }));
    const { figures } = compareAnswers({ id: "sft", measures: [geometric] }, examples, base, tuned);
    const mean = (from: number): number =>
      Math.exp([0, 1, 2, 3].reduce((sum, more) => sum + Math.log(from + more), 0) / 4);
    expectClose([figures[0]!.base, figures[0]!.tuned], [mean(8), mean(4)], { relative: 1e-12 });
    expect(figures[0]).toMatchObject({ verdict: "better", rows: 40 });
    expect(figures[0]!.delta.p).toBeCloseTo(2 / 1024, 10);
    expect(figuresOf({ id: "sft", measures: [geometric] }, tuned)["perplexity"]).toBeCloseTo(mean(4), 12);
  });

  it("agrees with the means' bootstrap where a summary is a mean", () => {
    const examples = rows(60, (row) => `g${row % 25}`);
    const value = (row: number, shift: number): number => ((row * 7919 + shift) % 13) / 13;
    const base = answers(examples, (row) => ({ right: value(row, 0) }));
    const tuned = answers(examples, (row) => ({ right: value(row, 5) + 0.1 }));
    const summed: LabMeasure = {
      ...right,
      summary: (own) => own.reduce((sum, { measures }) => sum + measures["right"]!, 0) / own.length,
    };
    const [one] = compareAnswers({ id: "code", measures: [right] }, examples, base, tuned).figures;
    const [other] = compareAnswers({ id: "code", measures: [summed] }, examples, base, tuned).figures;
    expectClose([other!.delta.low, other!.delta.high], [one!.delta.low, one!.delta.high], { absolute: 0.02 });
    expect(Math.abs(other!.delta.p - one!.delta.p)).toBeLessThan(0.04);
  });

  it("refuses answers to other rows", () => {
    const examples = rows(3);
    const own = answers(examples, () => ({ right: 1 }));
    const call = (): unknown =>
      compareAnswers({ id: "code", measures: [right] }, examples, own, [...own].reverse());
    expect(call).toThrow(/same rows in the same order/);
  });
});

describe("McNemar's exact test", () => {
  it("gives the doubled binomial tail", () => {
    const ones = (count: number, of: number): number[] =>
      Array.from({ length: of }, (_, i) => (i < count ? 1 : 0));
    const base = [...ones(2, 2), ...ones(0, 8), ...ones(5, 5)];
    const tuned = [...ones(0, 2), ...ones(8, 8), ...ones(5, 5)];
    // scipy.stats.binomtest(2, 10).pvalue
    expect(mcnemar(base, tuned)).toEqual({
      onlyBase: 2,
      onlyTuned: 8,
      p: expect.closeTo(0.109375, 12) as number,
    });
    expect(mcnemar(ones(3, 4), ones(3, 4))!.p).toBe(1);
    expect(mcnemar([0.5], [1])).toBeNull();
  });
});
