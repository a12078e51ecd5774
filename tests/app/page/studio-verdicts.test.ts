import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { VerdictReport } from "../../../src/domain/eval/verdict-report.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import { jobEnds, runReaches, studioSuite, type StudioInThread } from "./studio-in-thread.ts";
import { FORMATS, pickedFolder, tinyProject } from "./tiny-models.ts";

const open = studioSuite();

const WIDTH = 32; // of the fixture encoder

const adapter = (seed = 1): Recipe => ({
  task: "adapter",
  settings: {
    ...{ mode: "recommended", adapter: { kind: "linear", features: WIDTH, bias: false }, seed },
    ...{ epochs: 4, learningRate: 3e-3, scale: 20, alpha: 1 },
  },
});

async function finished(page: StudioInThread, projectId: string, recipe: Recipe): Promise<string> {
  const runId = await page.studio.startRun(projectId, recipe);
  await runReaches(page, runId, ["finished"]);
  return runId;
}

async function done(page: StudioInThread, start: Promise<string>): Promise<string> {
  const job = await jobEnds(page, start);
  if (job.state !== "finished") throw new Error(`${job.label}: ${job.error?.message ?? job.state}`);
  return job.label;
}

describe("before a run", () => {
  test("triage puts searches side by side without opening the test split, and goes stale with the data", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    expect(await studio.verdicts.triageReport(id)).toBeNull();
    const reranker = await studio.addModelFolder(pickedFolder(`${FORMATS}/cross-encoder-tiny`));
    const options = { reranker: reranker.id, rerankQuestions: 8, rerankDepth: 5 };
    const sentence = await done(page, studio.verdicts.triage(id, options));
    const { value, stale } = (await studio.verdicts.triageReport(id))!;
    expect(value.sentence).toBe(sentence);
    expect(stale).toBe(false);
    expect(value.questions).toBe(56);
    expect(value.smallestDetectable).toMatchObject({ testQuestions: 32, testClusters: 8 });
    expect(value.rows.map(({ system }) => system)).toEqual(
      expect.arrayContaining([
        "bm25",
        "base",
        "hybridFitted",
        "hybridReciprocalRank",
        "trialAdapter",
        "reranker",
      ]),
    );
    expect(value.rows.at(-1)!.questions).toBe(8);
    expect(await studio.verdicts.openings(id)).toMatchObject({ count: 0, earlier: 0 });

    const [first] = await studio.questions(id);
    await page.workspace.projects.changeQuestion(id, first!.id, (row) => ({ ...row, state: "rejected" }));
    expect((await studio.verdicts.triageReport(id))!.stale).toBe(true);
  });

  test("an encoder is no re-ranker, and a project without questions has nothing to judge", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id, model } = await tinyProject(page);
    const job = await jobEnds(page, studio.verdicts.triage(id, { reranker: model }));
    expect(job).toMatchObject({ state: "failed", error: { code: "usage" } });
    const empty = await studio.createProject("Empty");
    await studio.chooseEncoder(empty.id, model);
    const nothing = await jobEnds(page, studio.verdicts.triage(empty.id));
    expect(nothing).toMatchObject({ state: "failed", error: { code: "too-little-data" } });
  });

  test("a learning curve trains all sizes and refuses to forecast from three held-out documents", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const sentence = await done(page, studio.verdicts.learnCurve(id));
    const { value } = (await studio.verdicts.learningCurve(id))!;
    expect(value.advice).toMatchObject({ kind: "refused", reason: "few-questions" });
    expect(sentence).toBe(value.sentence);
    const sizes = value.points.map(({ questions }) => questions);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes.at(-1)! + value.heldOut).toBe(56);
  });
});

test("what takes long ends when it is cancelled, and keeps nothing", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  await done(page, studio.embed(id));
  const started = studio.verdicts.learnCurve(id);
  void started.then((job) => studio.cancel(job));
  expect((await jobEnds(page, started)).state).toBe("cancelled");
  expect(await studio.verdicts.learningCurve(id)).toBeNull();
});

