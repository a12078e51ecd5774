import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { LabRecipe } from "../../../src/app/studio-lab.ts";
import { studioSuite, type StudioInThread } from "./studio-in-thread.ts";

const NANO = new URL("../../../public/models/retune-nano-decoder/", import.meta.url);
const open = studioSuite();

function short(recipe: LabRecipe): LabRecipe {
  const { epochs: _all, ...settings } = recipe.settings;
  return { ...recipe, settings: { ...settings, steps: 3 }, judgedRows: 4, maxNewTokens: 24 };
}

function ended({ studio }: StudioInThread, runId: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "lab-run" || event.run.id !== runId || event.run.state === "running") return;
      stop();
      resolve();
    });
  });
}

test("a lab project goes into one file and comes back as another project, its run asked like the first", async () => {
  const page = open();
  const { lab } = page.studio;
  const { id } = await lab.openSample("style");
  await lab.record(id, { prompt: "p", answer: "a", edited: true, model: "m" });
  const runId = await lab.start(id, short(await lab.recommended(id)));
  await ended(page, runId);
  const { name, blob, verified } = await lab.exportProject(id);
  expect(name).toBe("sample-a-house-style.retune-lab.zip");
  expect(verified).toBe("2 files and 1 runs unpacked again, every hash compared");

  const back = await lab.importProject(new File([blob], name));
  expect(back).toMatchObject({ system: "style", sample: false, runs: 1 });
  expect(back.id).not.toBe(id);
  const view = await lab.view(back.id);
  expect({ files: view.files, split: view.split }).toEqual({
    files: (await lab.view(id)).files,
    split: (await lab.view(id)).split,
  });
  expect((await lab.recordings(back.id)).map(({ answer }) => answer)).toEqual(["a"]);
  const [run] = await lab.runs(back.id);
  expect(await lab.results(run!.id)).toEqual(await lab.results(runId));
  const question = { text: "The cook draws the red gate.", maxNewTokens: 8, temperature: 0 };
  const first = await lab.ask(id, { ...question, runId }, () => undefined);
  expect(await lab.ask(back.id, { ...question, runId: run!.id }, () => undefined)).toEqual(first);
  await lab.remove(id);
  expect((await lab.view(back.id)).rows).toBeGreaterThan(0);
}, 60_000);

test("a file that is no lab project is refused, and nothing of it stays", async () => {
  const page = open();
  const { lab } = page.studio;
  const before = (await lab.list()).length;
  await expect(lab.importProject(new File(["no zip"], "a.zip"))).rejects.toMatchObject({ code: "E_ZIP" });
  const { id } = await page.studio.createProject("Search");
  const { blob } = await page.studio.exportProject(id);
  await expect(lab.importProject(new File([blob], "search.zip"))).rejects.toMatchObject({ code: "E_FIELD" });
  expect(await lab.list()).toHaveLength(before);
}, 60_000);

test("a base that was removed comes back under its id when the same folder is added again", async () => {
  const { lab } = open().studio;
  const files = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"].map(
    (name) => new File([readFileSync(new URL(name, NANO))], name),
  );
  const { id } = await lab.openSample("style");
  const base = await lab.addModelFolder(files);
  expect(await lab.addModelFolder(files)).toEqual(base);
  expect((await lab.models()).filter(({ origin }) => origin === "folder")).toHaveLength(1);
  await lab.removeModel(base.id);
  await expect(lab.recommended(id, base.id)).rejects.toMatchObject({ code: "model-missing" });
  expect((await lab.addModelFolder(files)).id).toBe(base.id);
  expect((await lab.recommended(id, base.id)).base).toBe(base.id);
});

test("the sample of a small language has its grammar, by which answers are judged and held", async () => {
  const page = open();
  const { lab } = page.studio;
  const { id } = await lab.openSample("code");
  const runId = await lab.start(id, { ...short(await lab.recommended(id)), constrained: true });
  await ended(page, runId);
  const { comparison, constrained } = await lab.results(runId);
  const validity = (figures: typeof comparison.figures) => figures.find(({ key }) => key === "validity");
  expect(validity(comparison.figures)).toBeDefined();
  expect(validity(constrained!.figures)).toMatchObject({ base: 1, tuned: 1 });
}, 60_000);
