import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sha256 } from "../../../src/domain/data/hash.ts";
import { writeAdapterSafetensors } from "../../../src/domain/formats/adapter-folder.ts";
import type { AdapterConfig } from "../../../src/domain/models/adapter-config.ts";
import { initialWeights } from "../../../src/domain/models/adapter-weights.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";

import { jobEnds, runReaches, studioSuite } from "./studio-in-thread.ts";

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

const handbook = (name: string): File =>
  textFile(name, readFileSync(`public/samples/handbook/documents/${name}`, "utf8"));

test("are cut, asked about by rules, split by document, reviewed, exported and cut anew", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Own documents");
  const files = ["bakehouse.md", "blue-slips.md", "buttons.md", "bakes.md"].map(handbook);
  const report = await studio.addFiles(id, [...files, textFile("broken.json", "{ nothing")]);
  expect(report.files.map((file) => file.accepted)).toEqual([true, true, true, true, false]);
  expect(report.files[4]!.problems[0]!.error).toMatchObject({ code: "E_JSON", place: { line: 1 } });

  const job = await jobEnds(page, studio.generate(id, { perPassage: 2, teacher: { kind: "rules" } }));
  expect(job).toMatchObject({ state: "finished", kind: "generate" });
  const questions = await studio.questions(id);
  expect(questions.length).toBeGreaterThan(20);
  expect(questions.every((question) => question.made.startsWith("rule: "))).toBe(true);
  const split = await studio.splitByDocument(id, 0.5, 3);
  expect(split.split.train.questions + split.split.test.questions).toBe(questions.length);
  const documents = (side: string) =>
    new Set(
      (questionsAfter.filter((each) => each.split === side) ?? []).map((question) => question.document),
    );
  const questionsAfter = await studio.questions(id);
  for (const name of documents("train")) expect(documents("test").has(name)).toBe(false);

  const [first, second] = questionsAfter;
  await studio.gate.decideQuestions(id, [first!.id], { kind: "reject" });
  await studio.gate.decideQuestions(id, [second!.id], { kind: "edit", text: "What now?" });
  const reviewed = await studio.questions(id);
  expect(reviewed[0]!.state).toBe("rejected");
  expect(reviewed[1]).toMatchObject({ text: "What now?", made: "typed" });
  const used = (await studio.dataset(id, first!.split)).queries.map((query) => query.id);
  expect(used).not.toContain(first!.id);
  const exported = JSON.parse(await (await studio.exportDataset(id, "train")).blob.text()) as object;
  expect(Object.keys(exported)).toEqual(["queries", "corpus", "relevant_docs", "mode"]);

  const preview = await studio.previewChunks(id, { maxTokens: 60, overlapTokens: 0 });
  expect(Math.max(...preview.lengths)).toBeLessThanOrEqual(60);
  const before = (await studio.project(id)).passages;
  const after = await studio.applyChunks(id, { maxTokens: 60, overlapTokens: 0 });
  expect(after.passages).toBe(preview.count);
  expect(after.passages).toBeGreaterThan(before);
  await studio.removeSource(id, after.sources[0]!.id);
  expect((await studio.project(id)).sources).toHaveLength(3);
});

test("a cancelled generation keeps what it wrote", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Cancelled");
  await studio.addFiles(id, [handbook("bakehouse.md")]);
  const start = studio.generate(id, { perPassage: 2, teacher: { kind: "rules" } });
  await studio.cancel(await start);
  const job = await jobEnds(page, studio.generate(id, { perPassage: 2, teacher: { kind: "rules" } }));
  expect(job.state).toBe("finished");
  const ids = (await studio.questions(id)).map((question) => question.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a project goes into one file and comes back with its runs, beside the old one", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.openSample();
  const runId = await studio.startRun(id, compatible);
  await runReaches(page, runId, ["finished"]);
  const file = await studio.exportProject(id);
  const back = await studio.importProject(new File([await file.blob.arrayBuffer()], file.name));
  expect(back.id).not.toBe(id);
  const [project, copy] = [await studio.project(id), await studio.project(back.id)];
  expect(copy.split).toEqual(project.split);
  expect(copy.vectors).toEqual(project.vectors);
  const [run] = await studio.runs(back.id);
  expect(await studio.report(run!.id)).toEqual(await studio.report(runId));
  const damaged = new Uint8Array(await file.blob.arrayBuffer());
  damaged[damaged.length >> 1]! ^= 1;
  await expect(studio.importProject(new File([damaged], "x.zip"))).rejects.toMatchObject({
    name: "RetuneError",
  });
  expect(await studio.projects()).toHaveLength(2);
  await studio.removeProject(back.id);
  expect((await studio.projects()).map((each) => each.id)).toEqual([id]);
});

