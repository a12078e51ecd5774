import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { EncoderSettings } from "../../../src/domain/recipes/encoder/encoder-job.ts";
import { readPeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import { readSentenceTransformersFolder } from "../../../src/domain/formats/sentence-transformers-folder.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import type { ExportedFile } from "../../../src/app/studio-models.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import { jobEnds, runReaches, runSteps, studioSuite } from "./studio-in-thread.ts";
import { FORMATS, pickedFolder, tinyProject } from "./tiny-models.ts";

const open = studioSuite();

function encoder(change: Partial<EncoderSettings> = {}): Recipe {
  const settings: EncoderSettings = {
    ...{ recipe: "encoder", mode: "recommended", epochs: 2, batchSize: 6, learningRate: 1e-3, seed: 1 },
    ...change,
  };
  return { task: settings.recipe, settings };
}

async function unpacked({ blob }: ExportedFile): Promise<Map<string, Uint8Array>> {
  const archive = openZip(new Uint8Array(await blob.arrayBuffer()));
  const files = [...archive.entries].map(([name, entry]) => [name, archive.extract(entry)] as const);
  return new Map(files.map(([name, bytes]) => [name.slice(name.indexOf("/") + 1), bytes]));
}

describe("an encoder", () => {
  test("is planned with numbers, trained, judged, searched with, put on the shelf and taken away", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id, model } = await tinyProject(page);
    const offer = (await studio.recipes(id)).find(({ task }) => task === "encoder")!;
    expect(offer.obstacle).toBeNull();
    expect(offer.bases[0]).toBe(model);

    const plan = await studio.plan(id, encoder());
    expect(plan.parameters.trained).toBe(plan.parameters.total);
    expect(plan.secondsToTrain).toBeGreaterThan(0);
    expect(plan.textsToEmbedAgain).toBe(16 + 32);
    expect(plan.storage.checkpointBytes).toBe(16 * plan.parameters.trained);

    const runId = await studio.startRun(id, encoder({ validation: "none" }));
    const run = await runReaches(page, runId, ["finished"]);
    expect(run.curve.at(-1)!.step).toBeGreaterThan(0);
    expect(run.tokensPerSecond).toBeGreaterThan(0);
    const results = await studio.results(runId);
    if (results.kind !== "retrieval") throw new Error(results.kind);
    expect(results.report.systems).toHaveProperty("hybridTuned");
    expect(results.report.rows).toHaveLength(32);

    const shelf = await studio.models();
    expect(shelf.find(({ origin }) => origin === "trained")).toMatchObject({ kind: "encoder", runId });
    const text = results.report.rows[0]!.text;
    const answer = await studio.search(id, { text, view: "dense", runId, top: 5 });
    expect(answer.tuned).toHaveLength(5);
    expect(answer.latency.embed).toBeGreaterThan(0);

    const folder = await unpacked(await studio.exportRun(runId, "sentence-transformers"));
    const whole = readSentenceTransformersFolder(folder, "tuned").model;
    const base = await unpacked(await studio.exportRun(runId, "sentence-transformers", { strength: 0 }));
    const name = "encoder.layer.0.attention.self.query.weight";
    const fresh = readSentenceTransformersFolder(base, "base").model.weights.get(name)!.values;
    expect(whole.weights.get(name)!.values).not.toEqual(fresh);
    const picked = pickedFolder(`${FORMATS}/st-tiny-5x`);
    const contents = picked.map(async (file) => {
      const path = file.webkitRelativePath.split("/").slice(1).join("/");
      return [path, new Uint8Array(await file.arrayBuffer())] as const;
    });
    const given = readSentenceTransformersFolder(new Map(await Promise.all(contents)), "given").model;
    expect(fresh).toEqual(given.weights.get(name)!.values);

    const judged = await jobEnds(page, studio.judgeStrength(runId, 0));
    expect(judged.state).toBe("finished");
    const { strengths } = await studio.run(runId);
    expect(strengths[0]!.measures["mrr@10"]).toBeCloseTo(results.report.systems.base!["mrr@10"], 9);
  });

  test("by LoRA keeps the LoRA weights alone and merges them on the way out", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const recipe = encoder({ recipe: "lora", learningRate: 1e-2, lora: { rank: 4 } });
    const runId = await studio.startRun(id, recipe);
    await runReaches(page, runId, ["finished"]);
    const peft = readPeftFolder(await unpacked(await studio.exportRun(runId, "peft")));
    expect(peft.adapter).toMatchObject({ rank: 4, alpha: 32 });
    const offers = await studio.exports(runId);
    const about = new Map(offers.map(({ format, bytes }) => [format, bytes!]));
    expect(about.get("peft")).toBeLessThan(about.get("onnx")!);
    expect(about.get("onnx-int8")).toBe(about.get("onnx")! / 4);
    expect((await studio.exportRun(runId, "onnx")).verified).toContain("equal bit for bit");
    expect(await studio.jobFile(runId)).toContain('"task": "lora"');
  });

  test("paused and gone on with after the page was closed ends with the same weights", async () => {
    const recipe = encoder({ epochs: 60, validation: "none" });
    const weights = async (pause: boolean): Promise<Uint8Array> => {
      const database = `tuning-${crypto.randomUUID()}`;
      let page = open({ database, modelMissing: true });
      const { id } = await tinyProject(page);
      const runId = await page.studio.startRun(id, recipe);
      if (pause) {
        await runSteps(page, runId);
        const paused = runReaches(page, runId, ["paused", "finished"]);
        await page.studio.pause(runId);
        expect((await paused).state).toBe("paused");
        await page.close();
        page = open({ database, modelMissing: true, folders: page.folders });
        const done = runReaches(page, runId, ["finished"]);
        await page.studio.resume(runId);
        await done;
      } else await runReaches(page, runId, ["finished"]);
      const folder = await unpacked(await page.studio.exportRun(runId, "sentence-transformers"));
      return folder.get("model.safetensors")!;
    };
    expect(Buffer.compare(await weights(true), await weights(false))).toBe(0);
  });

  test("does not start where its checkpoints would find no room, and says with which numbers", async () => {
    const page = open({ modelMissing: true, freeBytes: 1000 });
    const { id } = await tinyProject(page);
    const runId = await page.studio.startRun(id, encoder());
    const run = await runReaches(page, runId, ["paused"]);
    expect(run.error).toMatchObject({ code: "storage-full" });
    expect(run.error!.message).toMatch(/needs 1 MB .* gives 1 MB/);
  });
});

