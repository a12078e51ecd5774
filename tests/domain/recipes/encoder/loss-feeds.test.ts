import { expect, test } from "vitest";
import { resolveSettings } from "../../../../src/domain/recipes/encoder/defaults.ts";
import type { EncoderJob, EncoderSettings } from "../../../../src/domain/recipes/encoder/encoder-job.ts";
import { prepareSet } from "../../../../src/domain/recipes/encoder/encoder-set.ts";
import { lossFeeds } from "../../../../src/domain/recipes/encoder/loss-feeds.ts";
import type { LossShape } from "../../../../src/domain/recipes/encoder/loss-graph.ts";
import { NO_DOCUMENT, trainingBatch } from "../../../../src/domain/recipes/encoder/training-batch.ts";
import { EXCLUDED, NO_COLUMN } from "../../../../src/engine/plan.ts";
import { expectClose } from "../../../close.ts";
import { tinyBert } from "./tiny-job.ts";

// Six passages, p5 a copy of p0; q0 is answered by p0 and p2, every other question by the passage of its number.
const dataset: EncoderJob["data"]["dataset"] = {
  passages: ["aa", "bb", "cc", "dd", "ee", "aa"].map((text, index) => ({ id: `p${index}`, text })),
  queries: [["p0", "p2"], ["p1"], ["p2"], ["p3"], ["p4"]].map((relevant, index) => ({
    id: `q${index}`,
    text: `x${index}`,
    relevant: relevant.map((passage) => ({ passage, grade: 1 })),
  })),
};

function batchOf(
  settings: Partial<EncoderSettings>,
  data: Partial<EncoderJob["data"]>,
  shape: Partial<LossShape>,
  pairs: readonly (readonly [question: number, passage: number])[],
) {
  const job: EncoderJob = {
    model: tinyBert(),
    data: { dataset, ...data },
    settings: { recipe: "encoder", mode: "recommended", validation: "none", seed: 0, ...settings },
  };
  const resolved = resolveSettings(job);
  const { set } = prepareSet(job, resolved);
  const whole = { questions: 4, negatives: 0, positives: 2, anchors: 0, width: 32, ...shape };
  const [questions, passages] = [pairs.map(([question]) => question), pairs.map(([, passage]) => passage)];
  const turn = { epoch: 0, step: 0, borrow: resolved.negativesPerQuestion > 0 };
  const batch = trainingBatch(set, { questions, passages }, whole, turn);
  return { batch, feeds: lossFeeds(set, batch, resolved, whole), set };
}

const words = (feed: unknown): number[] => Array.from(feed as Uint32Array);

test("a question's other right passages in the batch are positives, copies of its own are left out", () => {
  const { feeds } = batchOf({}, {}, {}, [
    [0, 0],
    [2, 2],
    [3, 5], // as if p5, the copy of p0, were q3's
    [1, 1],
  ]);
  const positives = words(feeds["positives"]);
  expect(positives.slice(0, 2)).toEqual([0, 1]); // q0: its own p0, and p2 which stands in row 1
  expect(positives.slice(2)).toEqual([1, NO_COLUMN, 2, NO_COLUMN, 3, NO_COLUMN]);
  const [rows, columns] = [words(feeds["rowGroups"]), words(feeds["columnGroups"])];
  expect(columns[2]).toBe(rows[0]); // the copy is no negative of q0 …
  expect(columns[3]).not.toBe(rows[0]); // … another passage is
  expect(feeds["correction"]).toBe(1);
});

test("compatible mode masks nothing: a copy is a negative, as in sentence-transformers", () => {
  const { feeds } = batchOf({ mode: "compatible" }, {}, { positives: 1 }, [
    [0, 0],
    [3, 5],
    [1, 1],
    [2, 2],
  ]);
  expect(words(feeds["positives"])).toEqual([0, 1, 2, 3]);
  const groups = [...words(feeds["rowGroups"]), ...words(feeds["columnGroups"])];
  expect(new Set(groups).size).toBe(8);
  expect(groups).not.toContain(EXCLUDED);
});