test("Z11: a project file whose ids are all taken gets new ones; what was there stays as it was", async () => {
  const page = open();
  const { studio, workspace } = page;
  const { id } = await studio.openSample();
  const runId = await studio.startRun(id, compatible);
  await runReaches(page, runId, ["finished"]);
  const whole = async () => ({
    project: await workspace.projects.get(id),
    contents: await workspace.projects.contents(id),
    runs: await workspace.runs.ofProject(id),
    report: await workspace.runs.report(runId),
    adapter: await studio
      .exportRun(runId, "safetensors")
      .then(async ({ blob }) => sha256(new Uint8Array(await blob.arrayBuffer()))),
  });
  const before = await whole();
  const { blob, name } = await studio.exportProject(id);
  const copies = [];
  for (let turn = 0; turn < 2; turn++) copies.push(await studio.importProject(new File([blob], name)));
  const ids = async (projectId: string): Promise<readonly string[]> => [
    projectId,
    ...(await workspace.projects.sources(projectId)).map((source) => source.id),
    ...(await workspace.runs.ofProject(projectId)).map((run) => run.id),
  ];
  const all = await Promise.all([id, ...copies.map((copy) => copy.id)].map(ids));
  expect(all.map((each) => each.length)).toEqual([4, 4, 4]); // project, two files, one run
  expect(new Set(all.flat()).size).toBe(12);
  expect(await whole()).toEqual(before);
  for (const copy of copies) await studio.removeProject(copy.id);
  expect(await whole()).toEqual(before);
});

test("A1: an adapter for vectors of another size is refused and leaves no run", async () => {
  const { studio } = open();
  const { id } = await studio.openSample();
  const config: AdapterConfig = { kind: "linear", features: 4, bias: false };
  const file = writeAdapterSafetensors({ config, weights: initialWeights(config, 0) });
  const importing = studio.importAdapter(id, [new File([new Uint8Array(file)], "other.safetensors")]);
  await expect(importing).rejects.toMatchObject({ code: "E_MISMATCH" });
  await expect(importing).rejects.toThrow(/4 dimensions.*gives 384/);
  expect(await studio.runs(id)).toEqual([]);
});

test("imported vectors take the encoder's place; rows that do not fit are refused", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await studio.createProject("Black box");
  const sample = (name: string): File =>
    new File([new Uint8Array(readFileSync(`public/samples/handbook/${name}`))], name.split("/").at(-1)!);
  await studio.addFiles(id, [sample("train.json"), sample("test.json")]);
  const wrong = studio.importVectors(id, "test", "corpus", sample("vectors/test_queries.npy"));
  await expect(wrong).rejects.toMatchObject({ code: "E_MISMATCH" });
  for (const split of ["train", "test"] as const) {
    await studio.importVectors(id, split, "queries", sample(`vectors/${split}_queries.npy`));
    await studio.importVectors(id, split, "corpus", sample(`vectors/${split}_corpus.npy`));
  }
  const { vectors, encoderId } = await studio.project(id);
  expect(vectors.cached).toBe(vectors.needed);
  expect(encoderId).toBe(`vectors-${id}`);
  const runId = await studio.startRun(id, compatible);
  await runReaches(page, runId, ["finished"]);
  const { systems } = await studio.report(runId);
  expect(systems.baseInstruction).toBeUndefined();
  const base = systems.base!["mrr@10"];
  const { id: sampleId } = await studio.openSample();
  const sampleRun = await studio.startRun(sampleId, compatible);
  await runReaches(page, sampleRun, ["finished"]);
  expect((await studio.report(sampleRun)).systems.base!["mrr@10"]).toBeCloseTo(base, 6);
});

