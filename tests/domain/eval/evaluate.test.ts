import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { evaluate, type EvaluationSettings, type JudgedVectors } from "../../../src/domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../../src/domain/eval/fusion.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";

const dataset: Dataset = {
  passages: [
    { id: "p1", text: "Parking permits are renewed in spring." },
    { id: "p2", text: "The cafeteria opens at noon." },
    { id: "p3", text: "Badges are returned on the last day." },
  ],
  queries: [
    { id: "q1", text: "When are parking permits renewed?", relevant: [{ passage: "p1", grade: 1 }] },
    { id: "q2", text: "Where can I eat?", relevant: [{ passage: "p2", grade: 1 }] },
    { id: "q3", text: "Lost my badge", relevant: [{ passage: "p3", grade: 0 }] }, // nothing relevant: left out
  ],
};

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0]!.length,
  values: Float32Array.from(rows.flat()),
});

const vectors: JudgedVectors = {
  corpus: matrix([
    [1, 0],
    [0, 1],
    [0.9, 0.1],
  ]),
  queries: matrix([
    [1, 0.05],
    [1, 0.2],
    [0, 1],
  ]),
};

const fusion = { base: fusionOf(EQUAL_WEIGHTS), tuned: fusionOf(EQUAL_WEIGHTS) };
const config = { kind: "linear", features: 2, bias: false } as const;
const settings: EvaluationSettings = {
  instruction: false,
  adapter: { config, weights: initialWeights(config, 0) },
  fusion,
  seed: 1,
};
const swap = new Map([["linear.weight", { shape: [2, 2], values: Float32Array.of(0, 0, 0, 1) }]]);

test("ranks, winners and copy rates of every question stand in the rows, and unjudged questions are left out", () => {
  const report = evaluate(dataset, vectors, settings);
  expect(report.queries).toBe(2);
  expect(report.clusters).toBe(2);
  expect(report.rows.map((row) => row.ranks.base)).toEqual([1, 3]);
  expect(report.rows[1]!.top.base).toBe("p3");
  expect(report.rows[0]).toMatchObject({ query: "q1", right: "p1", copyRate: 0.8 });
  expect(report.systems.base!["mrr@10"]).toBeCloseTo((1 + 1 / 3) / 2, 12);
  expect(report.systems.bm25!["hit@1"]).toBe(0.5);
  expect(report.systems.baseInstruction).toBeUndefined();
});

test("an adapter that does nothing changes nothing, and the verdict is open", () => {
  const report = evaluate(dataset, vectors, settings);
  expect(report.delta!["mrr@10"]).toEqual({ value: 0, low: 0, high: 0, p: 1 });
  expect(report.verdict).toBe("cannot-tell");
  expect(report.systems.tuned).toEqual(report.systems.base);
  expect(report.systems.hybridTuned).toEqual(report.systems.hybridBase);
});

test("the low-overlap table holds the questions at or below the median copy rate", () => {
  const { lowOverlap, medianCopyRate } = evaluate(dataset, vectors, settings);
  expect(medianCopyRate).toBe(0.4);
  expect(lowOverlap).toMatchObject({ queries: 1, copyRateAtMost: 0.4 });
  expect(lowOverlap.systems.base!["mrr@10"]).toBeCloseTo(1 / 3, 12);
});

test("with an instruction tuned is compared with the base that uses it too", () => {
  const instructed = matrix([
    [1, 0],
    [0.1, 1],
    [0, 1],
  ]);
  const report = evaluate(
    dataset,
    { ...vectors, queriesInstruction: instructed },
    { ...settings, instruction: true },
  );
  expect(report.systems.base!["hit@1"]).toBe(0.5);
  expect(report.systems.baseInstruction!["hit@1"]).toBe(1);
  expect(report.delta!["hit@1"].value).toBe(0); // identity over the instructed vectors
  expect(report.rows[1]!.ranks.tuned).toBe(1);
});

test("without an adapter there is no difference to judge", () => {
  const { adapter: _, ...rest } = settings;
  expect(evaluate(dataset, vectors, rest)).toMatchObject({
    delta: null,
    deltaHybrid: null,
    verdict: "cannot-tell",
  });
});

test("vectors of another dataset, missing instruction vectors and unjudged files are named", () => {
  const short = { ...vectors, corpus: matrix([[1, 0]]) };
  expect(() => evaluate(dataset, short, settings)).toThrow(/corpus has 1 vectors for 3 texts/);
  expect(() => evaluate(dataset, vectors, { ...settings, instruction: true })).toThrow(/instruction is set/);
  const unjudged = { ...dataset, queries: dataset.queries.slice(2) };
  expect(() => evaluate(unjudged, { ...vectors, queries: matrix([[0, 1]]) }, settings)).toThrow(
    /relevant_docs/,
  );
});

test("judging in blocks gives the report of judging at once", () => {
  const copies = 40;
  const many: Dataset = {
    passages: dataset.passages,
    queries: Array.from({ length: copies }, (_, index) => ({
      ...dataset.queries[index % 2]!,
      id: `q${index}`,
    })),
  };
  const repeated = matrix(Array.from({ length: copies }, (_, index) => [1, index % 2 ? 0.2 : 0.05]));
  const adapter = { config, weights: swap };
  const own = { corpus: vectors.corpus, queries: repeated };
  const report = evaluate(many, own, { ...settings, adapter });
  expect(report.rows.map((row) => row.ranks.base)).toEqual(
    Array.from({ length: copies }, (_, index) => (index % 2 ? 3 : 1)),
  );
  expect(report.rows.every((row) => row.top.tuned === "p2")).toBe(true);
  expect(evaluate(many, own, { ...settings, adapter, questionsAtOnce: 7 })).toEqual(report);
});
