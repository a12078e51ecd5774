import { beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import { AdapterSteps } from "../../../src/domain/recipes/adapter-steps.ts";
import { AdapterBatches } from "../../../src/domain/recipes/all-documents-batches.ts";
import { nextYield } from "../../../src/domain/recipes/back-pressure.ts";
import { lookAt } from "../../../src/domain/recipes/held-out-look.ts";
import type { TrialResult } from "../../../src/domain/recipes/recipe-state.ts";
import {
  candidatesOf,
  choose,
  nextTrial,
  trialCount,
  type SearchPlan,
} from "../../../src/domain/recipes/search-schedule.ts";
import { foldsOf, prepareData } from "../../../src/domain/recipes/training-data.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { EXCLUDED, NO_COLUMN } from "../../../src/engine/plan.ts";
import { expectClose } from "../../close.ts";
import { openTestCpu } from "./open-backend.ts";
import { runToEnd } from "./run-to-end.ts";
import { plantedData } from "./training-sets.ts";

const linear = (features: number): AdapterConfig => ({ kind: "linear", features, bias: false });

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});

test("folds hold whole groups and about equally many questions", () => {
  const data = prepareData(plantedData(30, 3, 4, 1));
  const folds = foldsOf(data, 4, 7);
  for (const [position, query] of data.usable.entries()) {
    const sibling = data.groups.indexOf(data.groups[query]!);
    expect(folds[position]).toBe(folds[sibling]);
  }
  const sizes = [0, 1, 2, 3].map((fold) => folds.filter((own) => own === fold).length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(3);
  expect(foldsOf(data, 4, 7)).toEqual(folds);
  expect(foldsOf(data, 4, 8)).not.toEqual(folds);
});

/** Six passages: 0 and 5 of one text, 4 without a question; question 1 has two answers, question 4 none. */
function smallSet(): ReturnType<typeof prepareData> {
  const texts = ["same", "one", "two", "three", "unasked", "same"];
  const relevant = [["p0"], ["p1", "p3"], ["p2"], ["p5"], []];
  const dataset: Dataset = {
    passages: texts.map((text, index) => ({ id: `p${index}`, text })),
    queries: relevant.map((ids, index) => ({
      id: `q${index}`,
      text: `question ${index}`,
      relevant: ids.length ? ids.map((passage) => ({ passage, grade: 1 })) : [{ passage: "p1", grade: 0 }],
    })),
  };
  const vectors = (rows: number) => ({
    rows,
    columns: 2,
    values: Float32Array.from({ length: rows * 2 }, (_, i) => i + 1),
  });
  return prepareData({ dataset, queries: vectors(5), corpus: vectors(6) });
}

test("columns are passages with a training question; held-out ones and questions without answer take no part", () => {
  const data = smallSet();
  expect([...data.usable]).toEqual([0, 1, 2, 3]);
  const batches = new AdapterBatches(data, 4, 1);
  expect(batches.documents.rows).toBe(5); // p0 p1 p2 p3 p5: never p4
  expect([...batches.documents.values.slice(8, 10)]).toEqual([11, 12]); // the last column is p5
  const feeds = batches.over(Uint32Array.of(0, 1, 3))(0); // question 2 is held out
  expect([...feeds["columnGroups"]!]).toEqual([0, 1, EXCLUDED, 3, 0]); // p2 left out, p5 is a copy of p0
  const row = feeds["queries"]!.indexOf(1);
  expect([...feeds["positives"]!.slice(2 * row, 2 * row + 2)]).toEqual([1, 3]);
  const copy = feeds["queries"]!.indexOf(3);
  expect([...feeds["positives"]!.slice(2 * copy, 2 * copy + 2)]).toEqual([4, NO_COLUMN]);
  expect(feeds["rowGroups"]![copy]).toBe(0); // so p0 is no negative of the question about p5
  expect(feeds["queries"]!.includes(2)).toBe(false);
});

test("every epoch takes every question once, in another order, and batch i depends on i alone", () => {
  const data = prepareData(plantedData(12, 1, 4, 1));
  const at = new AdapterBatches(data, 4, 5).over(data.usable);
  const epoch = (number: number): number[] =>
    [0, 1, 2].flatMap((step) => [...at(number * 3 + step)["queries"]!]);
  const first = epoch(0);
  expect([...first].sort((a, b) => a - b)).toEqual([...data.usable]);
  expect(epoch(1)).not.toEqual(first);
  expect(new AdapterBatches(data, 4, 5).over(data.usable)(4)["queries"]).toEqual(at(4)["queries"]);
  expect(epoch(0)).toEqual(first);
});

test("where documents are too many for one softmax, batches bring their own and copies are masked", async () => {
  const small = smallSet();
  const feeds = new AdapterBatches(small, 4, 1, 4).over(small.usable);
  const [first, second] = [feeds(0), feeds(1)];
  const rowOf = (query: number, made: typeof first) => made["queries"]!.indexOf(query);
  expect(first["groups"]![rowOf(0, first)]).toBe(first["groups"]![rowOf(3, first)]); // p5 is a copy of p0
  expect(first["documents"]![rowOf(0, first)]).not.toBe(first["documents"]![rowOf(3, first)]);
  const ofTwo = [first, second].map((made) => made["documents"]![rowOf(1, made)]);
  expect(ofTwo).toEqual([1, 3]); // its two positives take turns

  const data = prepareData(plantedData(60, 2, 16, 8));
  const batches = new AdapterBatches(data, 20, 1, 10);
  expect(batches.kind(30).loss).toBe("in-batch-groups");
  const adapter = linear(16);
  const steps = new AdapterSteps(cpu, adapter, {
    queries: data.queries,
    documents: batches.documents,
    corpus: data.corpus,
  });
  await steps.prepare(batches.kind(30));
  steps.reset(initialWeights(adapter, 0));
  const at = batches.over(data.usable);
  for (let step = 0; step < 60; step++) steps.run(batches.kind(30), { ...at(step), learningRate: 3e-3 });
  const losses = (await steps.collect()).map((row) => row["loss"]!);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(losses.slice(-12))).toBeLessThan(0.7 * mean(losses.slice(0, 12)));
  steps.dispose();
});