test("vectors come as JSON lines too, by id in any order", async () => {
  const { studio } = open({ modelMissing: true });
  const { id } = await studio.createProject("Lines");
  const dataset = {
    queries: { q1: "one?", q2: "two?" },
    corpus: { p1: "one", p2: "two" },
    relevant_docs: { q1: ["p1"], q2: ["p2"] },
  };
  await studio.addFiles(id, [textFile("test.json", JSON.stringify(dataset))]);
  const lines = '{"id":"p2","embedding":[0,2]}\n{"id":"p1","embedding":[3,0]}\n';
  await studio.importVectors(id, "test", "corpus", textFile("corpus.jsonl", lines));
  await studio.importVectors(
    id,
    "test",
    "queries",
    textFile("queries.jsonl", '{"vector":[1,0]}\n{"vector":[0,1]}'),
  );
  const { base } = await studio.search(id, { text: "two?", view: "dense", top: 2 });
  expect(base.map((hit) => [hit.passageId, hit.score])).toEqual([
    ["p2", 1],
    ["p1", 0],
  ]);
  const short = studio.importVectors(id, "test", "corpus", textFile("c.jsonl", '{"vector":[1,0]}'));
  await expect(short).rejects.toMatchObject({ name: "RetuneError" });
});

test("a model folder the person picks is tried, kept and used; its settings make other vectors", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Own model");
  await studio.addFiles(id, [textFile("a.md", "# Tea\n\nTea is served at four in the hall.")]);
  const picked = (path: string, content: Uint8Array<ArrayBuffer> | string): File => {
    const file = new File([content], path.split("/").at(-1)!);
    return Object.defineProperty(file, "webkitRelativePath", { value: `my-model/${path}` });
  };
  const onDisk = (path: string): File =>
    picked(path, new Uint8Array(readFileSync(`public/models/bge-small-en-v1.5/${path}`)));
  const missing = studio.addEncoderFolder([onDisk("config.json")]);
  await expect(missing).rejects.toMatchObject({ code: "model-missing" });
  const encoder = await studio.addEncoderFolder([
    ...["config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"].map(onDisk),
    picked("1_Pooling/config.json", '{"pooling_mode_mean_tokens": true}'),
    picked("README.md", "left out"),
  ]);
  expect(encoder).toMatchObject({ name: "my-model", origin: "folder", dimension: 384, precision: "fp32" });
  await studio.chooseEncoder(id, encoder.id);
  const job = await jobEnds(page, studio.embed(id));
  expect(job.state, job.error?.message).toBe("finished");
  const own = await studio.search(id, { text: "tea time", view: "dense", top: 1 });
  await studio.chooseEncoder(id, "bge-small-en-v1.5");
  expect((await studio.project(id)).vectors.cached).toBe(0);
  await jobEnds(page, studio.embed(id));
  const site = await studio.search(id, { text: "tea time", view: "dense", top: 1 });
  expect(Math.abs(site.base[0]!.score - own.base[0]!.score)).toBeGreaterThan(1e-3);
});

test("new texts are embedded once by the real model, then searched", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Embedded");
  const text = "# Tea\n\nTea is served at four in the hall.\n\n# Keys\n\nThe keys hang behind the blue door.";
  await studio.addFiles(id, [textFile("a.md", text)]);
  const job = await jobEnds(page, studio.embed(id));
  expect(job.state, job.error?.message).toBe("finished");
  const again = await jobEnds(page, studio.embed(id));
  expect(again.label).toBe("All vectors were there");
  const { base } = await studio.search(id, { text: "Where do I find the keys?", view: "dense", top: 1 });
  expect(base[0]!.text).toContain("blue door");
});
