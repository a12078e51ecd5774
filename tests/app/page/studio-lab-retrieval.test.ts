import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { LabRecipe, LabRunView, LabStage } from "../../../src/app/studio-lab.ts";
import { readAdapterFolder, readAdapterSafetensors } from "../../../src/domain/formats/adapter-folder.ts";
import { openZip } from "../../../src/domain/formats/zip.ts";
import { studioSuite, type StudioInThread } from "./studio-in-thread.ts";

const open = studioSuite();

const lines = (side: "train" | "test", count: number): File => {
  const all = readFileSync(`public/samples/lab/ra-dit/${side}.jsonl`, "utf8").split("\n");
  return new File([all.slice(0, count).join("\n")], `${side}.jsonl`);
};

/** Resolves at the first view of the run that is as wanted. */
function runIs(
  { studio }: StudioInThread,
  runId: string,
  wanted: (run: LabRunView) => boolean,
): Promise<LabRunView> {
  return new Promise((resolve, reject) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "lab-run" || event.run.id !== runId) return;
      const { state, error } = event.run;
      if (wanted(event.run)) resolve(event.run);
      else if (state === "failed") reject(new Error(error?.message ?? "the run failed"));
      else return;
      stop();
    });
  });
}

/** A project of a part of the sample's rows, and a short run's recipe. */
async function prepared({ studio: { lab } }: StudioInThread): Promise<{ id: string; recipe: LabRecipe }> {
  const { id } = await lab.create("Notes", "ra-dit");
  await lab.addFile(id, "train", lines("train", 40));
  await lab.addFile(id, "test", lines("test", 8));
  const { settings, ...recipe } = await lab.recommended(id);
  const { epochs: _all, ...kept } = settings;
  return { id, recipe: { ...recipe, settings: { ...kept, steps: 4 }, maxNewTokens: 8 } };
}

test(
  "the retriever is tuned after the model, judged with both, and taken away",
  { timeout: 120_000 },
  async () => {
    const page = open();
    const { lab } = page.studio;
    const { id, recipe } = await prepared(page);
    const runId = await lab.start(id, recipe);
    await runIs(page, runId, ({ state }) => state === "finished");
    const { retrieval, comparison, rows } = await lab.results(runId);
    const { divergence, cells, hits, scored } = retrieval!;
    expect(divergence.after).toBeLessThan(divergence.before);
    expect(scored).toBeGreaterThan(40 * 4);
    expect(cells.map(({ retriever, model }) => `${retriever} ${model}`)).toEqual([
      "base base",
      "base tuned",
      "tuned base",
      "tuned tuned",
    ]);
    const { key, base, tuned } = comparison.figures[0]!;
    expect([cells[0]!.figures[key], cells[1]!.figures[key]]).toEqual([base, tuned]);
    expect(cells[3]!.against[0]!.delta).toHaveProperty("low");
    expect([hits.base!.k, hits.tuned!.k]).toEqual([4, 4]);
    expect(rows).toHaveLength(8);

    expect((await lab.exports(runId)).map(({ format }) => format)).toContain("retriever");
    const { name, blob } = await lab.exportRun(runId, "retriever");
    expect(name).toBe("retune-lab-run-1-retriever.zip");
    const archive = openZip(new Uint8Array(await blob.arrayBuffer()));
    const files = new Map(
      [...archive.entries.values()].map((entry) => [
        entry.name.split("/").slice(1).join("/"),
        archive.extract(entry),
      ]),
    );
    const folder = readAdapterFolder(
      new Map(["config.json", "pytorch_model.bin"].map((file) => [file, files.get(`llamaindex/${file}`)!])),
    );
    expect(folder.config).toMatchObject({ kind: "linear", features: 256 });
    expect(readAdapterSafetensors(files.get("adapter.safetensors")!).weights).toEqual(folder.weights);
    expect(new TextDecoder().decode(files.get("README.md"))).toContain("dimensions=256");
    const report: unknown = JSON.parse(await (await lab.exportRun(runId, "report-json")).blob.text());
    expect(report).toMatchObject({ retrieval: { divergence } });
    await lab.discard(runId);
    expect(await page.workspace.checkpoints.latest(`${runId} search`)).toBeNull();
  },
);

test("a pause while passages are scored repeats that half alone", { timeout: 120_000 }, async () => {
  const page = open();
  const { lab } = page.studio;
  const { id, recipe } = await prepared(page);
  const runId = await lab.start(id, recipe);
  await runIs(page, runId, ({ stage }) => stage === "scoring-passages");
  const paused = runIs(page, runId, ({ state }) => state === "paused");
  await lab.pause(runId);
  expect((await paused).stage).toBe("scoring-passages");
  const stages: LabStage[] = [];
  const finished = runIs(page, runId, ({ state, stage }) => {
    stages.push(stage);
    return state === "finished";
  });
  await lab.resume(runId);
  await finished;
  expect(stages).not.toContain("training");
  expect(stages).toContain("scoring-passages");
  expect((await lab.results(runId)).retrieval!.epoch).toBeGreaterThan(0);
});

test("a stop before the search is tuned judges the model alone", { timeout: 120_000 }, async () => {
  const page = open();
  const { lab } = page.studio;
  const { id, recipe } = await prepared(page);
  const runId = await lab.start(id, recipe);
  await runIs(page, runId, ({ stage }) => stage === "scoring-passages");
  const stopped = runIs(page, runId, ({ state }) => state === "stopped");
  await lab.stopAndKeep(runId);
  expect((await stopped).notes.join(" ")).toContain("before the search was tuned");
  expect(await lab.results(runId)).not.toHaveProperty("retrieval");
  expect((await lab.exports(runId)).map(({ format }) => format)).not.toContain("retriever");
});
