import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { lexicalSearch, searchOfScores } from "../../../src/domain/data/mining/passage-search.ts";
import { MINING_DEFAULTS, type MiningSettings } from "../../../src/domain/data/mining/settings.ts";
import {
  hasOwnNegatives,
  mineInBlocks,
  mineNegatives,
  negativesById,
  negativesOf,
  rerankDatasetFrom,
} from "../../../src/domain/data/negatives.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { expectClose } from "../../close.ts";

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
  mineNegatives(dataset, scores, { ...MINING_DEFAULTS, random: 0, sampling: "top", ...settings });
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
    expect(report).toMatchObject({ questions: 1, mined: 3, random: 0, copies: 1, short: 0, none: 0 });
    expectClose([report.positiveScores.mean, report.negativeScores.mean], [1, 0.7], { absolute: 1e-6 });
    expect(report.histogram.positive.reduce((sum, count) => sum + count)).toBe(1);
    expect(report.histogram.negative.reduce((sum, count) => sum + count)).toBe(3);
  });

  test("come from the window of ranks", () => {
    expect(passagesOf({ rangeMin: 2, rangeMax: 5 })).toEqual([4, 5, 6]);
    expect(mine({ rangeMin: 6, rangeMax: 9 }).report).toMatchObject({ short: 1, none: 0, mined: 2 });
    expect(mine({ rangeMin: 9, rangeMax: 12 }).report).toMatchObject({ short: 1, none: 1, mined: 0 });
  });

  test.each([
    ["absolute margin", { absoluteMargin: 0.35 }, [4, 5, 6], { absoluteMargin: 2 }],
    ["relative margin", { relativeMargin: 0.55 }, [6, 7, 8], { relativeMargin: 4 }],
    ["highest score", { maxScore: 0.65 }, [4, 5, 6], { maxScore: 2 }],
    ["lowest score", { minScore: 0.65 }, [2, 3], { minScore: 6 }],
  ])("a %s keeps others out and is counted", (_name, threshold, wanted, skipped) => {
    expect(passagesOf(threshold)).toEqual(wanted);
    expect(mine(threshold).report.skipped).toMatchObject(skipped);
  });

  test("random ones are no mined ones, and the seed alone decides which", () => {
    const both = { negatives: 2, random: 4, seed: 5 };
    const first = mine(both).queries[0]!;
    expect(new Set(first.map(({ passage }) => passage)).size).toBe(6);
    expect(first.map(({ kind }) => kind)).toEqual(["mined", "mined", "random", "random", "random", "random"]);
    expect(mine(both).queries).toEqual(mine(both).queries);
    const others = [6, 7, 8].map((seed) => JSON.stringify(mine({ ...both, seed }).queries[0]));
    expect(others.some((other) => other !== JSON.stringify(first))).toBe(true);
  });

  test("drawn from a window, they differ by seed and stay inside it", () => {
    for (const seed of [1, 2, 3]) {
      const own = passagesOf({ sampling: "random", rangeMax: 5, seed });
      expect(own.every((passage) => passage >= 2 && passage <= 6)).toBe(true);
    }
  });
});

test("a cross-encoder's scores stand in for the search's wherever thresholds are compared", async () => {
  const asked: (readonly [number, number])[] = [];
  const settings: MiningSettings = {
    ...{ negatives: 2, random: 0, rangeMin: 0, sampling: "top", seed: 0 },
    relativeMargin: 0.1,
  };
  const rescore = (pairs: readonly (readonly [number, number])[]) => {
    asked.push(...pairs);
    return Promise.resolve(Float32Array.from(pairs, ([, passage]) => (passage === 0 ? 5 : passage)));
  };
  const search = searchOfScores(scores);
  const rescored = await mineInBlocks(dataset, search, settings, rescore);
  expect(rescored.queries[0]!.map(({ passage, score }) => [passage, score])).toEqual([
    [4, 4],
    [3, 3],
  ]);
  expect(rescored.positives[0]).toEqual([{ passage: 0, score: 5 }]);
  expect(rescored.report.rescored).toBe(true);
  asked.length = 0;
  const { relativeMargin: _none, ...open } = settings;
  const plain = await mineInBlocks(dataset, search, open, rescore);
  expect(asked).toEqual([]); // as sentence-transformers: without a threshold it is not asked
  expect(plain.queries[0]!.map(({ passage }) => passage)).toEqual([2, 3]);
});

