import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ExportedFile } from "../../../src/app/studio-models.ts";
import type { LabAnswers, LabRecipe, LabRunView } from "../../../src/app/studio-lab.ts";
import { byteSource, openDecoder } from "../../../src/domain/formats/decoder-folder.ts";
import { readGgufLora } from "../../../src/domain/formats/gguf-lora.ts";
import { readPeftFolder } from "../../../src/domain/formats/peft-folder.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import { studioSuite, type StudioInThread } from "./studio-in-thread.ts";

const open = studioSuite();

/** Resolves when the run has reached one of the states. */
function labRunReaches(
  { studio }: StudioInThread,
  runId: string,
  states: readonly LabRunView["state"][],
): Promise<LabRunView> {
  return new Promise((resolve, reject) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "lab-run" || event.run.id !== runId) return;
      const { state, error } = event.run;
      if (states.includes(state)) resolve(event.run);
      else if (state === "failed") reject(new Error(`the run failed: ${error?.message ?? "no reason"}`));
      else return;
      stop();
    });
  });
}

/** Resolves once the run has taken so many steps. */
function labRunTrains({ studio }: StudioInThread, runId: string, steps: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "lab-run" || event.run.id !== runId) return;
      if (event.run.stage !== "training" || event.run.progress.done < steps) return;
      stop();
      resolve();
    });
  });
}

/** The files of an exported archive by their paths in its one folder. */
async function unzipped({ blob }: ExportedFile): Promise<ReadonlyMap<string, Uint8Array>> {
  const archive = openZip(new Uint8Array(await blob.arrayBuffer()));
  return new Map(
    [...archive.entries.values()].map((entry) => [
      entry.name.split("/").slice(1).join("/"),
      archive.extract(entry),
    ]),
  );
}

function short(recipe: LabRecipe, steps: number): LabRecipe {
  const { epochs: _all, ...settings } = recipe.settings;
  return { ...recipe, settings: { ...settings, steps }, judgedRows: 6, maxNewTokens: 24 };
}

test("a sample is read, trained, judged, asked and taken away", { timeout: 120_000 }, async () => {
  const page = open();
  const { lab } = page.studio;
  const sample = await lab.openSample("text-to-sql");
  expect((await lab.openSample("text-to-sql")).id).toBe(sample.id);
  const view = await lab.view(sample.id);
  expect(view.split).toMatchObject({ byFile: true, obstacle: null });
  expect(view.split.train.rows).toBeGreaterThan(500);
  const [row] = await lab.rows(sample.id, "test", 0, 1);
  expect(row!.answer).toMatch(/^SELECT /);

  const recipe = short(await lab.recommended(sample.id), 20);
  const plan = await lab.plan(sample.id, recipe);
  expect(plan).toMatchObject({ steps: 20, trainedParameters: 74_752 });
  const runId = await lab.start(sample.id, recipe);
  const run = await labRunReaches(page, runId, ["finished"]);
  expect(run.losses.at(-1)!.loss).toBeLessThan(run.losses[0]!.loss);
  const results = await lab.results(runId);
  expect(results.rows).toHaveLength(6);
  expect(results.comparison.figures[0]).toMatchObject({ key: "executionAccuracy" });
  expect(Object.keys(results.rows[0]!.answers)).toEqual(["base", "tuned"]);

  const told: LabAnswers[] = [];
  const question = { runId, maxNewTokens: 24, temperature: 0 };
  const own = await lab.ask(sample.id, { ...question, text: row!.prompt }, (answers) => told.push(answers));
  expect(Object.keys(own)).toEqual(["base", "tuned"]);
  expect(told.at(-1)).toEqual(own);
  const judged = await lab.ask(sample.id, { ...question, rowId: row!.id }, () => undefined);
  expect(judged.tuned!.measures).toHaveProperty("executionAccuracy");

  const offers = await lab.exports(runId);
  expect(offers.map(({ format, obstacle }) => [format, obstacle])).toEqual(
    ["peft", "merged", "gguf", "report-json"].map((format) => [format, null]),
  );
  const peft = readPeftFolder(await unzipped(await lab.exportRun(runId, "peft"))).adapter;
  expect(peft).toMatchObject({ rank: 8, alpha: 16 });
  const merged = await unzipped(await lab.exportRun(runId, "merged"));
  const whole = await openDecoder(new Map([...merged].map(([path, bytes]) => [path, byteSource(bytes)])));
  expect(whole.config.layers).toBe(4);
  const gguf = await unzipped(await lab.exportRun(runId, "gguf"));
  expect(readGgufLora(gguf.get("adapter.gguf")!, whole.config).weights).toEqual(peft.weights);
  expect(new TextDecoder().decode(gguf.get("README.md"))).toContain("executionAccuracy");
  const file = await lab.exportRun(runId, "report-json");
  expect(JSON.parse(await file.blob.text())).toHaveProperty("comparison");
  expect(JSON.parse(await lab.jobFile(runId))).toMatchObject({ task: "text-to-sql", steps: 20 });
});