test("a look at strength α ranks as the adapter of strength α would, from scores alone", () => {
  const matrix = (values: readonly number[]) => ({ rows: 2, columns: 3, values: Float32Array.from(values) });
  const base = matrix([3, 2, 1, 0, 1, 0]);
  const adapted = matrix([0, 2, 4, 0, 0, 2]);
  const look = lookAt(base, adapted, [[0], [0, 2]], [0, 1, 0.5]);
  // α 0: ranks 1 and 3 (tied with column 0, which comes first); α 1: 3 and 1; α ½: [1.5 2 2.5] → 3, [0 ½ 1] → 1
  expectClose(look.mrr, [(1 + 1 / 2) / 2, (1 / 3 + 1) / 2, (1 / 3 + 1) / 2], { absolute: 1e-12 });
  expectClose(look.logRank, [Math.log(2) / 2, Math.log(3) / 2, Math.log(3) / 2], { absolute: 1e-12 });
});

const plan: SearchPlan = {
  candidates: candidatesOf({ mode: "recommended", adapter: linear(4), seed: 0 }),
  folds: 4,
  foldSizes: [10, 10, 10, 10],
  looks: 3,
  epochsPerLook: 2,
  strengths: [0.5, 1],
  epochsFixed: false,
};

/** A trial whose log rank is `quality` at (look 1, strength 1) and worse elsewhere. */
function trial(candidate: number, fold: number, quality: number): TrialResult {
  const looks = [0, 1, 2].map((look) => ({
    mrr: [0.2, 0.5],
    logRank: [quality + 1, quality + (look === 1 ? 0 : 0.3)],
  }));
  return { candidate, fold, looks };
}

