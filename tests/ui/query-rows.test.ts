import { expect, test } from "vitest";
import type { EvaluationReport, QueryRow } from "../../src/domain/eval/report.ts";
import { chooseRows, countOutcomes, rankRows, scoreWithout } from "../../src/ui/query-rows.ts";
import { questionTexts } from "./fake-data.ts";
import { fakeReport } from "./fake-report.ts";

const row = (query: string, base: number | null, tuned: number | null, copyRate = 0.5): QueryRow => ({
  query,
  text: `About ${query}`,
  right: "p1",
  copyRate,
  ranks: { base, baseInstruction: 1, tuned, bm25: 4 },
  top: {},
});

const report: EvaluationReport = {
  ...fakeReport("better", []),
  rows: [
    row("won", 9, 2, 0.9),
    row("lost", 1, 3, 0.1),
    row("same", 2, 2),
    row("found", null, 5),
    row("never", null, null),
  ],
};
const rows = rankRows(report, "dense", false);
const names = (chosen: readonly { row: QueryRow }[]): string[] => chosen.map((ranked) => ranked.row.query);

test("every row is won, lost, same or found by neither", () => {
  expect(rows.map((ranked) => ranked.outcome)).toEqual(["won", "lost", "same", "won", "both-fail"]);
  expect(countOutcomes(rows)).toEqual({ all: 5, won: 2, lost: 1, same: 1, "both-fail": 1 });
});

test("a passage that was not found counts as behind every rank that was", () => {
  expect(rows[3]!.gain).toBeGreaterThan(rows[0]!.gain);
});

test("rows are filtered, searched and sorted; ties keep the order of the file", () => {
  expect(names(chooseRows(rows, "won", "change"))).toEqual(["found", "won"]);
  expect(names(chooseRows(rows, "all", "file", "  NEVER"))).toEqual(["never"]);
  expect(names(chooseRows(rows, "all", "before"))).toEqual(["found", "never", "won", "same", "lost"]);
  expect(names(chooseRows(rows, "all", "copy"))).toEqual(["lost", "same", "found", "never", "won"]);
});

test("with an instruction, before is the base with it; in word search before and after are the same", () => {
  expect(rankRows(report, "dense", true).map((ranked) => ranked.before)).toEqual([1, 1, 1, 1, 1]);
  expect(
    rankRows(report, "lexical", false).every((ranked) => ranked.before === 4 && ranked.after === 4),
  ).toBe(true);
});

test("without leaked questions the score is that of the others", () => {
  const report = fakeReport("better", questionTexts(40));
  const rows = rankRows(report, "dense", false);
  const whole = scoreWithout(rows, new Set());
  expect(whole.left).toBe(0);
  const found = rows.filter(({ after }) => after !== null && after <= 5).length;
  expect(whole.hit5[1]).toBeCloseTo(found / rows.length, 10);
  const best = rows.find(({ after }) => after === 2)!;
  const rest = scoreWithout(rows, new Set([best.row.query]));
  expect([rest.left, rest.questions]).toEqual([1, rows.length - 1]);
  expect(rest.mrr10[1] * (rows.length - 1)).toBeCloseTo(whole.mrr10[1] * rows.length - 0.5, 8);
  expect(scoreWithout(rows, new Set(rows.map(({ row }) => row.query))).questions).toBe(0);
});
