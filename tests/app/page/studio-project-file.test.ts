import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { Recipe, RunResults, Task } from "../../../src/app/studio-training.ts";
import type { EncoderSettings } from "../../../src/domain/recipes/encoder/encoder-job.ts";
import { sha256 } from "../../../src/domain/data/hash.ts";
import { jobEnds, runReaches, studioSuite } from "./studio-in-thread.ts";
import type { StudioInThread } from "./studio-in-thread.ts";
import { FORMATS, pickedFolder, tinyProject } from "./tiny-models.ts";

const open = studioSuite();
const MODEL = `${FORMATS}/st-tiny-5x`;

const encoder = (recipe: "encoder" | "lora"): Recipe => {
  const settings: EncoderSettings = {
    ...({ recipe, mode: "recommended", validation: "none", seed: 1 } as const),
    ...{ epochs: 1, batchSize: 6, learningRate: 1e-3 },
    ...(recipe === "lora" ? { lora: { rank: 4 } } : {}),
  };
  return { task: recipe, settings };
};
const reranker: Recipe = {
  task: "cross-encoder",
  settings: { mode: "recommended", epochs: 0.5, learningRate: 1e-3, seed: 1 },
};
const router: Recipe = { task: "router", settings: { trainer: "softmax", seed: 1 } };

/** A project in which every kind of model was tuned, and which starts its search from one of them. */
async function tunedProject(page: StudioInThread): Promise<{ readonly id: string }> {
  const { studio } = page;
  const { id } = await tinyProject(page);
  const choices = ["leave", "revenue"].map((name) => ({ id: name, name, description: `every ${name}` }));
  const examples = Array.from({ length: 24 }, (_, index) => {
    const choice = choices[index % 2]!.id;
    return { id: `e${index}`, text: `what ${choice} before the quarter ${index}`, choices: [choice] };
  });
  await studio.importRouter(id, [new File([JSON.stringify({ choices, examples })], "router.json")]);
  for (const recipe of [encoder("encoder"), encoder("lora"), reranker, router]) {
    const runId = await studio.startRun(id, recipe);
    await runReaches(page, runId, ["finished"]);
  }
  const rows = "query,context,score\nwhat leave,the leave days,1\nwhat leave,the fox,0\n";
  await studio.importPairs(id, new File([rows], "pairs.csv"));
  return { id };
}

async function ofTask({ studio }: StudioInThread, id: string, task: Task): Promise<string> {
  return (await studio.runs(id)).find(({ recipe }) => recipe.task === task)!.id;
}

async function exportDigest(
  { studio }: StudioInThread,
  runId: string,
  format: "onnx" | "cross-encoder" | "router",
) {
  const { blob } = await studio.exportRun(runId, format);
  return sha256(new Uint8Array(await blob.arrayBuffer()));
}

