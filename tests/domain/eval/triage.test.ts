import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { CandidateScores } from "../../../src/domain/eval/candidates.ts";
import { reciprocalRankFusion } from "../../../src/domain/eval/rank-fusion.ts";
import { layTriage } from "../../../src/domain/eval/triage-ground.ts";
import { rerankSample, triageReport } from "../../../src/domain/eval/triage.ts";
import { idOrder } from "../../../src/domain/eval/metrics.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { withTrialAdapter } from "../../../src/domain/recipes/triage-trial.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";
import { guideData, plantedData } from "../recipes/training-sets.ts";

const TEST = { questions: 60, clusters: 60 };

function planted(noise: "clear" | "blurred", passages = 60) {
  const data = plantedData(passages, 2, 24, 5);
  if (noise === "blurred") return data;
  const copies = data.dataset.queries.map((_query, row) => rowOf(data.corpus, row >> 1));
  const values = Float32Array.from(copies.flatMap((row) => [...row]));
  return { ...data, queries: { ...data.queries, values } };
}

test("where the base finds everything, fine-tuning is said to be unlikely to help, with the figure", () => {
  const { dataset, queries, corpus } = planted("clear");
  const report = triageReport(layTriage(dataset, { queries, corpus }, 0), { test: TEST });
  expect(report.verdict).toBe("unlikely");
  expect(report.sentence).toMatch(/^Fine-tuning is unlikely to help: the base finds 100\.0 %/);
  const reason = report.reasons.find(({ kind }) => kind === "base-high");
  expect(reason).toMatchObject({ kind: "base-high", limit: 0.97, hit10: { value: 1 } });
});

test("where questions blur a few dimensions, a moment's training shows on unseen documents what can be learnt", async () => {
  const { dataset, queries, corpus } = planted("blurred", 150);
  const searched = layTriage(dataset, { queries, corpus }, 0);
  const ground = await withTrialAdapter(searched, await openTestCpu(), 0);
  const report = triageReport(ground, { test: TEST });
  const row = report.rows.find(({ system }) => system === "trialAdapter")!;
  expect(row.delta!.low).toBeGreaterThan(0);
  expect(report.verdict).toBe("likely");
  expect(report.reasons.map(({ kind }) => kind)).toContain("trainable");
});

test("where questions are blurred at random, a moment's training finds nothing and is not called promising", async () => {
  const { dataset, queries, corpus } = planted("blurred", 150);
  const random = new CounterRandom(12);
  const values = queries.values.map((_value, at) => {
    const row = Math.floor(at / queries.columns) >> 1;
    return corpus.values[row * corpus.columns + (at % corpus.columns)]! + 0.9 * (random.uniform() - 0.5);
  });
  const searched = layTriage(dataset, { queries: { ...queries, values }, corpus }, 0);
  const report = triageReport(await withTrialAdapter(searched, await openTestCpu(), 0), { test: TEST });
  expect(report.verdict).not.toBe("likely");
  expect(report.reasons.map(({ kind }) => kind)).toContain("not-trainable");
});

test("a dozen questions are too few whatever they show", () => {
  const { dataset, queries, corpus } = planted("blurred", 12);
  const report = triageReport(layTriage(dataset, { queries, corpus }, 0), { test: null });
  expect(report.verdict).toBe("not-yet");
  expect(report.smallestDetectable.test).toBeNull();
});

test("questions whose passages are nowhere near are a matter of data, not of training", () => {
  const { dataset, queries, corpus } = planted("blurred", 600);
  // Every question names the passage of another one: what search finds is judged wrong.
  const moved: Dataset = {
    passages: dataset.passages,
    queries: dataset.queries.map((query, row) => ({
      ...query,
      text: `unrelated${row}`,
      relevant: [{ passage: dataset.passages[(row * 7 + 301) % 600]!.id, grade: 1 }],
    })),
  };
  const report = triageReport(layTriage(moved, { queries, corpus }, 0), { test: TEST });
  expect(report.ceiling.high).toBeLessThan(0.7);
  expect(report.verdict).toBe("unlikely");
  expect(report.reasons.map(({ kind }) => kind)).toContain("ceiling-low");
});

test("the smallest detectable gain grows as the test split shrinks", () => {
  const { dataset, queries, corpus } = planted("blurred", 150);
  const ground = layTriage(dataset, { queries, corpus }, 0);
  const at = (clusters: number) =>
    triageReport(ground, { test: { questions: 2 * clusters, clusters } }).smallestDetectable;
  expect(at(150).test).toBeCloseTo(at(150).train, 12);
  expect(at(600).test! * 2).toBeCloseTo(at(150).test!, 12);
});

test("a re-ranker reads a sample of the best search and is compared on that sample alone", () => {
  const { dataset, queries, corpus } = planted("blurred", 150);
  const ground = layTriage(dataset, { queries, corpus }, 0);
  const sample = rerankSample(ground, 40, 10);
  expect(sample.candidates).toHaveLength(40);
  expect(sample.candidates.every((columns) => columns.length === 10)).toBe(true);
  const knowing: CandidateScores = sample.candidates.map((columns, index) => {
    const right = ground.positives[sample.rows[index]!]![0]!.passage;
    return Float32Array.from(columns, (column) => (column === right ? 5 : 0));
  });
  const report = triageReport(ground, { test: TEST, reranked: { sample, scores: knowing } });
  const row = report.rows.at(-1)!;
  expect(row).toMatchObject({ system: "reranker", questions: 40 });
  const known = sample.candidates.filter((columns, index) =>
    columns.includes(ground.positives[sample.rows[index]!]![0]!.passage),
  ).length;
  expect(row.metrics["hit@1"]).toBeCloseTo(known / 40, 12);
});

test("rank fusion adds 1/(60 + rank) of every list", () => {
  const matrix = (...values: number[]): Matrix => ({
    rows: 1,
    columns: 3,
    values: Float32Array.from(values),
  });
  const fused = reciprocalRankFusion([matrix(3, 2, 1), matrix(1, 3, 2)], idOrder(["a", "b", "c"]));
  const want = [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62];
  expectClose(fused.values, want, { relative: 1e-6 });
});

const lyft = guideData("train");
test.runIf(lyft)(
  "on the Lyft questions training pays, words beside vectors too, and z-scores beat rank fusion",
  async () => {
    const { dataset, queries, queriesInstruction, corpus } = lyft!;
    const vectors = { queries, queriesInstruction: queriesInstruction!, corpus };
    const ground = await withTrialAdapter(layTriage(dataset, vectors, 0), await openTestCpu(), 0);
    const report = triageReport(ground, { test: { questions: 790, clusters: 395 } });
    const mrr = Object.fromEntries(report.rows.map(({ system, metrics }) => [system, metrics["mrr@10"]]));
    expectClose([mrr["base"]!, mrr["bm25"]!], [0.6575, 0.7119], { absolute: 5e-4 });
    expect(mrr["hybridFitted"]!).toBeGreaterThan(mrr["hybridReciprocalRank"]! + 0.03);
    expect(mrr["trialAdapter"]!).toBeGreaterThan(mrr["base"]! + 0.02);
    expect(report.smallestDetectable.test!).toBeGreaterThan(0.01); // trainers.md §8: about .022
    expect(report.smallestDetectable.test!).toBeLessThan(0.03);
    expect(report.verdict).toBe("likely");
  },
);
