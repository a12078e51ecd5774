import { expect, test } from "vitest";
import type { EvaluationReport, Metrics } from "../../src/domain/eval/report.ts";
import { results, verdictSentence } from "../../src/ui/messages/results.ts";
import { verdictOf } from "../../src/ui/verdict.ts";
import { fakeReport } from "./fake-report.ts";

const questions = Array.from({ length: 148 }, (_, index) => `Question ${index}?`);
const base = fakeReport("better", questions);
const withHit5 = (metrics: Metrics, hit5: number): Metrics => ({ ...metrics, "hit@5": hit5 });

const report: EvaluationReport = {
  ...base,
  systems: {
    ...base.systems,
    base: withHit5(base.systems.base!, 0.71),
    baseInstruction: withHit5(base.systems.baseInstruction!, 0.75),
    tuned: withHit5(base.systems.tuned!, 0.87),
  },
  delta: { ...base.delta!, "hit@5": { value: 0.16, low: 0.06, high: 0.27, p: 0.002 } },
};
const plain = (text: string): string => text.replaceAll("\u202f", " ");

test("the verdict is one sentence with both shares, the difference and its interval", () => {
  expect(plain(verdictSentence(verdictOf(report, "dense", false)!))).toBe(
    "Tuned finds the right passage in the top 5 for 87 % of 148 unseen questions; base 71 % (+16 points, 95 % CI +6…+27).",
  );
});

test("a run that asks with an instruction is compared with the base that asks with it as well", () => {
  expect(plain(verdictSentence(verdictOf(report, "dense", true)!))).toContain("base 75 %");
});

test("word search has nothing to tune and says so without a difference", () => {
  const lexical = verdictOf(report, "lexical", false)!;
  expect(lexical.verdict).toBe("no-tuning");
  expect(verdictSentence(lexical)).not.toContain("CI");
});

test("no reliable change comes with the smallest change that could be seen and with what to do", () => {
  const open = verdictOf(fakeReport("cannot-tell", questions), "dense", false)!;
  expect(open.verdict).toBe("cannot-tell");
  expect(results.advice(open)[0]).toContain("0.060 MRR@10");
  expect(results.advice(open).length).toBeGreaterThan(2);
  expect(results.advice(verdictOf(report, "dense", false)!)).toEqual([]);
});

test("a report without a view's systems has no verdict for it", () => {
  const { hybridTuned: _gone, ...systems } = report.systems;
  expect(verdictOf({ ...report, systems }, "hybrid", false)).toBeNull();
});