describe("a project's file with everything tuned in it", () => {
  test("comes back whole on another device: runs, results, models, router and ladder", async () => {
    const [here, there] = [open({ modelMissing: true }), open({ modelMissing: true })];
    const { id } = await tunedProject(here);
    await jobEnds(here, here.studio.climb(id, "fusion"));
    const weight = await here.studio.weighProject(id);
    expect(weight.models).toBe(4);
    const file = await here.studio.exportProject(id);
    expect(file.verified).toMatch(/^2 files and 4 runs unpacked again/);
    expect(file.blob.size).toBeGreaterThan(weight.modelBytes);

    await there.studio.addModelFolder(pickedFolder(MODEL)); // what the project started from
    const copy = await there.studio.importProject(new File([file.blob], file.name));
    const [before, after] = [await here.studio.runs(id), await there.studio.runs(copy.id)];
    expect(after.map(({ number, recipe, verdict }) => [number, recipe, verdict])).toEqual(
      before.map(({ number, recipe, verdict }) => [number, recipe, verdict]),
    );
    const results = ({ studio }: StudioInThread, runs: typeof before): Promise<readonly RunResults[]> =>
      Promise.all(runs.map((run) => studio.results(run.id)));
    expect(await results(there, after)).toEqual(await results(here, before));
    const shelf = (await there.studio.models()).filter(({ origin }) => origin === "trained");
    expect(shelf.map(({ kind }) => kind).sort()).toEqual(["cross-encoder", "encoder", "encoder"]);
    for (const [task, format] of [
      ["encoder", "onnx"],
      ["lora", "onnx"],
      ["cross-encoder", "cross-encoder"],
      ["router", "router"],
    ] as const) {
      const [one, other] = [await ofTask(here, id, task), await ofTask(there, copy.id, task)];
      expect(await exportDigest(there, other, format), task).toBe(await exportDigest(here, one, format));
    }
    expect(await there.studio.router(copy.id)).toEqual(await here.studio.router(id));
    expect(await there.studio.pairs(copy.id)).toEqual(await here.studio.pairs(id));
    expect(await there.studio.ladder(copy.id)).toEqual(await here.studio.ladder(id));
  });

  test("brings the texts of its documents, so that they can be cut again", async () => {
    const [{ studio: here }, { studio: there }] = [
      open({ modelMissing: true }),
      open({ modelMissing: true }),
    ];
    const { id } = await here.createProject("Notes");
    const text = Array.from({ length: 60 }, (_, row) => `Rule ${row} of the house is kept by all.`).join(" ");
    await here.addFiles(id, [new File([`# Rules\n\n${text}\n`], "rules.md")]);
    const file = await here.exportProject(id);
    const copy = await there.importProject(new File([file.blob], file.name));
    const finer = { maxTokens: 40, overlapTokens: 0 };
    const [one, other] = [await here.applyChunks(id, finer), await there.applyChunks(copy.id, finer)];
    expect(other.passages).toBe(one.passages);
    expect(other.passages).toBeGreaterThan(copy.passages);
  });

  test("is searched with a model tuned in it, under that model's new name", async () => {
    const [here, there] = [open({ modelMissing: true }), open({ modelMissing: true })];
    const { id } = await tinyProject(here);
    const runId = await here.studio.startRun(id, encoder("encoder"));
    await runReaches(here, runId, ["finished"]);
    await here.studio.chooseEncoder(id, `trained-${runId}`);
    const { blob, name } = await here.studio.exportProject(id);
    const copy = await there.studio.importProject(new File([blob], name));
    const run = await ofTask(there, copy.id, "encoder");
    expect((await there.studio.project(copy.id)).encoderId).toBe(`trained-${run}`);
    const lora = await there.studio.startRun(copy.id, {
      ...encoder("lora"),
      base: `trained-${run}`,
    } as Recipe);
    await runReaches(there, lora, ["finished"]);
    const again = await there.studio.exportProject(copy.id);
    const third = await there.studio.importProject(new File([again.blob], again.name));
    const [first, second] = [await ofTask(there, third.id, "encoder"), await ofTask(there, third.id, "lora")];
    expect((await there.studio.run(second)).recipe).toMatchObject({ base: `trained-${first}` });
  });

  test("says which model is missing where LoRA's base is not on the other device", async () => {
    const [here, there] = [open({ modelMissing: true }), open({ modelMissing: true })];
    const { id } = await tinyProject(here);
    const runId = await here.studio.startRun(id, encoder("lora"));
    await runReaches(here, runId, ["finished"]);
    const { blob, name } = await here.studio.exportProject(id);
    const copy = await there.studio.importProject(new File([blob], name));
    const run = await ofTask(there, copy.id, "lora");
    expect((await there.studio.results(run)).kind).toBe("retrieval");
    await expect(there.studio.exportRun(run, "onnx")).rejects.toMatchObject({ code: "model-missing" });
    await there.studio.addModelFolder(pickedFolder(MODEL));
    expect(await exportDigest(there, run, "onnx")).toBe(await exportDigest(here, runId, "onnx"));
  });

  test("can leave the models out, and is refused whole where one of them is damaged", async () => {
    const [here, there] = [open({ modelMissing: true }), open({ modelMissing: true })];
    const { id } = await tinyProject(here);
    const runId = await here.studio.startRun(id, encoder("encoder"));
    await runReaches(here, runId, ["finished"]);
    const light = await here.studio.exportProject(id, { models: false });
    const whole = await here.studio.exportProject(id);
    expect(light.blob.size).toBeLessThan(whole.blob.size / 2);
    expect(light.verified).toMatch(/^2 files and 0 runs/);
    const copy = await there.studio.importProject(new File([light.blob], light.name));
    expect(await there.studio.runs(copy.id)).toEqual([]);

    const bytes = new Uint8Array(await whole.blob.arrayBuffer());
    bytes[Math.floor(bytes.length * 0.8)]! ^= 1;
    const broken = there.studio.importProject(new File([bytes], "broken.zip"));
    await expect(broken).rejects.toMatchObject({ code: "E_CHECKSUM" });
    expect(await there.studio.projects()).toHaveLength(1);
  });
});