test("a short batch feeds rows without a positive, columns that are excluded, and a corrected mean", () => {
  const { batch, feeds } = batchOf({}, {}, {}, [
    [1, 1],
    [3, 3],
  ]);
  expect(batch.sequences).toHaveLength(4);
  expect(batch.columns).toEqual([1, 3, NO_DOCUMENT, NO_DOCUMENT]);
  expect(words(feeds["positives"]).slice(4)).toEqual([NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN]);
  expect(words(feeds["columnGroups"]).slice(2)).toEqual([EXCLUDED, EXCLUDED]);
  expect(feeds["correction"]).toBe(2);
});

test("hard negatives are extra columns, in turn by epoch; a right passage among them is dropped", () => {
  const negatives = { q0: ["p2", "p4", "p3"], q1: ["p3"] };
  const { batch, set } = batchOf({}, { negatives }, { negatives: 1 }, [
    [0, 0],
    [1, 1],
  ]);
  expect(set.negatives[0]).toEqual([4, 3]);
  expect(batch.columns).toEqual([0, 1, NO_DOCUMENT, NO_DOCUMENT, 4, 3, NO_DOCUMENT, NO_DOCUMENT]);
  expect(batch.sequences).toHaveLength(6);
});

test("without mined negatives a triplet borrows the next wrong passage of the batch, at no cost", () => {
  const { batch, feeds } = batchOf({ loss: { kind: "triplet" } }, {}, { negatives: 1 }, [
    [0, 0],
    [2, 2], // right for q0 as well
    [3, 3],
  ]);
  expect(batch.columns.slice(4)).toEqual([3, 3, 0, NO_DOCUMENT]);
  expect(batch.sequences).toHaveLength(6);
  expect([...batch.documentRows.subarray(4, 7)]).toEqual([5, 5, 3]);
  expectClose(feeds["shares"] as Float32Array, [1 / 3, 1 / 3, 1 / 3, 0], { absolute: 1e-7 });
});

test("margins and targets come from the teacher; pairs it did not score take no part", () => {
  const teacher = { q1: { p1: 3, p3: 1 }, q3: { p3: 2 } };
  const data = { teacher, negatives: { q1: ["p3"], q3: ["p1"] } };
  const pairs = [
    [1, 1],
    [3, 3],
  ] as const;
  const margin = batchOf({ loss: { kind: "margin-mse" } }, data, { negatives: 1 }, pairs);
  expect([...(margin.feeds["margins"] as Float32Array)]).toEqual([2, 0, 0, 0]);
  expect([...(margin.feeds["shares"] as Float32Array)]).toEqual([1, 0, 0, 0]);
  const kl = batchOf({ loss: { kind: "kl-distillation", temperature: 2 } }, data, { negatives: 1 }, pairs);
  const targets = kl.feeds["targets"] as Float32Array;
  const share = 1 / (1 + Math.exp(-1));
  expectClose([targets[0]!, targets[4]!], [share, 1 - share], { absolute: 1e-6 });
  expect(targets.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
  expect(kl.feeds["correction"]).toBe(4);
});

test("CoSENT compares by the teacher where it scored every pair, else by grades", () => {
  const negatives = { q1: ["p3"], q3: ["p1"] };
  const pairs = [
    [1, 1],
    [3, 3],
  ] as const;
  const shape = { questions: 2, negatives: 1 };
  const lower = (data: Partial<EncoderJob["data"]>): number[] =>
    Array.from(batchOf({ loss: { kind: "cosent" } }, data, shape, pairs).feeds["lower"] as Float32Array);
  // Pairs: (q1, p1), (q3, p3), (q1, p3), (q3, p1). By grades: the last two below the first two.
  expect(lower({ negatives })).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  const teacher = { q1: { p1: 0.9, p3: 0.5 }, q3: { p3: 0.5, p1: 0.1 } };
  expect(lower({ negatives, teacher })).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]);
});
