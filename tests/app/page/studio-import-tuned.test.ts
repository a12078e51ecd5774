import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { Recipe } from "../../../src/app/studio-training.ts";
import type { EncoderSettings } from "../../../src/domain/recipes/encoder/encoder-job.ts";
import { jobEnds, runReaches, studioSuite } from "./studio-in-thread.ts";
import type { StudioInThread } from "./studio-in-thread.ts";
import { FORMATS, pickedFolder, tinyProject } from "./tiny-models.ts";

const open = studioSuite();

function encoder(recipe: "encoder" | "lora"): Recipe {
  const settings: EncoderSettings = {
    ...({ recipe, mode: "recommended", validation: "none", seed: 1 } as const),
    ...{ epochs: 1, batchSize: 6, learningRate: 1e-2 },
    ...(recipe === "lora" ? { lora: { rank: 4 } } : {}),
  };
  return { task: recipe, settings };
}

/** Imports files and waits until the run that they became was judged. */
async function imported(page: StudioInThread, id: string, files: readonly File[]) {
  const known = new Set((await page.studio.runs(id)).map((run) => run.id));
  const done = new Promise<string>((resolve) => {
    const stop = page.studio.subscribe((event) => {
      if (event.kind !== "run" || known.has(event.run.id) || event.run.state !== "finished") return;
      stop();
      resolve(event.run.id);
    });
  });
  const run = await page.studio.importAdapter(id, files);
  expect(await done).toBe(run.id);
  return page.studio.run(run.id);
}

describe("a model that was tuned elsewhere", () => {
  test.each([
    ["lora", "peft"],
    ["lora", "sentence-transformers"],
    ["encoder", "sentence-transformers"],
    ["encoder", "onnx"],
  ] as const)("%s taken away as %s comes back as a run with the same figures", async (task, format) => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const runId = await studio.startRun(id, encoder(task));
    await runReaches(page, runId, ["finished"]);
    const { blob, name } = await studio.exportRun(runId, format);
    const run = await imported(page, id, [new File([blob], name)]);
    expect(run).toMatchObject({ imported: true, recipe: { task: format === "peft" ? "lora" : "encoder" } });
    const [own, other] = [await studio.report(runId), await studio.report(run.id)];
    expect(other.systems.tuned!["mrr@10"]).toBeCloseTo(own.systems.tuned!["mrr@10"], 6);
    expect(other.systems.base).toEqual(own.systems.base);
    await jobEnds(page, studio.judgeStrength(run.id, 0));
    const [base] = (await studio.run(run.id)).strengths;
    expect(base!.measures["mrr@10"]).toBeCloseTo(own.systems.base!["mrr@10"], 6);
  });

  test("a re-ranker's folder is judged and orders the search anew", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const run = await imported(page, id, pickedFolder(`${FORMATS}/cross-encoder-tiny`));
    expect((await studio.results(run.id)).kind).toBe("rerank");
    const request = { text: "what leave before", view: "hybrid", top: 4 } as const;
    const answer = await studio.search(id, { ...request, rerankRunId: run.id, rerankTop: 10 });
    expect(answer.reranked).toHaveLength(4);
    expect((await studio.models()).filter(({ kind }) => kind === "cross-encoder")).toHaveLength(1);
  });

  test("whose base is not here names it and leaves no run; once the base is here, it is put onto it", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const peft = pickedFolder(`${FORMATS}/peft-tiny`);
    const importing = studio.importAdapter(id, peft);
    await expect(importing).rejects.toMatchObject({ code: "model-missing" });
    await expect(importing).rejects.toThrow(/belongs to tiny-bert, which is not here/);
    expect(await studio.runs(id)).toEqual([]);
    const base = await studio.addModelFolder(pickedFolder(`${FORMATS}/tiny-bert`));
    expect((await imported(page, id, peft)).recipe).toMatchObject({ task: "lora", base: base.id });
  });

  test("that is another model than the project's is refused and leaves no run", async () => {
    const { studio } = open({ modelMissing: true });
    const { id } = await studio.createProject("Starts with the small encoder");
    const importing = studio.importAdapter(id, pickedFolder(`${FORMATS}/st-tiny-5x`));
    await expect(importing).rejects.toMatchObject({ code: "E_MISMATCH" });
    await expect(importing).rejects.toThrow(/^st-tiny-5x is not .* tuned .* add it as a model/);
    expect(await studio.runs(id)).toEqual([]);
  });
});
