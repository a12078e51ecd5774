import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import {
  mineNegatives,
  MINING_DEFAULTS,
  negativesById,
  rerankDatasetFrom,
  type MiningSettings,
} from "../../../src/domain/data/negatives.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";

/** p0 is right, p1 repeats its text, p2 … p9 fall in score. */
const dataset: Dataset = {
  passages: Array.from({ length: 10 }, (_, index) => ({
    id: `p${index}`,
    text: index === 1 ? "  TEXT 0 " : `text ${index}`,
  })),
  queries: [
    {
      id: "q",
      text: "question",
      relevant: [
        { passage: "p0", grade: 2 },
        { passage: "p9", grade: 0 },
      ],
    },
    { id: "none", text: "no answer", relevant: [{ passage: "p3", grade: 0 }] },
  ],
};
const scores: Matrix = {
  rows: 2,
  columns: 10,
  values: Float32Array.from({ length: 20 }, (_, index) => 1 - (index % 10) / 10),
};
const mine = (settings: Partial<MiningSettings>) =>
  mineNegatives(dataset, scores, { ...MINING_DEFAULTS, mined: 3, random: 0, sampling: "top", ...settings });
const passagesOf = (settings: Partial<MiningSettings>): number[] =>
  mine(settings).queries[0]!.map(({ passage }) => passage);

describe("mined negatives", () => {
  test("are the best passages that neither are a positive nor repeat one's text", () => {
    const { queries, report } = mine({});
    expect(queries[0]!.map(({ passage, rank }) => [passage, rank])).toEqual([
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect(queries[1]).toEqual([]);
    expect(report).toMatchObject({ questions: 1, mined: 3, copies: 1, short: 0 });
    expect(report.positiveScore).toBeCloseTo(1, 6);
    expect(report.negativeScore).toBeCloseTo(0.7, 6);
  });

  test("come from the window of ranks", () => {
    expect(passagesOf({ from: 3, to: 4 })).toEqual([4, 5]);
    expect(mine({ from: 3, to: 4 }).report.short).toBe(1);
  });

  test.each([
    ["absolute", { absoluteMargin: 0.35 }, [4, 5, 6]],
    ["relative", { relativeMargin: 0.55 }, [6, 7, 8]],
  ])("an %s margin keeps likely right ones out", (_name, margin, wanted) => {
    expect(passagesOf(margin)).toEqual(wanted);
    expect(mine(margin).report.byMargin).toBeGreaterThan(0);
  });

  test("random ones are no mined ones, and the seed alone decides which", () => {
    const both = { mined: 2, random: 4, seed: 5 };
    const first = mine(both).queries[0]!;
    expect(new Set(first.map(({ passage }) => passage)).size).toBe(6);
    expect(first.map(({ kind }) => kind)).toEqual(["mined", "mined", "random", "random", "random", "random"]);
    expect(mine(both).queries).toEqual(mine(both).queries);
    const others = [6, 7, 8].map((seed) => JSON.stringify(mine({ ...both, seed }).queries[0]));
    expect(others.some((other) => other !== JSON.stringify(first))).toBe(true);
  });

  test("drawn from a window, they differ by seed and stay inside it", () => {
    for (const seed of [1, 2, 3]) {
      const own = passagesOf({ sampling: "random", to: 5, seed });
      expect(own.every((passage) => passage >= 2 && passage <= 6)).toBe(true);
    }
  });
});

test("a re-ranker's set has the positives by grade, then the negatives, and no question without a positive", () => {
  const { queries, scores: kind } = rerankDatasetFrom(dataset, mine({}));
  expect(kind).toBe("labels");
  expect(queries.map(({ id }) => id)).toEqual(["q"]);
  expect(queries[0]!.candidates.map(({ passage, score }) => [passage, score])).toEqual([
    ["p0", 1],
    ["p2", 0],
    ["p3", 0],
    ["p4", 0],
  ]);
  expect(negativesById(dataset, mine({}))["q"]).toEqual(["p2", "p3", "p4"]);
});

test.each([
  [
    "scores of other texts",
    () => mineNegatives(dataset, { ...scores, rows: 1 }, MINING_DEFAULTS),
    "E_MISMATCH",
  ],
  ["nothing asked for", () => mine({ mined: 0 }), "usage"],
  ["an empty window", () => mine({ from: 4, to: 3 }), "usage"],
])("%s is refused", (_name, run, code) => {
  expect(run).toThrow(expect.objectContaining({ code }));
});