test("a paused run goes on, and a killed worker's run goes on by itself", { timeout: 120_000 }, async () => {
  const page = open();
  const { lab } = page.studio;
  const sample = await lab.openSample("llm-selector");
  const runId = await lab.start(sample.id, short(await lab.recommended(sample.id), 40));
  await labRunTrains(page, runId, 2);
  const paused = labRunReaches(page, runId, ["paused"]);
  await lab.pause(runId);
  const { progress } = await paused;
  expect(progress.done).toBeLessThan(40);
  const finished = labRunReaches(page, runId, ["finished"]);
  const goesOn = labRunTrains(page, runId, progress.done + 1);
  await lab.resume(runId);
  await goesOn;
  page.crash("lab");
  expect((await finished).notes.join(" ")).toContain("started again");
  expect((await lab.run(runId)).verdict).toBeDefined();
});

test("a file with bad rows is refused by line, and read without them where that is asked for", async () => {
  const { lab } = open().studio;
  const made = await lab.create("My queries", "text-to-sql");
  expect((await lab.view(made.id)).split.obstacle).toContain("Add a file");
  const good = readFileSync("public/samples/lab/text-to-sql/train.jsonl", "utf8").split("\n").slice(0, 40);
  const text = [...good, '{"question": "How many?"}'].join("\n");
  const file = new File([text], "rows.jsonl");
  await expect(lab.addFile(made.id, "train", file)).rejects.toMatchObject({ place: { line: 41 } });
  expect((await lab.view(made.id)).files).toEqual([]);
  const read = await lab.addFile(made.id, "train", file, { skipBadRows: true });
  expect(read.rows).toBe(40);
  expect(read.notes).toMatchObject([{ line: 41, skipped: true }]);
  const { split } = await lab.view(made.id);
  expect(split).toMatchObject({ byFile: false, obstacle: null });
  expect(split.train.rows + split.test.rows).toBe(40);
});

test("conversations are checked as LlamaIndex does, and counted as OpenAI does", async () => {
  const { lab } = open().studio;
  const sample = await lab.openSample("sft");
  const estimate = await lab.estimate(sample.id);
  const { split } = await lab.view(sample.id);
  expect(estimate).toMatchObject({ examples: split.train.rows, tooLong: 0, epochs: 3, faults: {} });
  expect(estimate.totalTokens).toBeGreaterThan(3 * split.train.rows * 20);
});

test("kept answers are exported as chat lines, and removing a project leaves nothing", async () => {
  const page = open();
  const { lab } = page.studio;
  const made = await lab.create("Kept", "sft");
  await lab.record(made.id, { prompt: "Who?", answer: "We.", edited: true, model: "Base" });
  const text = await (await lab.exportRecordings(made.id)).blob.text();
  expect(text).toBe('{"messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":"We."}]}\n');
  await lab.remove(made.id);
  expect(await lab.list()).toEqual([]);
  await expect(lab.view(made.id)).rejects.toMatchObject({ code: "usage" });
});
