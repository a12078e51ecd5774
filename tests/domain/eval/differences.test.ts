import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { differenceReport, type RankedQuestion } from "../../../src/domain/eval/differences.ts";
import { groupByTerms } from "../../../src/domain/eval/term-clusters.ts";

const passages = [
  { id: "leave", text: "Parental leave is granted for twelve weeks on request.", document: "leave.md" },
  { id: "sick", text: "Sick leave is paid for six weeks of illness.", document: "leave.md" },
  { id: "tax", text: "The tax rate of the company was 21 percent in 2021.", document: "10k.md" },
  {
    id: "taxes",
    text: "The effective tax rate of the company in 2021 was 21 percent again.",
    document: "10k.md",
  },
  { id: "bus", text: "Buses run every ten minutes from the main station.", document: "travel.md" },
];

const asked: readonly (readonly [id: string, text: string, right: string])[] = [
  ["q1", "For how many weeks is parental leave granted?", "leave"],
  ["q2", "For how many weeks is sick leave paid?", "sick"],
  ["q3", "What was the tax rate of the company in 2021?", "tax"],
  ["q4", "Was the tax rate 21 percent?", "tax"],
  ["q5", "How often do buses run?", "bus"],
  ["q6", "Zebra?", "bus"],
];

const dataset: Dataset = {
  passages,
  queries: asked.map(([id, text, right]) => ({ id, text, relevant: [{ passage: right, grade: 1 }] })),
};

const ranked: readonly RankedQuestion[] = [
  { query: "q1", before: 1, after: 2, first: "sick" },
  { query: "q2", before: 1, after: 4, first: "leave" },
  { query: "q3", before: 1, after: 2, first: "taxes" },
  { query: "q4", before: 2, after: 3, first: "taxes" },
  { query: "q5", before: 3, after: 1, first: "bus" },
  { query: "q6", before: 12, after: 40, first: "tax" },
];

test("wins, losses and ties are counted by reciprocal ranks to ten, the worst first", () => {
  const report = differenceReport(dataset, ranked, "train");
  expect([report.wins, report.losses, report.ties]).toEqual([1, 4, 1]); // 12 → 40 is beyond the tenth: a tie
  expect(report.rows.map(({ query }) => query)).toEqual(["q2", "q1", "q3", "q4", "q6", "q5"]);
  expect(report.rows[0]).toMatchObject({
    gain: -0.75,
    document: "leave.md",
    right: "sick",
    intruder: "leave",
  });
  expect(report.rows.at(-1)).toMatchObject({ gain: 1 - 1 / 3, intruder: null, intruderText: null });
});

test("losers are grouped by document and by words, each group with the remedy that fits it", () => {
  const { clusters } = differenceReport(dataset, ranked, "train");
  const document = (name: string) => clusters.find((each) => each.kind === "document" && each.name === name)!;
  expect(document("leave.md")).toMatchObject({
    queries: ["q2", "q1"],
    share: 0.5,
    suggested: "hard-negative",
  });
  expect(document("leave.md").meanGain).toBeCloseTo((-0.75 - 0.5) / 2, 12);
  // The second passage answers both tax questions as well as the labelled one does.
  expect(document("10k.md")).toMatchObject({ queries: ["q3", "q4"], suggested: "fix-label" });
  const words = clusters.filter(({ kind }) => kind === "terms");
  expect(words.map(({ queries }) => [...queries].sort())).toEqual(
    expect.arrayContaining([
      ["q1", "q2"],
      ["q3", "q4"],
    ]),
  );
  expect(words.find(({ queries }) => queries.includes("q1"))!.terms).toContain("leave");
});

test("nothing is trained on test questions, so hard negatives are not offered there", () => {
  const report = differenceReport(dataset, ranked, "test");
  expect(report.remedies).toEqual(["fix-label", "drop-query"]);
  const leave = report.clusters.find(({ name }) => name === "leave.md")!;
  expect(leave.suggested).toBeNull();
});

test("questions that are gone from the data are left out", () => {
  const fewer = { ...dataset, queries: dataset.queries.slice(1) };
  expect(differenceReport(fewer, ranked, "train").rows).toHaveLength(5);
});

test("texts without a common word make no group, and words that all texts have bind none", () => {
  const background = ["what is red", "what is blue", "what is green", "what is deep"];
  expect(groupByTerms(background, background)).toEqual([]);
  const groups = groupByTerms(
    ["what is red paint", "red paint what", "what is deep"],
    [...background, "red paint", "what now"],
  );
  expect(groups).toHaveLength(1);
  expect(groups[0]!.members).toEqual([0, 1]);
  expect(groups[0]!.terms.slice(0, 2).sort()).toEqual(["paint", "red"]);
});
