import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import type { JobView } from "../../../src/app/studio.ts";
import type { Recipe } from "../../../src/app/studio-training.ts";
import { jobEnds, runReaches, studioSuite } from "./studio-in-thread.ts";

const open = studioSuite();

const recipe: Recipe = {
  task: "adapter",
  settings: {
    mode: "compatible",
    adapter: { kind: "linear", features: 384, bias: false },
    epochs: 1,
    batchSize: 32,
    learningRate: 1e-3,
    seed: 1,
  },
};

test("the map of a run moves its questions and leaves the passages, and is kept until the data change", async () => {
  const page = open({ modelMissing: true });
  const { studio } = page;
  const sample = await studio.openSample();
  const runId = await studio.startRun(sample.id, recipe);
  await runReaches(page, runId, ["finished"]);
  const request = { runId, method: "pca" } as const;
  expect(await studio.maps.map(sample.id, request)).toBeNull();
  const job: JobView = await jobEnds(page, studio.maps.drawMap(sample.id, request));
  expect(job.state).toBe("finished");
  const view = (await studio.maps.map(sample.id, request))!;
  const { split } = await studio.project(sample.id);
  const questions = split.train.questions + split.test.questions;
  const passages = view.ids.length - questions;
  const sides = await Promise.all(
    (["train", "test"] as const).map((side) => studio.dataset(sample.id, side)),
  );
  const distinct = new Set(sides.flatMap((side) => side.passages.map(({ id }) => id)));
  expect(passages).toBe(distinct.size);
  expect(view.leftOut).toBe(0);
  const moved = (index: number): boolean =>
    view.before[index * 2] !== view.after![index * 2] ||
    view.before[index * 2 + 1] !== view.after![index * 2 + 1];
  const all = view.ids.map((_, index) => index);
  expect(all.slice(0, passages).filter(moved)).toEqual([]);
  expect(all.slice(passages).filter(moved)).toHaveLength(questions);
  expect(view.kinds[view.right[passages]!]).toBe(0);
  const first = (await studio.questions(sample.id)).find(({ id }) => id === view.ids[passages])!;
  expect(view.ids[view.right[passages]!]).toBe(first.passageId);
  expect(view.explained![0]).toBeGreaterThan(view.explained![1]);

  await studio.gate.decideQuestions(sample.id, [first.id], { kind: "reject" });
  expect(await studio.maps.map(sample.id, request)).toBeNull();
});
