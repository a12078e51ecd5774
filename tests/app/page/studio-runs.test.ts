import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memoryRunLocks } from "../../../src/app/page/run-locks.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import { readSafetensors } from "../../../src/domain/formats/safetensors.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";

import { runReaches, runSteps, studioSuite } from "./studio-in-thread.ts";
import type { StudioInThread } from "./studio-in-thread.ts";

const open = studioSuite();

const settings: AdapterSettings = {
  mode: "compatible",
  adapter: { kind: "linear", features: 384, bias: false },
  epochs: 2,
  batchSize: 32,
  learningRate: 1e-3,
  seed: 1,
};

/** A compatible adapter run, with some settings changed. */
const adapter = (change: Partial<AdapterSettings> = {}): Recipe => ({
  task: "adapter",
  settings: { ...settings, ...change },
});
const compatible = adapter();

const textFile = (name: string, text: string): File => new File([text], name);

describe("the sample", () => {
  test("trains, is judged, searched and exported without any model", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const sample = await studio.openSample();
    expect(await studio.openSample()).toEqual(sample);
    const view = await studio.project(sample.id);
    expect(view.split.test.questions).toBeGreaterThanOrEqual(140);
    expect(view.vectors.cached).toBe(view.vectors.needed);

    const runId = await studio.startRun(sample.id, compatible);
    const run = await runReaches(page, runId, ["finished"]);
    expect(run).toMatchObject({ number: 1, stage: "done", ownedElsewhere: false, chosen: { epochs: 2 } });
    expect(run.curve.at(-1)!.step).toBe(run.progress.total);
    expect(run.probes).toHaveLength(3);
    expect(run.notes).toEqual([]);
    const report = await studio.report(runId);
    expect(Object.keys(report.systems).sort()).toEqual(
      ["base", "baseInstruction", "bm25", "hybridBase", "hybridTuned", "tuned"].sort(),
    );
    expect(run.mrrDelta).toBe(report.delta!["mrr@10"].value);
    expect((await studio.projects())[0]!.best).toMatchObject({ runId, verdict: report.verdict });

    const question = (await studio.questions(sample.id)).find((each) => each.split === "test")!;
    for (const searchView of ["dense", "lexical", "hybrid"] as const) {
      const request = { text: question.text, view: searchView, runId, top: 400 };
      const answer = await studio.search(sample.id, request);
      const places = (hits: typeof answer.base) => hits.map((hit) => hit.passageId);
      expect(new Set(places(answer.base))).toEqual(new Set(places(answer.tuned)));
      const first = answer.tuned[0]!;
      expect(places(answer.base)[first.otherRank! - 1]).toBe(first.passageId);
      expect(answer.base.map((hit) => hit.score)).toEqual(
        answer.base.map((hit) => hit.score).sort((a, b) => b - a),
      );
    }

    const folder = await studio.exportRun(runId, "llamaindex");
    const archive = openZip(new Uint8Array(await folder.blob.arrayBuffer()));
    expect([...archive.entries.keys()].sort()).toEqual(
      [
        "README.md",
        "adapter.safetensors",
        "fusion.json",
        "llamaindex/config.json",
        "llamaindex/pytorch_model.bin",
      ].sort(),
    );
    const file = await studio.exportRun(runId, "safetensors");
    const { tensors, metadata } = readSafetensors(new Uint8Array(await file.blob.arrayBuffer()));
    expect(tensors.get("linear.weight")!.shape).toEqual([384, 384]);
    expect(metadata.get("query_instruction")).toBe("");
    expect(await (await studio.exportRun(runId, "metrics-csv")).blob.text()).toMatch(
      /^epoch,steps,cosine-Acc/,
    );
    const parsed = JSON.parse(await (await studio.exportRun(runId, "report-json")).blob.text()) as object;
    expect(parsed).toMatchObject({ run: { number: 1 }, report: { queries: report.queries } });

    const again = await studio.importAdapter(sample.id, [
      new File([await file.blob.arrayBuffer()], "a.safetensors"),
    ]);
    expect(again).toMatchObject({ imported: true, number: 2 });
    const request = { text: question.text, view: "dense", top: 5 } as const;
    const [own, imported] = [
      await studio.search(sample.id, { ...request, runId }),
      await studio.search(sample.id, { ...request, runId: again.id }),
    ];
    expect(imported.tuned).toEqual(own.tuned);
    expect(JSON.parse(await studio.jobFile(runId))).toMatchObject({
      task: "adapter",
      model: "bge-small-en-v1.5",
      mode: "compatible",
      adapter: { kind: "linear", bias: false },
      epochs: 2,
    });
  });

  test("the instruction, where one is set, is used on both sides", async () => {
    const page = open();
    const { studio } = page;
    const { id } = await studio.openSample();
    const [encoder] = await studio.encoders();
    const instructed = adapter({ queryInstruction: encoder!.queryInstruction });
    const runId = await studio.startRun(id, instructed);
    await runReaches(page, runId, ["finished"]);
    const { systems, delta } = await studio.report(runId);
    const difference = systems.tuned!["mrr@10"] - systems.baseInstruction!["mrr@10"];
    expect(delta!["mrr@10"].value).toBeCloseTo(difference, 12);
    const question = (await studio.questions(id)).find((each) => each.split === "test")!;
    const found = await studio.search(id, { text: question.text, view: "dense", runId, top: 1 });
    expect(found.base).toHaveLength(1);
  });

  test("a question nobody embedded needs the model, and the error says so", async () => {
    const page = open({ site: "http://127.0.0.1:9/" });
    const project = await page.studio.createProject("Empty");
    await page.studio.addFiles(project.id, [textFile("a.md", "# Tea\n\nTea is served at four in the hall.")]);
    const search = page.studio.search(project.id, { text: "when is tea?", view: "dense", top: 3 });
    await expect(search).rejects.toMatchObject({ code: "model-missing" });
    const lexical = await page.studio.search(project.id, { text: "tea", view: "lexical", top: 3 });
    expect(lexical.base[0]!.text).toContain("Tea is served");
  });
});