describe("an adapter's run", () => {
  test("counts every look at the test split and compares runs without another one", async () => {
    const page = open({ modelMissing: true });
    const { studio, workspace } = page;
    const { id } = await tinyProject(page);
    const first = await finished(page, id, adapter(1));
    const second = await finished(page, id, adapter(2));
    await done(page, studio.judgeStrength(first, 0.5));
    const openings = await studio.verdicts.openings(id);
    expect(openings.sentence).toBe("This test set was opened 3 times.");
    expect(openings.openings.map(({ run, purpose, number }) => [run, purpose, number])).toEqual([
      ["Run 1", "judged", 1],
      ["Run 2", "judged", 2],
      ["Run 1", "strength", 3],
    ]);
    expect((await workspace.runs.get(second)).testOpenings).toBe(2);

    const compared = await studio.verdicts.compareRuns([first, second]);
    expect(compared.questions).toBe(32);
    expect(compared.clusters).toBe(8);
    expect(compared.runs.map(({ name, model }) => [name, model])).toEqual([
      ["Run 1", "st-tiny-5x"],
      ["Run 2", "st-tiny-5x"],
    ]);
    const report = await studio.report(first);
    expect(compared.runs[0]!.metrics["mrr@10"]).toBeCloseTo(report.systems.tuned!["mrr@10"], 9);
    expect(compared.runs[0]!.base["hit@5"]).toBeCloseTo(report.systems.base!["hit@5"], 9);
    expect(compared.pairs).toHaveLength(1);
    const hybrid = await studio.verdicts.compareRuns([first, second], { system: "hybrid" });
    expect(hybrid.runs[0]!.metrics["mrr@10"]).toBeCloseTo(report.systems.hybridTuned!["mrr@10"], 9);
    expect((await studio.verdicts.openings(id)).count).toBe(3);
    await expect(studio.verdicts.compareRuns([first])).rejects.toThrow(/choose two to 4/);
  });

  test("keeps its index, is drawn over strengths on held-out questions and calibrated on them", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const runId = await finished(page, id, adapter());
    await done(page, studio.verdicts.guardDrift(runId));
    const drift = (await studio.verdicts.driftReport(runId))!.value;
    expect(drift.index).toEqual({ kind: "valid" });
    expect(drift).toMatchObject({ generalQuestions: 160, generalPassages: 80, anchors: 160 });
    expect(drift.meanCosine).toBeLessThan(1);

    await done(page, studio.verdicts.mergeCurve(runId));
    const curve = (await studio.verdicts.mergeCurveReport(runId))!.value;
    expect(curve).toMatchObject({ basis: "held-out", questions: 56 });
    expect(curve.points.map(({ strength }) => strength)).toEqual([
      0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
    ]);
    expect(curve.points[0]!.generalDelta.value).toBe(0);
    expect(curve.points[10]!.general).toBeCloseTo(drift.general.after, 9);
    expect(await studio.verdicts.mergePoint(runId, 0.5)).toEqual(curve.points[5]);
    const between = (await studio.verdicts.mergePoint(runId, 0.55)).target;
    expect(Math.abs(between - curve.points[5]!.target)).toBeLessThan(0.1);
    await expect(studio.verdicts.mergePoint(runId, 3)).rejects.toThrow(/between 0/);

    await done(page, studio.verdicts.calibrate(runId, 0.5));
    const threshold = (await studio.verdicts.thresholds(runId))!.value;
    expect(threshold).toMatchObject({ score: "cosine", basis: "held-out", target: 0.5, kind: "platt" });
    expect(threshold.pairs).toBe(560);
    expect((await studio.verdicts.openings(id)).count).toBe(1); // the run's own
  });

  test("shows what got worse, takes a remedy and is repeated on the changed data", async () => {
    const page = open({ modelMissing: true });
    const { studio, workspace } = page;
    const { id } = await tinyProject(page);
    const runId = await finished(page, id, adapter());
    await done(page, studio.verdicts.findDifferences(runId, "train"));
    const { value } = (await studio.verdicts.differences(runId, "train"))!;
    expect(value.rows).toHaveLength(56);
    expect(value.wins + value.losses + value.ties).toBe(56);
    const intruded = value.rows.filter(({ intruder }) => intruder !== null).slice(0, 3);
    const queries = intruded.map(({ query }) => query);
    const request = { side: "train", remedy: "hard-negative", queries } as const;
    expect(await studio.verdicts.remedy(runId, request)).toMatchObject({ changed: 3, unchanged: 0 });
    expect(await studio.verdicts.remedy(runId, request)).toMatchObject({ changed: 0, unchanged: 3 });
    const { train } = { train: await studio.dataset(id, "train") };
    const changed = train.queries.find((query) => query.id === queries[0])!;
    expect(changed.negatives).toEqual([intruded[0]!.intruder]);
    await studio.verdicts.remedy(runId, { side: "train", remedy: "fix-label", queries: [queries[0]!] });
    const fixed = (await studio.dataset(id, "train")).queries.find((query) => query.id === queries[0])!;
    expect(fixed.relevant).toContainEqual({ passage: intruded[0]!.intruder, grade: 1 });
    expect(fixed.negatives).toEqual([]);
    await studio.verdicts.remedy(runId, { side: "train", remedy: "drop-query", queries: [queries[1]!] });
    expect((await studio.dataset(id, "train")).queries).toHaveLength(55);

    await done(page, studio.verdicts.findDifferences(runId, "test"));
    const judged = (await studio.verdicts.differences(runId, "test"))!.value;
    expect(judged.rows).toHaveLength(32);
    const test = { side: "test", remedy: "hard-negative", queries: [judged.rows[0]!.query] } as const;
    await expect(studio.verdicts.remedy(runId, test)).rejects.toThrow(/Nothing is trained on test questions/);

    const repeated = await studio.verdicts.repeatRun(runId);
    await runReaches(page, repeated, ["finished"]);
    const [before, after] = [await workspace.runs.get(runId), await workspace.runs.get(repeated)];
    expect(after.recipe).toEqual(before.recipe);
    expect(after.dataHash).not.toBe(before.dataHash);
    expect((await studio.verdicts.openings(id)).count).toBe(2); // the test side is as it was
  });

  test("is reported in one file without a row of the data unless rows are asked for", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const runId = await finished(page, id, adapter());
    await done(page, studio.verdicts.triage(id));
    await done(page, studio.verdicts.findDifferences(runId, "test"));
    const json = await studio.verdicts.exportVerdict(runId, "json");
    const report = JSON.parse(await json.blob.text()) as VerdictReport;
    expect(report).toMatchObject({
      format: "retune-verdict-1",
      run: { name: "Run 1", task: "adapter" },
      data: { trainQuestions: 56, testQuestions: 32, clusters: 8 },
      openings: { count: 1, atRun: 1 },
      drift: null,
      rows: null,
    });
    expect(report.triage!.questions).toBe(56);
    expect(report.differences).toMatchObject({ side: "test" });

    const page1 = await (await studio.verdicts.exportVerdict(runId, "html")).blob.text();
    expect(page1).toMatch(/^<!doctype html>/);
    expect(page1).not.toMatch(/https?:|src=|@import|url\(/);
    const texts = (await studio.dataset(id, "test")).queries.map(({ text }) => text);
    expect(texts.filter((text) => page1.includes(text))).toEqual([]);
    expect(texts.filter((text) => JSON.stringify(report).includes(text))).toEqual([]);
    const whole = await (await studio.verdicts.exportVerdict(runId, "html", { rows: true })).blob.text();
    expect(texts.filter((text) => whole.includes(text))).toHaveLength(texts.length);
  });
});