test("mining in blocks says how far it is, and stops when it is told to", async () => {
  const many: Dataset = {
    ...dataset,
    queries: Array.from({ length: 600 }, (_, index) => ({
      ...dataset.queries[0]!,
      id: `q${index}`,
      text: `text ${index}`,
    })),
  };
  const done: number[] = [];
  const settings = { ...MINING_DEFAULTS, negatives: 1 };
  const onProgress = (progress: { readonly done: number }): void => void done.push(progress.done);
  const found = await mineInBlocks(many, lexicalSearch(many), settings, null, { onProgress });
  expect(done).toEqual([256, 512, 600]);
  expect(found.report.questions).toBe(600);
  const stop = new AbortController();
  const run = mineInBlocks(many, lexicalSearch(many), settings, null, {
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(run).rejects.toMatchObject({ code: "cancelled" });
});

describe("a question's own negatives", () => {
  const own: Dataset = {
    ...dataset,
    queries: [
      { ...dataset.queries[0]!, negatives: ["p7", "p5", "gone"] },
      { id: "refused", text: "all refused", relevant: [{ passage: "p1", grade: 1 }], negatives: [] },
    ],
  };
  const unasked = () => {
    throw new Error("nothing was to be mined");
  };

  test("stand in for mined ones, and an empty list says that none is wanted", () => {
    expect(hasOwnNegatives(dataset)).toBe(false);
    expect(hasOwnNegatives(own)).toBe(true);
    expect(negativesById(own, negativesOf(own, unasked))).toEqual({ q: ["p7", "p5"], refused: [] });
  });

  test("leave the others to mining", () => {
    const half = { ...own, queries: [dataset.queries[0]!, own.queries[1]!] };
    const found = negativesOf(half, () => mineNegatives(half, scores, { ...MINING_DEFAULTS, random: 0 }));
    expect(found.map((negatives) => negatives.map(({ kind }) => kind))).toEqual([
      ["mined", "mined", "mined"],
      [],
    ]);
  });

  test("are wrong texts of a re-ranker's set, as given", () => {
    const { queries } = rerankDatasetFrom(own, negativesOf(own, null));
    expect(queries[0]!.candidates.map(({ passage, kind }) => [passage, kind])).toEqual([
      ["p0", "positive"],
      ["p7", "given"],
      ["p5", "given"],
    ]);
  });
});

test("a re-ranker's set has the positives by grade, then the negatives, and no question without a positive", () => {
  const { queries, scores: kind } = rerankDatasetFrom(
    dataset,
    negativesOf(dataset, () => mine({})),
  );
  expect(kind).toBe("labels");
  expect(queries.map(({ id }) => id)).toEqual(["q"]);
  expect(queries[0]!.candidates.map(({ passage, score }) => [passage, score])).toEqual([
    ["p0", 1],
    ["p2", 0],
    ["p3", 0],
    ["p4", 0],
  ]);
  expect(
    negativesById(
      dataset,
      negativesOf(dataset, () => mine({})),
    )["q"],
  ).toEqual(["p2", "p3", "p4"]);
});

test.each([
  [
    "scores of other texts",
    () => mineNegatives(dataset, { ...scores, rows: 1 }, MINING_DEFAULTS),
    "E_MISMATCH",
  ],
  ["nothing asked for", () => mine({ negatives: 0 }), "usage"],
  ["an empty window", () => mine({ rangeMin: 4, rangeMax: 4 }), "usage"],
  ["more than the window holds", () => mine({ rangeMin: 4, rangeMax: 6 }), "usage"],
  ["a threshold that is no number", () => mine({ absoluteMargin: Number.NaN }), "usage"],
  ["a lowest score above the highest", () => mine({ minScore: 1, maxScore: 0 }), "usage"],
])("%s is refused", (_name, run, code) => {
  expect(run).toThrow(expect.objectContaining({ code }));
});