test("a re-ranker is trained on mined negatives, judged, and orders the search anew", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const { id: base } = await studio.addModelFolder(pickedFolder(`${FORMATS}/cross-encoder-tiny`));
  const recipe: Recipe = {
    task: "cross-encoder",
    base,
    settings: { mode: "recommended", epochs: 1, learningRate: 1e-3, seed: 1 },
  };
  expect((await studio.plan(id, recipe)).steps).toBeGreaterThan(0);
  const runId = await studio.startRun(id, recipe);
  await runReaches(page, runId, ["finished"]);
  const results = await studio.results(runId);
  if (results.kind !== "rerank") throw new Error(results.kind);
  expect(Object.keys(results.report.systems).sort()).toEqual(["rerankedBase", "rerankedTuned", "retrieved"]);
  await expect(studio.report(runId)).rejects.toMatchObject({ code: "usage" });
  const request = { text: results.report.rows[0]!.text, view: "hybrid", top: 4 } as const;
  const plain = await studio.search(id, request);
  const answer = await studio.search(id, { ...request, rerankRunId: runId, rerankTop: 10 });
  expect(plain.reranked).toEqual([]);
  expect(answer.base).toEqual(plain.base);
  expect(answer.reranked).toHaveLength(4);
  expect(answer.latency.reranked).toBe(10);
  const scores = answer.reranked.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect((await studio.exportRun(runId, "cross-encoder")).verified).toContain("equal bit for bit");
  for (const strength of [0, 1]) {
    expect((await jobEnds(page, studio.judgeStrength(runId, strength))).state).toBe("finished");
  }
  const { rerankedBase, rerankedTuned } = results.report.systems;
  const judged = (await studio.run(runId)).strengths.map(({ measures }) => measures["mrr@10"]);
  expect(judged[0]).toBeCloseTo(rerankedBase!["mrr@10"], 9);
  expect(judged[1]).toBeCloseTo(rerankedTuned!["mrr@10"], 9);
});