describe("runs", () => {
  test("paused, the page closed and opened again, a run goes on to the same weights", async () => {
    const long = adapter({ epochs: 150 });
    const straight = open();
    const { id } = await straight.studio.openSample();
    const wholeId = await straight.studio.startRun(id, long);
    await runReaches(straight, wholeId, ["finished"]);
    const whole = await (await straight.studio.exportRun(wholeId, "safetensors")).blob.arrayBuffer();

    const database = `studio-${crypto.randomUUID()}`;
    const first = open({ database });
    const project = await first.studio.openSample();
    const runId = await first.studio.startRun(project.id, long);
    const paused = runReaches(first, runId, ["paused"]);
    await runSteps(first, runId);
    await first.studio.pause(runId);
    expect((await paused).progress.done).toBeLessThan((await paused).progress.total);
    await first.close();

    const second = open({ database });
    expect((await second.studio.runs(project.id))[0]).toMatchObject({ id: runId, state: "paused" });
    const finished = runReaches(second, runId, ["finished"]);
    await second.studio.resume(runId);
    await finished;
    const resumed = await (await second.studio.exportRun(runId, "safetensors")).blob.arrayBuffer();
    expect(Buffer.from(resumed).equals(Buffer.from(whole))).toBe(true);
  });

  test("a crashed worker is started again and the run ends", async () => {
    const page = open();
    const { id } = await page.studio.openSample();
    const runId = await page.studio.startRun(id, adapter({ epochs: 150 }));
    const finished = runReaches(page, runId, ["finished"]);
    await runSteps(page, runId);
    page.crash("train");
    expect((await finished).notes[0]).toMatch(/worker stopped.*started again/);
  });

  test("stop and keep ends with a report; discard leaves nothing", async () => {
    const page = open();
    const { studio } = page;
    const { id } = await studio.openSample();
    const long = adapter({ epochs: 400 });
    const kept = await studio.startRun(id, long);
    const stopped = runReaches(page, kept, ["stopped"]);
    await studio.stopAndKeep(kept);
    expect((await stopped).chosen!.epochs).toBeLessThan(400);
    expect((await studio.report(kept)).queries).toBeGreaterThan(0);
    const gone = await studio.startRun(id, long);
    await studio.discard(gone);
    expect((await studio.runs(id)).map((run) => run.id)).toEqual([kept]);
    const chunks = await page.workspace.connection.read(["manifests"], "test", (tx) =>
      tx.objectStore("manifests").getAllKeys(),
    );
    expect(chunks.map(([runId]) => runId)).toEqual([`${kept} result`]);
  });

  test("a second tab looks on, and may go on when the first is gone", async () => {
    const database = `studio-${crypto.randomUUID()}`;
    const locks = memoryRunLocks();
    const first = open({ database, locks });
    const { id } = await first.studio.openSample();
    const runId = await first.studio.startRun(id, adapter({ epochs: 400 }));
    const second = open({ database, locks });
    await expect(second.studio.pause(runId)).rejects.toMatchObject({ code: "owned-elsewhere" });
    await expect(second.studio.discard(runId)).rejects.toMatchObject({ code: "owned-elsewhere" });
    await expect(second.studio.resume(runId)).rejects.toMatchObject({ code: "usage" });
    await first.studio.pause(runId);
    await runReachesInStore(first, runId, "paused");
    const stopped = runReaches(second, runId, ["stopped"]);
    await second.studio.stopAndKeep(runId);
    await stopped;
  });

  test("without test questions nothing starts, and the error names what to add", async () => {
    const { studio } = open();
    const { id } = await studio.createProject("Empty");
    await expect(studio.startRun(id, compatible)).rejects.toMatchObject({ code: "too-little-data" });
    expect(await studio.runs(id)).toEqual([]);
  });

  test("a plan tells steps, memory and warnings before anything is embedded", async () => {
    const { studio } = open();
    const { id } = await studio.openSample();
    const plan = await studio.plan(id, compatible);
    expect(plan).toMatchObject({ textsToEmbed: 0, secondsToEmbed: 0, warnings: [] });
    expect(plan.launchesPerStep).toBeLessThanOrEqual(9);
    expect(plan.secondsToTrain).toBeGreaterThan(0);
    expect(plan.peakBytes).toBeGreaterThan(4 * 384 * 384);
  });

  test("test questions that were trained on are told in the plan and once in the run, paused or not", async () => {
    const page = open();
    const { studio } = page;
    const { id } = await studio.createProject("Leaking");
    const bytes = (name: string): ArrayBuffer =>
      new Uint8Array(readFileSync(`public/samples/handbook/${name}`)).buffer;
    const addTest = (name: string): Promise<unknown> =>
      studio.addFiles(id, [new File([bytes("test.json")], name)]);
    await addTest("train.json");
    await addTest("test.json");
    for (const split of ["train", "test"] as const) {
      const queries = new File([bytes("vectors/test_queries.npy")], "queries.npy");
      await studio.importVectors(id, split, "queries", queries);
      await studio.importVectors(id, split, "corpus", new File([bytes("vectors/test_corpus.npy")], "c.npy"));
    }
    const { questions } = (await studio.project(id)).split.test;
    const leak = `${questions} of ${questions} validation questions also stand in the training file.`;
    expect((await studio.plan(id, compatible)).warnings).toContain(leak);
    const runId = await studio.startRun(id, adapter({ epochs: 400 }));
    const paused = runReaches(page, runId, ["paused"]);
    await runSteps(page, runId);
    await studio.pause(runId);
    await paused;
    const ended = runReaches(page, runId, ["stopped"]);
    await studio.stopAndKeep(runId);
    expect((await ended).notes.filter((note) => note === leak)).toHaveLength(1);
  });
});

async function runReachesInStore(page: StudioInThread, runId: string, state: string): Promise<void> {
  while ((await page.workspace.runs.get(runId)).state !== state) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
