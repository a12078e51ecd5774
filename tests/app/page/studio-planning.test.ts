import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import type { Recipe } from "../../../src/app/studio-training.ts";
import type { EncoderSettings } from "../../../src/domain/recipes/encoder/encoder-job.ts";
import { GENERAL_QUESTIONS } from "../../../src/domain/data/general-questions.ts";
import { runReaches, studioSuite } from "./studio-in-thread.ts";
import { tinyProject } from "./tiny-models.ts";

const open = studioSuite();
const settings: EncoderSettings = {
  ...({ recipe: "encoder", mode: "recommended", seed: 1 } as const),
  ...{ epochs: 2, batchSize: 6, learningRate: 1e-3 },
};
const recipe = { task: "encoder", settings } as const;

describe("a plan", () => {
  test("that is not wanted any more is given up, and the next one is worked out", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const stop = new AbortController();
    const first = studio.plan(id, recipe, { signal: stop.signal });
    setTimeout(() => stop.abort(), 5);
    await expect(first).rejects.toMatchObject({ code: "cancelled" });
    expect((await studio.plan(id, recipe)).secondsToTrain).toBeGreaterThan(0);
  });

  test("counts the questions that are held in place, and what they cost in memory", async () => {
    const page = open({ modelMissing: true });
    const { studio } = page;
    const { id } = await tinyProject(page);
    const plain = await studio.plan(id, recipe);
    const held = await studio.plan(id, { ...recipe, anchors: GENERAL_QUESTIONS });
    expect([plain.anchors, held.anchors]).toEqual([0, GENERAL_QUESTIONS.length]);
    expect(held.peakBytes).toBeGreaterThan(plain.peakBytes);
  });
});

test("general questions that are held in place are kept with the run, in its job file too, and change what it learns", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const short = { ...settings, epochs: 1, validation: "none" } as const satisfies EncoderSettings;
  const losses: (readonly number[])[] = [];
  for (const anchors of [undefined, ["why is the sky blue", "how do tides work"]]) {
    const runId = await studio.startRun(id, {
      task: "encoder",
      settings: short,
      ...(anchors ? { anchors } : {}),
    });
    await runReaches(page, runId, ["finished"]);
    const { losses: found, recipe: stored } = await page.workspace.runs.get(runId);
    expect("anchors" in stored ? stored.anchors : undefined).toEqual(anchors);
    const job = JSON.parse(await studio.jobFile(runId)) as { readonly anchors?: unknown };
    expect(job.anchors).toEqual(anchors);
    losses.push(found);
  }
  expect(losses[1]).not.toEqual(losses[0]);
});

test("a loss that lacks its data is an obstacle in its offer, and is refused before a run starts", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const { id } = await tinyProject(page);
  const offer = (await studio.recipes(id)).find(({ task }) => task === "lora")!;
  expect(Object.keys(offer.losses).sort()).toEqual(["cosent", "kl-distillation", "margin-mse"]);
  const taught: Recipe = { task: "encoder", settings: { ...settings, loss: { kind: "margin-mse" } } };
  await expect(studio.startRun(id, taught)).rejects.toMatchObject({ code: "too-little-data" });
  expect(await studio.runs(id)).toEqual([]);
});