test("a router is filled by hand and by file, trained, judged, asked and exported", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const typed = await studio.saveChoice(id, { name: "Leave", description: "leave days" });
  expect(typed.problems).toHaveLength(1);
  const choices = ["leave", "revenue", "retrieval"].map((name) => ({
    id: name,
    name,
    description: `every ${name}`,
  }));
  const examples = Array.from({ length: 72 }, (_, index) => {
    const choice = choices[index % 3]!.id;
    return { id: `e${index}`, text: `what ${choice} before the quarter ${index}`, choices: [choice] };
  });
  const none = Array.from({ length: 6 }, (_, index) => ({
    id: `n${index}`,
    text: `the lazy dog ${index}`,
    choices: [],
  }));
  const file = new File([JSON.stringify({ choices, examples: [...examples, ...none] })], "router.json");
  expect(await studio.importRouter(id, [file])).toMatchObject({ choices: 3, questions: 78 });
  const view = await studio.router(id);
  expect(view.questions.train + view.questions.test).toBe(78);

  const recipe: Recipe = { task: "router", settings: { trainer: "softmax", seed: 1 } };
  const runId = await studio.startRun(id, recipe);
  const run = await runReaches(page, runId, ["finished"]);
  expect(run.accuracyDelta).toBeDefined();
  const results = await studio.results(runId);
  if (results.kind !== "router") throw new Error(results.kind);
  expect(results.choices.map(({ name }) => name)).toEqual(["leave", "revenue", "retrieval"]);
  expect(results.report.tuned.accuracy).toBeGreaterThan(0.9);
  expect((await studio.runs(id))[0]!.accuracy).toBe(results.report.tuned.accuracy);
  const offers = new Map((await studio.exports(runId)).map((offer) => [offer.format, offer]));
  expect(offers.get("router")).toMatchObject({ strength: true, obstacle: null });
  expect(offers.get("router")!.bytes).toBeGreaterThan(0);
  const answer = await studio.route(id, { text: "what revenue before the quarter 99", runId, top: 2 });
  expect(answer.tuned.ranked.map(({ choiceId }) => choiceId)).toHaveLength(2);
  expect(answer.tuned.ranked[0]!.choiceId).toBe("revenue");
  expect((await studio.exportRun(runId, "router")).verified).toContain("read back");
  for (const strength of [0, 1]) {
    expect((await jobEnds(page, studio.judgeStrength(runId, strength))).state).toBe("finished");
  }
  const judged = (await studio.run(runId)).strengths.map(({ measures }) => measures["accuracy"]);
  expect(judged).toEqual([results.report.base!.accuracy, results.report.tuned.accuracy]);
  const mixed = await studio.exportRun(runId, "router", { strength: 0.5 });
  expect(mixed.verified).toContain("read back");
});

test("the ladder tries the cheap rungs at once, starts a run for the next, and keeps what gains", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const start = await studio.ladder(id);
  expect(start.rungs.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => "untried"));
  expect(start.rungs[0]!.obstacle).toMatch(/names no instruction/);
  expect(start.next).toBe("fusion");
  await expect(studio.climb(id, "adapter")).rejects.toMatchObject({ code: "usage" });
  expect((await jobEnds(page, studio.climb(id, "fusion"))).state).toBe("finished");
  const after = await studio.ladder(id);
  expect(after.rungs[1]!.gain).not.toBeNull();
  expect(["base", "fusion"]).toContain(after.present);
  expect(after.next).toBe("adapter");
  const ended = new Promise<void>((resolve) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "run" || event.run.state !== "finished") return;
      stop();
      resolve();
    });
  });
  await jobEnds(page, studio.climb(id, "adapter"));
  await ended;
  const climbed = await studio.ladder(id);
  expect(climbed.rungs[2]).toMatchObject({ over: after.present });
  expect(["better", "no-gain"]).toContain(climbed.rungs[2]!.state);
  const { next, anyway } = climbed;
  expect(climbed.rungs[2]!.state === "better" ? next : anyway).toBe("re-ranker");
});
