import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { writeLlamaIndexDataset } from "../../../src/domain/formats/llamaindex-dataset.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { StudioInThread } from "./studio-in-thread.ts";
import { jobEnds, studioSuite } from "./studio-in-thread.ts";

const open = studioSuite();

const handbook = (name: string): File =>
  new File([readFileSync(`public/samples/handbook/documents/${name}`, "utf8")], name);

/** A project whose questions were written by rules for four documents. */
async function writtenProject({ studio }: StudioInThread, page: StudioInThread): Promise<string> {
  const { id } = await studio.createProject("Written");
  await studio.addFiles(id, ["bakehouse.md", "blue-slips.md", "buttons.md", "bakes.md"].map(handbook));
  await jobEnds(page, studio.generate(id, { perPassage: 2, teacher: { kind: "rules" } }));
  return id;
}

test("flagged written questions wait for review, are used once accepted, and stay decided", async () => {
  const page = open();
  const { studio } = page;
  const id = await writtenProject(page, page);
  const used = async (): Promise<number> => {
    const { split } = await studio.project(id);
    return split.train.questions + split.test.questions;
  };
  const all = (await studio.questions(id)).length;
  expect(await used()).toBe(all);
  const job = await jobEnds(page, studio.gate.checkQuestions(id, { top: 1 }));
  expect(job).toMatchObject({ kind: "check", state: "finished" });
  const view = (await studio.gate.gate(id))!;
  expect(view).toMatchObject({ checked: all, top: 1, searched: { hybrid: 0, bm25: all } });
  const questions = await studio.questions(id);
  const waiting = questions.filter(({ state }) => state === "review");
  expect(waiting.length).toBe(view.flagged);
  expect(waiting.length).toBeGreaterThan(2);
  expect(questions.every(({ flags, state }) => flags!.length > 0 === (state === "review"))).toBe(true);
  expect(await used()).toBe(all - waiting.length);

  const [first, second, third] = waiting;
  await studio.gate.decideQuestions(id, [first!.id], { kind: "accept" });
  await studio.gate.decideQuestions(id, [second!.id, third!.id], { kind: "reject" });
  expect(await used()).toBe(all - waiting.length + 1);
  await jobEnds(page, studio.gate.checkQuestions(id, { top: 1 }));
  const states = new Map((await studio.questions(id)).map((row) => [row.id, row.state]));
  expect([first, second, third].map((row) => states.get(row!.id))).toEqual([
    "accepted",
    "rejected",
    "rejected",
  ]);

  await jobEnds(page, studio.gate.checkQuestions(id, { top: 100_000 }));
  const later = (await studio.questions(id)).filter(({ state }) => state === "review");
  expect(later.length).toBeLessThan(waiting.length); // what was only not found is in use again
});

test("decisions are taken back one by one, a bulk decision as one, also after a reload", async () => {
  const database = "gate-undo";
  const page = open({ database });
  const { studio } = page;
  const id = await writtenProject(page, page);
  const before = await studio.questions(id);
  const ids = before.map((row) => row.id);
  await studio.gate.decideQuestions(id, ids.slice(0, 5), { kind: "reject" });
  await studio.gate.decideQuestions(id, [ids[0]!], { kind: "edit", text: "What now?" });
  expect((await studio.questions(id))[0]).toMatchObject({
    text: "What now?",
    made: "typed",
    state: "accepted",
  });

  const again = open({ database }).studio;
  expect((await again.gate.undoDecision(id)).map((row) => row.id)).toEqual([ids[0]]);
  expect((await again.questions(id))[0]).toMatchObject({ text: before[0]!.text, state: "rejected" });
  const restored = await again.gate.undoDecision(id);
  expect(restored.map((row) => row.id).sort()).toEqual(ids.slice(0, 5).sort());
  expect(await again.questions(id)).toEqual(before);
  expect(await again.gate.undoDecision(id)).toEqual([]);
  await expect(studio.gate.decideQuestions(id, ["nobody"], { kind: "accept" })).rejects.toMatchObject({
    code: "usage",
  });
  await expect(studio.gate.decideQuestions(id, [ids[0]!], { kind: "edit", text: " " })).rejects.toMatchObject(
    {
      code: "usage",
    },
  );
});

const words = (seed: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `w${(seed * 7919 + index * 104729) % 99991}`).join(" ");

/** Twelve documents of two passages; document 1 repeats document 0, and passage 2 of document 4 repeats its first. */
function planted(): Dataset {
  const passages = Array.from({ length: 24 }, (_, index) => {
    const source = index === 2 || index === 3 ? index - 2 : index === 9 ? 8 : index;
    return { id: `p${index}`, text: `${words(source + 1, 60)} tail${index}`, document: `d${index >> 1}` };
  });
  const queries = passages.map(({ id }, index) => ({
    id: `q${index}`,
    text: `What does number ${index} say about ${words(index + 50, 3)}?`,
    relevant: [{ passage: id, grade: 1 }],
  }));
  return { passages, queries };
}

async function plantedProject({ studio }: StudioInThread): Promise<string> {
  const { id } = await studio.createProject("Planted");
  await studio.addFiles(
    id,
    [new File([writeLlamaIndexDataset(planted(), { documents: true })], "all.json")],
    "split",
  );
  for (let seed = 0; ; seed++) {
    await studio.splitByDocument(id, 0.3, seed);
    const side = new Map((await studio.questions(id)).map((row) => [row.document, row.split]));
    if (side.get("d0") !== side.get("d1") && side.get("d4") === "test") return id;
  }
}

