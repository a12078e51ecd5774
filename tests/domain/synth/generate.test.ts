import { expect, test } from "vitest";
import { RetuneError } from "../../../src/engine/errors.ts";
import type { Generator, Progress } from "../../../src/domain/ports.ts";
import {
  assembleDataset,
  generateQuestions,
  type GenerationEvent,
  type GenerationOptions,
  type GenerationPassage,
  type GenerationRow,
} from "../../../src/domain/synth/generate.ts";
import { laterRefusal } from "../formats/refusal.ts";

const passages: GenerationPassage[] = Array.from({ length: 12 }, (_, index) => ({
  id: `p${index}`,
  text: `text ${index}`,
  document: `d${index % 3}`,
}));

/** Answers after a time that differs by passage; fails for the ids in `broken`. */
function fake(
  broken: ReadonlySet<string> = new Set(),
  calls: string[] = [],
): Generator & { readonly calls: string[]; atOnce: number } {
  let running = 0;
  const generator = {
    name: "fake",
    kind: "teacher" as const,
    calls,
    atOnce: 0,
    async generate(passage: { id: string }, count: number, signal?: AbortSignal) {
      calls.push(passage.id);
      generator.atOnce = Math.max(generator.atOnce, ++running);
      await new Promise((resolve) => setTimeout(resolve, (passage.id.length * 7 + calls.length * 3) % 11));
      running--;
      if (signal?.aborted) throw new RetuneError("cancelled", "cancelled");
      if (broken.has(passage.id)) throw new RetuneError("network", `no answer for ${passage.id}`);
      return Array.from({ length: count }, (_, index) => ({ text: `${passage.id} question ${index}?` }));
    },
  };
  return generator;
}

async function collect(
  generator: Generator,
  options: GenerationOptions = {},
  of = passages,
): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of generateQuestions(of, generator, options)) events.push(event);
  return events;
}
const rowsOf = (events: readonly GenerationEvent[]): GenerationRow[] =>
  events.flatMap((event) => (event.kind === "row" ? [event.row] : []));

test("every passage gets its row, with no more than the given number asked about at once", async () => {
  const generator = fake();
  const progress: Progress[] = [];
  const events = await collect(generator, { concurrency: 3, onProgress: (at) => progress.push(at) });
  expect(
    rowsOf(events)
      .map((row) => row.passage)
      .sort(),
  ).toEqual(passages.map(({ id }) => id).sort());
  expect(generator.atOnce).toBe(3);
  expect(progress[0]).toEqual({ done: 0, total: 12 });
  expect(progress.at(-1)).toEqual({ done: 12, total: 12 });
});

test("a run that was broken off goes on where it was and ends with the dataset of an unbroken one", async () => {
  const whole = await assembleDataset(passages, fake(), rowsOf(await collect(fake())));
  const kept: GenerationRow[] = [];
  for await (const event of generateQuestions(passages, fake(), { concurrency: 2 })) {
    if (event.kind === "row") kept.push(event.row);
    if (kept.length === 5) break;
  }
  const second = fake();
  const rest = rowsOf(await collect(second, { done: kept }));
  expect(rest).toHaveLength(7);
  expect(second.calls).toHaveLength(7);
  expect(await assembleDataset(passages, fake(), [...rest, ...kept])).toEqual(whole);
});

test("an edited passage, another count or another teacher is asked again, the rest is not", async () => {
  const done = rowsOf(await collect(fake()));
  const edited = passages.map((passage) => (passage.id === "p4" ? { ...passage, text: "new" } : passage));
  const again = fake();
  await collect(again, { done }, edited);
  expect(again.calls).toEqual(["p4"]);
  const three = fake();
  await collect(three, { done, count: 3 });
  expect(three.calls).toHaveLength(12);
  const other = Object.assign(fake(), { identity: "another prompt" });
  await collect(other, { done });
  expect(other.calls).toHaveLength(12);
});

test("failed passages are told by name, the rest goes on, and the next run asks about them alone", async () => {
  const events = await collect(fake(new Set(["p2", "p7"])));
  const failed = events.filter((event) => event.kind === "failed");
  expect(failed.map((event) => event.passage).sort()).toEqual(["p2", "p7"]);
  expect(failed[0]!.error).toMatchObject({ code: "network" });
  const second = fake();
  await collect(second, { done: rowsOf(events) });
  expect(second.calls.sort()).toEqual(["p2", "p7"]);
});

test("a teacher that is gone stops the job after a row of failures, naming the last", async () => {
  const all = fake(new Set(passages.map(({ id }) => id)));
  await laterRefusal(
    () => collect(all, { failuresInARow: 4, concurrency: 1 }),
    "network",
    "4 passages in a row",
    "no answer for p3",
  );
  expect(all.calls).toHaveLength(4);
});

test("a wrong key ends the job at once", async () => {
  const generator: Generator = {
    name: "x",
    kind: "teacher",
    generate: () => Promise.reject(new RetuneError("usage", "answered 401; check the key")),
  };
  await laterRefusal(() => collect(generator), "usage", "401");
});

test("cancelling keeps the rows yielded so far and asks about no further passage", async () => {
  const controller = new AbortController();
  const generator = fake();
  const rows: GenerationRow[] = [];
  await laterRefusal(async () => {
    for await (const event of generateQuestions(passages, generator, {
      concurrency: 2,
      signal: controller.signal,
    })) {
      if (event.kind === "row") rows.push(event.row);
      if (rows.length === 3) controller.abort();
    }
  }, "cancelled");
  expect(rows).toHaveLength(3);
  expect(generator.calls.length).toBeLessThanOrEqual(5);
});

test("the dataset follows the passages, keeps those without questions, and joins a question two passages share", async () => {
  const generator = fake();
  const rows = rowsOf(await collect(generator)).filter((row) => row.passage !== "p1");
  const shared = rows.map((row) =>
    row.passage === "p0" || row.passage === "p3"
      ? { ...row, questions: [{ text: "Same ?", rule: "topic", sentence: "S." }] }
      : row,
  );
  const dataset = await assembleDataset(passages, generator, shared);
  expect(dataset.passages.map(({ id }) => id)).toEqual(passages.map(({ id }) => id));
  expect(dataset.queries[0]).toEqual({
    id: "p0-q1",
    text: "Same ?",
    relevant: [
      { passage: "p0", grade: 1 },
      { passage: "p3", grade: 1 },
    ],
    origin: { kind: "teacher", detail: "topic", sentence: "S." },
  });
  expect(dataset.queries.some((query) => query.relevant[0]!.passage === "p1")).toBe(false);
  expect(new Set(dataset.queries.map((query) => query.id)).size).toBe(dataset.queries.length);
});
