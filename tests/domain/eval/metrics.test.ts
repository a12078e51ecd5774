import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  firstOf,
  idOrder,
  meanMetrics,
  meanReciprocalRank,
  METRIC_NAMES,
  ndcg,
  queryMetrics,
  rankOf,
} from "../../../src/domain/eval/metrics.ts";
import type { MetricName } from "../../../src/domain/eval/report.ts";
import { expectClose } from "../../close.ts";

interface Reference {
  readonly binary: readonly {
    readonly name: string;
    readonly ids: readonly string[];
    readonly scores: readonly (readonly number[])[];
    readonly relevant: Readonly<Record<string, readonly string[]>>;
    readonly metrics: Readonly<Record<string, number>>;
  }[];
  readonly graded: readonly {
    readonly name: string;
    readonly ids: readonly string[];
    readonly scores: readonly (readonly number[])[];
    readonly grades: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly expected: Readonly<Record<string, Readonly<Record<string, number>>>>;
  }[];
}

const reference = JSON.parse(
  readFileSync(new URL("../../fixtures/eval/metrics.json", import.meta.url), "utf8"),
) as Reference;

test.each(reference.binary)("equals sentence-transformers' evaluator: $name", (made) => {
  const order = idOrder(made.ids);
  const rows = Object.values(made.relevant).map((relevant, query) => {
    const ranks = relevant.map((id) => rankOf(made.scores[query]!, made.ids.indexOf(id), order));
    return queryMetrics(
      ranks,
      ranks.map(() => 1),
    );
  });
  const metrics = meanMetrics(rows);
  expect(Object.keys(made.metrics)).toHaveLength(15);
  for (const [name, value] of Object.entries(made.metrics)) {
    expectClose([metrics[name as MetricName]], [value], { absolute: 1e-6 }, name);
  }
  for (const k of [1, 3, 5, 10] as const) expect(metrics[`hit@${k}`]).toBe(metrics[`accuracy@${k}`]);
});

test.each(reference.graded)("graded NDCG equals pytrec_eval's: $name", (made) => {
  const order = idOrder(made.ids);
  for (const [index, [query, judged]] of Object.entries(made.grades).entries()) {
    const positives = Object.entries(judged).filter(([, grade]) => grade > 0);
    const ranks = positives.map(([id]) => rankOf(made.scores[index]!, made.ids.indexOf(id), order));
    const grades = positives.map(([, grade]) => grade);
    const want = made.expected[query]!;
    const got = [ndcg(ranks, grades, 5), ndcg(ranks, grades, 10), ndcg(ranks, grades, made.ids.length)];
    expectClose(got, [want["ndcg_cut_5"]!, want["ndcg_cut_10"]!, want["ndcg"]!], { absolute: 1e-6 }, query);
    expectClose([queryMetrics(ranks, grades)[METRIC_NAMES.indexOf("ndcg@10")]!], [got[1]!], { absolute: 0 });
  }
});

test("a hit at rank 2 of one query in two gives hit rate 0.5 and MRR 0.25", () => {
  const metrics = meanMetrics([queryMetrics([2], [1]), queryMetrics([11], [1])]);
  expect(metrics["hit@3"]).toBe(0.5);
  expect(metrics["hit@1"]).toBe(0);
  expect(metrics["mrr@10"]).toBe(0.25);
  expect(metrics["map@100"]).toBeCloseTo((1 / 2 + 1 / 11) / 2, 12);
  expect(meanReciprocalRank([2, 11])).toBe(0.25);
});

test("equal scores stand in the order of their ids by code point, not by UTF-16 unit", () => {
  const ids = ["\u{1F600}", "\uFF21", "b", "a10", "a9"];
  const order = idOrder(ids);
  expect([...order]).toEqual([4, 3, 2, 0, 1]);
  const tied = [1, 1, 1, 1, 1];
  expect(ids.map((_, column) => rankOf(tied, column, order))).toEqual([5, 4, 3, 1, 2]);
  expect(firstOf(tied, order)).toBe(3);
});

test("a score that is not a number is refused instead of ranked", () => {
  expect(() => rankOf([0.5, NaN, 0.1], 0, idOrder(["a", "b", "c"]))).toThrow(/passage 1 is not a number/);
  expect(() => rankOf([NaN, 0.2, 0.1], 0, idOrder(["a", "b", "c"]))).toThrow(/not a number/);
});