/** Runs the search with the log rank that `quality` gives a candidate on a fold. */
function searched(quality: (candidate: number, fold: number) => number): {
  order: string[];
  results: TrialResult[];
} {
  const results: TrialResult[] = [];
  const order: string[] = [];
  for (let next = nextTrial(plan, results); next; next = nextTrial(plan, results)) {
    order.push(`${next.candidate}/${next.fold}`);
    results.push(trial(next.candidate, next.fold, quality(next.candidate, next.fold)));
  }
  return { order, results };
}

test("all candidates try fold 0, the centre and the best neighbour the others", () => {
  const { order, results } = searched((candidate) => [1.2, 1.1, 1.5, 0.9][candidate]!);
  expect(order).toEqual(["0/0", "1/0", "2/0", "3/0", "0/1", "0/2", "0/3", "3/1", "3/2", "3/3"]);
  expect(trialCount(plan)).toEqual([4, 2, 2, 2]);
  const choice = choose(plan, results)!;
  expect(choice.candidate).toBe(3);
  expect(choice.settings).toEqual({ ...plan.candidates[3]!, alpha: 1, epochs: 4 });
  expect(choose(plan, results.slice(0, 9))!.candidate).toBe(0); // candidate 3 lacks a fold
  expect(choose(plan, [])).toBeNull();
});

test("a neighbour must beat the centre by more than one standard error over folds", () => {
  const noise = [0.3, -0.3, 0.3, -0.2]; // gain 0.025, standard error 0.16
  expect(
    choose(plan, searched((c, fold) => (c === 0 ? 1 + noise[fold]! : c === 1 ? 1 : 2)).results)!.candidate,
  ).toBe(0);
  const steady = [0.02, 0.03, 0.02, 0.03];
  expect(
    choose(plan, searched((c, fold) => (c === 0 ? 1 + steady[fold]! : c === 1 ? 1 : 2)).results)!.candidate,
  ).toBe(1);
});

test("a GPU run yields at every tenth step, at the multiples asked for and at the end, from wherever it resumed", () => {
  const rhythm = { atOnce: 10, yieldAt: 25 };
  const yields: number[] = [];
  for (let taken = 3; taken < 58; taken = yields.at(-1)!) yields.push(nextYield(taken, 58, rhythm));
  expect(yields).toEqual([10, 20, 25, 30, 40, 50, 58]);
  expect(nextYield(7, 100, { atOnce: 1, yieldAt: Infinity })).toBe(8);
});

test("what the settings fix is not searched", () => {
  const settings: AdapterSettings = { mode: "recommended", adapter: linear(4), seed: 0 };
  expect(candidatesOf({ ...settings, scale: 30 })).toEqual([
    { learningRate: 3e-4, scale: 30 },
    { learningRate: 1e-3, scale: 30 },
  ]);
  expect(candidatesOf({ ...settings, learningRate: 0.01, scale: 30 })).toEqual([
    { learningRate: 0.01, scale: 30 },
  ]);
  const fixed = { ...plan, epochsFixed: true, candidates: plan.candidates.slice(0, 1) };
  const results = [0, 1, 2, 3].map((fold) => trial(0, fold, 1));
  expect(choose(fixed, results)!.settings.epochs).toBe(6);
});

test("on planted data the search finds an adapter that ranks unseen questions better", async () => {
  const all = plantedData(120, 2, 24, 8);
  const run = await openAdapterRun(cpu, all, { mode: "recommended", adapter: linear(24), seed: 1 });
  const { steps, result } = await runToEnd(run);
  expect(result.heldOut!.tuned).toBeGreaterThan(result.heldOut!.base + 0.05);
  expect(result.losses).toHaveLength(steps.filter((step) => step.phase === "final").length);
  expect(steps.filter((step) => step.validation)).toHaveLength(100); // ten looks in each of ten trials
  expect(steps.at(-1)).toMatchObject({
    phase: "final",
    step: result.losses.length,
    totalSteps: result.losses.length,
  });
  const again = await runToEnd(
    await openAdapterRun(cpu, all, { mode: "recommended", adapter: linear(24), seed: 1 }),
  );
  expect(again.result).toEqual(result);
  const other = await runToEnd(
    await openAdapterRun(cpu, all, { mode: "recommended", adapter: linear(24), seed: 2 }),
  );
  expect(other.result.weights).not.toEqual(result.weights);
});

