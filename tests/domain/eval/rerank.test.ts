import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { routerAsDataset } from "../../../src/domain/data/router-dataset.ts";
import { candidatesOf } from "../../../src/domain/eval/candidates.ts";
import { averagePrecision, rerankReport } from "../../../src/domain/eval/rerank.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const passages = ["a", "b", "c", "d", "e"].map((id) => ({ id, text: `text of ${id}` }));
const dataset: Dataset = {
  passages,
  queries: [
    { id: "q1", text: "one", relevant: [{ passage: "b", grade: 1 }] },
    { id: "q2", text: "two", relevant: [{ passage: "e", grade: 1 }] },
    { id: "q3", text: "none", relevant: [{ passage: "a", grade: 0 }] },
  ],
};
const retrieved: Matrix = {
  rows: 3,
  columns: 5,
  values: Float32Array.from(
    [
      [5, 4, 3, 2, 1], // b second
      [5, 4, 3, 2, 1], // e last: outside a depth of 3
      [5, 4, 3, 2, 1],
    ].flat(),
  ),
};
const settings = { depth: 3, seed: 1, keep: 1 };

test("average precision equals sklearn's, ties taken at once", () => {
  const scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.6, 0.3, 0.1];
  const right = [1, 0, 1, 0, 1, 0, 0, 1];
  const pairs = scores.map((score, index) => ({ score, right: right[index] === 1 }));
  expect(averagePrecision(pairs)).toBeCloseTo(0.6666666666666666, 12);
  expect(averagePrecision([{ score: 1, right: false }])).toBe(0);
});

describe("candidates", () => {
  test("are the best of the first search; a missed gold stays missed, or is forced in at the end", () => {
    const open = candidatesOf(dataset, retrieved, { depth: 3, forceGold: false });
    const forced = candidatesOf(dataset, retrieved, { depth: 3, forceGold: true });
    expect(open.map((own) => [...own])).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(forced.map((own) => [...own])).toEqual([
      [0, 1, 2],
      [0, 1, 2, 4],
      [0, 1, 2],
    ]);
  });

  test("scores that do not fit the texts are refused", () => {
    expect(() => candidatesOf(dataset, { ...retrieved, rows: 2 }, { depth: 3, forceGold: false })).toThrow(
      /3 questions/,
    );
    expect(() => candidatesOf(dataset, retrieved, { depth: 0, forceGold: false })).toThrow(/depth 0/);
  });
});

describe("the report", () => {
  const good = [Float32Array.of(0, 1, -1), Float32Array.of(0, 1, -1), Float32Array.of(0, 0, 0)];

  test("without the gold forced in, re-ranking mends what was retrieved and nothing else", () => {
    const options = { ...settings, forceGold: false };
    const candidates = candidatesOf(dataset, retrieved, options);
    const report = rerankReport(dataset, retrieved, candidates, { tuned: good }, options);
    expect(report.queries).toBe(2); // the third has no right passage
    expect(report.ceiling).toBe(0.5);
    expect(report.systems.retrieved!["mrr@10"]).toBeCloseTo((1 / 2 + 1 / 5) / 2, 12);
    expect(report.systems.rerankedTuned!["mrr@10"]).toBeCloseTo((1 + 1 / 5) / 2, 12);
    expect(report.rows[1]!.ranks).toEqual({ retrieved: 5, rerankedTuned: 5 });
    expect(report.deltaRetrieved!["hit@1"].value).toBeCloseTo(0.5, 12);
    expect(report.delta).toBeNull();
    expect(report.guideHits).toEqual({ keep: 1, retrieved: 0, rerankedTuned: 1 });
  });

  test("with it, the missed gold is scored like any other, and base and tuned re-ranker are compared", () => {
    const options = { ...settings, forceGold: true };
    const candidates = candidatesOf(dataset, retrieved, options);
    const base = [good[0]!, Float32Array.of(3, 2, 1, 0), good[2]!];
    const tuned = [good[0]!, Float32Array.of(0, 1, 2, 3), good[2]!];
    const report = rerankReport(dataset, retrieved, candidates, { base, tuned }, options);
    expect(report.systems.rerankedBase!["mrr@10"]).toBeCloseTo((1 + 1 / 4) / 2, 12);
    expect(report.systems.rerankedTuned!["mrr@10"]).toBe(1);
    expect(report.delta!["mrr@10"].value).toBeCloseTo(0.375, 12);
    expect(report.averagePrecision.rerankedTuned).toBeGreaterThan(report.averagePrecision.rerankedBase!);
  });

  test("scores of another number or that are no numbers are refused", () => {
    const options = { ...settings, forceGold: false };
    const candidates = candidatesOf(dataset, retrieved, options);
    const short = [Float32Array.of(1), good[1]!, good[2]!];
    expect(() => rerankReport(dataset, retrieved, candidates, { tuned: short }, options)).toThrow(
      /1 scores for the 3/,
    );
    const broken = [Float32Array.of(1, NaN, 0), good[1]!, good[2]!];
    expect(() => rerankReport(dataset, retrieved, candidates, { tuned: broken }, options)).toThrow(
      /not a number/,
    );
  });
});

test("of 1,200 tools with two right ones a question, re-ranking the first 50 lifts both into the first 5", () => {
  const tools = routerAsDataset({
    choices: Array.from({ length: 1200 }, (_, index) => ({
      id: `t${index}`,
      name: "",
      description: `tool ${index}`,
    })),
    examples: Array.from({ length: 40 }, (_, index) => ({
      id: `e${index}`,
      text: `question ${index}`,
      choices: [`t${index}`, `t${index + 600}`],
    })),
  });
  const random = new CounterRandom(4);
  const isRight = (query: number, tool: number): boolean => tool === query || tool === query + 600;
  const values = Float32Array.from({ length: 40 * 1200 }, (_, at) => {
    const right = isRight(Math.floor(at / 1200), at % 1200);
    return (right ? 0.97 : 0) + (right ? 0.02 : 1) * random.uniform(); // among the best few dozen
  });
  const first: Matrix = { rows: 40, columns: 1200, values };
  const options = { depth: 50, forceGold: false, seed: 1, resamples: 200 };
  const candidates = candidatesOf(tools, first, options);
  const tuned = candidates.map((columns, query) =>
    Float32Array.from(columns, (tool) => (isRight(query, tool) ? 1 : 0)),
  );
  const report = rerankReport(tools, first, candidates, { tuned }, options);
  expect(report.systems.retrieved!["recall@5"]).toBeLessThan(0.5);
  expect(report.systems.rerankedTuned!["recall@5"]).toBeGreaterThan(0.95);
  expect(report.systems.rerankedTuned!["ndcg@10"]).toBeGreaterThan(report.systems.retrieved!["ndcg@10"]);
  expect(report.verdictRetrieved).toBe("better");
});