test("a tuned encoder moves every vector: what to embed again is said, and its merge curve opens the test split", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const settings = { recipe: "encoder", mode: "recommended", epochs: 1, batchSize: 8, seed: 1 } as const;
  const runId = await finished(page, id, {
    task: "encoder",
    settings: { ...settings, learningRate: 1e-3, validation: "none" },
  });
  await done(page, studio.verdicts.guardDrift(runId));
  const drift = (await studio.verdicts.driftReport(runId))!.value;
  expect(drift.index).toMatchObject({ kind: "embed-again", chunks: 44 });
  expect(drift.anchors).toBe(160 + 44);
  await done(page, studio.verdicts.mergeCurve(runId));
  const curve = (await studio.verdicts.mergeCurveReport(runId))!.value;
  expect(curve).toMatchObject({ basis: "test", questions: 32 });
  const report = await studio.report(runId);
  expect(curve.points[0]!.target).toBeCloseTo(report.systems.base!["mrr@10"], 6);
  expect(curve.points[10]!.target).toBeCloseTo(report.systems.tuned!["mrr@10"], 6);
  await expect(studio.verdicts.mergePoint(runId, 0.5)).rejects.toThrow(/Only an adapter/);
  await done(page, studio.verdicts.calibrate(runId, 0.5));
  const folder = await studio.exportRun(runId, "sentence-transformers");
  const archive = openZip(new Uint8Array(await folder.blob.arrayBuffer()));
  const [name, entry] = [...archive.entries].find(([path]) => path.endsWith("/README.md"))!;
  const card = new TextDecoder().decode(archive.extract(entry));
  expect(name).toMatch(/README/);
  expect(card).toContain("| test questions | 32 |");
  expect(card).toContain("| times its test set had been opened | 1 |");
  expect(card).toMatch(/\| cosine for 50 % right answers \| (from|none)/);
  expect(card).toContain(`${report.systems.base!["mrr@10"].toFixed(4)} before`);
  const texts = (await studio.dataset(id, "train")).queries.map(({ text }) => text);
  expect(texts.filter((text) => card.includes(text))).toEqual([]);
  expect((await studio.verdicts.openings(id)).openings.map(({ purpose }) => purpose)).toEqual([
    "judged",
    "merge-curve",
    "thresholds",
  ]);
});

test("a re-ranker is calibrated by its logits and shows what it put lower", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const base = (await studio.addModelFolder(pickedFolder(`${FORMATS}/cross-encoder-tiny`))).id;
  const offer = (await studio.recipes(id)).find(({ task }) => task === "cross-encoder")!.recommended;
  if (offer.task !== "cross-encoder") throw new Error(offer.task);
  const settings = { ...offer.settings, epochs: 1, batchSize: 16 };
  const runId = await finished(page, id, { task: "cross-encoder", base, settings });
  await done(page, studio.verdicts.calibrate(runId, 0.5));
  const threshold = (await studio.verdicts.thresholds(runId))!.value;
  expect(threshold).toMatchObject({ score: "logit", basis: "test" });
  await done(page, studio.verdicts.findDifferences(runId, "train"));
  expect((await studio.verdicts.differences(runId, "train"))!.value.rows).toHaveLength(56);
  const job = await jobEnds(page, studio.verdicts.mergeCurve(runId));
  expect(job).toMatchObject({ state: "failed", error: { code: "unsupported" } });
});