test("documents that leak are found, kept on one side, and let go again; near-copies become right answers", async () => {
  const page = open();
  const { studio } = page;
  const id = await plantedProject(page);
  expect(await studio.gate.leaks(id)).toBeNull();
  await jobEnds(page, studio.gate.checkLeaks(id));
  const found = (await studio.gate.leaks(id))!;
  expect(found).toMatchObject({ stale: false, movable: true, together: 0, compared: "words" });
  expect(found.counts.find(({ kind }) => kind === "overlap")!.found).toBe(2);
  expect(found.questions).toHaveLength(2);
  expect(found.groups).toHaveLength(1);

  await studio.gate.fixLeaks(id, "together");
  const side = new Map((await studio.questions(id)).map((row) => [row.document, row.split]));
  expect(side.get("d0")).toBe(side.get("d1"));
  expect((await studio.gate.leaks(id))!.stale).toBe(true);
  await jobEnds(page, studio.gate.checkLeaks(id));
  expect(await studio.gate.leaks(id)).toMatchObject({ questions: [], groups: [], together: 1 });
  const again = await studio.splitByDocument(id, 0.5, 77);
  expect(again.split.test.questions).toBeGreaterThan(0);
  const divided = new Map((await studio.questions(id)).map((row) => [row.document, row.split]));
  expect(divided.get("d0")).toBe(divided.get("d1")); // a new seed keeps them together too

  await jobEnds(page, studio.gate.checkLeaks(id));
  const ties = (await studio.gate.leaks(id))!.ties.filter(({ passage }) => passage === "p8");
  expect(ties.map(({ other, questions }) => [other, questions])).toEqual([["p9", 1]]);
  expect(await studio.gate.acceptTies(id, ties)).toBe(1);
  const whole = [
    ...(await studio.dataset(id, "train")).queries,
    ...(await studio.dataset(id, "test")).queries,
  ];
  expect(whole.find((query) => query.id === "q8")!.relevant.map(({ passage }) => passage)).toEqual([
    "p8",
    "p9",
  ]);
  expect(await studio.gate.undoDecision(id)).toMatchObject([{ id: "q8", state: "accepted" }]);
  await studio.gate.fixLeaks(id, "apart");
  expect(await studio.gate.leaks(id)).toMatchObject({ together: 0 });
});

test("where files were given for one side, the test questions concerned can be left out", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Given");
  const { passages, queries } = planted();
  const part = (from: number, to: number): File => {
    const own = { passages: passages.slice(from, to), queries: queries.slice(from, to) };
    return new File([writeLlamaIndexDataset(own, { documents: true })], `${from}.json`);
  };
  await studio.addFiles(id, [part(2, 24)], "train");
  await studio.addFiles(id, [part(0, 2)], "test");
  await jobEnds(page, studio.gate.checkLeaks(id));
  const found = (await studio.gate.leaks(id))!;
  expect(found).toMatchObject({ movable: false, testQuestions: 2 });
  expect([...found.questions].sort()).toEqual(["q0", "q1"]);
  await studio.gate.fixLeaks(id, "drop");
  expect((await studio.dataset(id, "test")).queries).toEqual([]);
  expect((await studio.gate.undoDecision(id)).map((row) => row.id).sort()).toEqual(["q0", "q1"]);
});

test("beside a question stands its passage and the question it repeats", async () => {
  const page = open();
  const { studio } = page;
  const { id } = await studio.createProject("Beside");
  const { passages, queries } = planted();
  const twice = queries.map((query, index) => (index === 5 ? { ...query, text: queries[4]!.text } : query));
  await studio.addFiles(
    id,
    [new File([writeLlamaIndexDataset({ passages, queries: twice })], "all.json")],
    "train",
  );
  await jobEnds(page, studio.gate.checkQuestions(id));
  const rows = await studio.questions(id);
  expect(rows.find((row) => row.id === "q5")).toMatchObject({ state: "accepted", source: "all.json" }); // imported
  const detail = await studio.gate.question(id, "q5");
  expect(detail.passageText).toBe(passages[5]!.text);
  expect(detail.near).toMatchObject([{ id: "q4", samePassage: false, flag: { how: "same" } }]);
  await expect(studio.gate.question(id, "nobody")).rejects.toMatchObject({ code: "usage" });
});

test("a check that is cancelled on its way tells how far it was and leaves the questions as they were", async () => {
  const page = open();
  const { studio, events } = page;
  const { id } = await studio.createProject("Large");
  const { passages } = planted();
  const queries = Array.from({ length: 6000 }, (_, index) => ({
    id: `q${index}`,
    text: `What is said about ${words(index + 1, 40)}?`,
    relevant: [{ passage: `p${index % 24}`, grade: 1 }],
  }));
  await studio.addFiles(id, [new File([writeLlamaIndexDataset({ passages, queries })], "all.json")], "train");
  const start = studio.gate.checkQuestions(id);
  const stop = studio.subscribe((event) => {
    if (event.kind === "job" && event.job.kind === "check" && event.job.done > 0)
      void start.then((job) => studio.cancel(job));
  });
  const job = await jobEnds(page, start);
  stop();
  expect(job).toMatchObject({ state: "cancelled", kind: "check" });
  expect(events.some((event) => event.kind === "job" && event.job.total > 0 && event.job.label !== "")).toBe(
    true,
  );
  expect((await studio.questions(id)).every(({ flags }) => flags === undefined)).toBe(true);
  expect(await studio.gate.gate(id)).toBeNull();
});