test("given values stand in what was chosen, and the strength is part of the weights", async () => {
  const data = plantedData(40, 2, 12, 8);
  const settings: AdapterSettings = {
    mode: "recommended",
    adapter: linear(12),
    seed: 1,
    learningRate: 2e-3,
    scale: 30,
    alpha: 0.5,
    epochs: 4,
    batchSize: 16,
  };
  const half = (await runToEnd(await openAdapterRun(cpu, data, settings))).result;
  expect(half.chosen).toEqual({ learningRate: 2e-3, scale: 30, alpha: 0.5, epochs: 4 });
  expect(half.losses).toHaveLength(20); // 4 epochs of 80 questions in batches of 16
  const full = (await runToEnd(await openAdapterRun(cpu, data, { ...settings, alpha: 1 }))).result;
  const identity = Float32Array.from({ length: 144 }, (_, index) => (index % 13 === 0 ? 1 : 0));
  const want = full.weights
    .get("linear.weight")!
    .values.map((value, index) => (value + identity[index]!) / 2);
  expectClose(half.weights.get("linear.weight")!.values, want, { absolute: 1e-6 });
});

test("a random start without residual is only offered at strength 1, and a note says when it loses to the base", async () => {
  const adapter: AdapterConfig = {
    kind: "two-layer",
    features: 8,
    hiddenFeatures: 8,
    activation: "relu",
    residual: false,
    bias: true,
  };
  const settings: AdapterSettings = { mode: "recommended", adapter, seed: 0, epochs: 1 };
  const { result } = await runToEnd(await openAdapterRun(cpu, plantedData(20, 2, 8, 1), settings));
  expect(result.chosen.alpha).toBe(1);
  expect(result.heldOut!.tuned).toBeLessThan(result.heldOut!.base);
  expect(result.notes[0]).toMatch(/does not beat the base \(MRR@10 0\.\d+ against 0\.\d+\)/);
});

test("where the file has one group nothing is held out: defaults are trained and the note says so", async () => {
  const data = plantedData(10, 2, 8, 3);
  const documents = { ...data.dataset.passages[0]!, id: "other", document: "b" };
  const dataset: Dataset = {
    passages: [...data.dataset.passages.map((passage) => ({ ...passage, document: "a" })), documents],
    queries: data.dataset.queries,
  };
  const corpus = {
    rows: 11,
    columns: 8,
    values: Float32Array.of(...data.corpus.values, ...data.corpus.values.slice(0, 8)),
  };
  const run = await openAdapterRun(
    cpu,
    { ...data, dataset, corpus },
    { mode: "recommended", adapter: linear(8), seed: 0, epochs: 2 },
  );
  const { steps, result } = await runToEnd(run);
  expect(run.plan.searchSteps).toBe(0);
  expect(steps.every((step) => step.phase === "final")).toBe(true);
  expect(result).toMatchObject({
    heldOut: null,
    chosen: { learningRate: 3e-4, scale: 50, alpha: 1, epochs: 2 },
  });
  expect(result.notes[0]).toMatch(/one group/);
});

test("where nothing is learnt from the questions the adapter is left at strength 0 and the note says so", async () => {
  const data = plantedData(60, 2, 16, 3);
  const perfect = {
    ...data,
    queries: {
      ...data.queries,
      values: Float32Array.from(
        { length: 120 * 16 },
        (_, at) => data.corpus.values[Math.floor(at / 32) * 16 + (at % 16)]!,
      ),
    },
  };
  const { result } = await runToEnd(
    await openAdapterRun(cpu, perfect, { mode: "recommended", adapter: linear(16), seed: 0 }),
  );
  expect(result.heldOut).toEqual({ base: 1, tuned: 1 });
  expect(result.chosen.alpha).toBe(0);
  expect(result.notes[0]).toMatch(/changes nothing/);
  const identity = Float32Array.from({ length: 256 }, (_, index) => (index % 17 === 0 ? 1 : 0));
  expect(result.weights.get("linear.weight")!.values).toEqual(identity);
});
