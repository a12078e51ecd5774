import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  readLlamaIndexDataset,
  writeLlamaIndexDataset,
} from "../../../src/domain/formats/llamaindex-dataset.ts";
import { refusal } from "./refusal.ts";

const folder = "tests/fixtures/formats/dataset";
const indented = readFileSync(`${folder}/indented.json`);
const oneLine = readFileSync(`${folder}/one-line.json`);
const file = (queries: unknown, corpus: unknown, relevant: unknown) =>
  JSON.stringify({ queries, corpus, relevant_docs: relevant }, null, 1);

test("writes the bytes of Python's json.dump, from either variant", () => {
  for (const bytes of [indented, oneLine]) {
    const { dataset } = readLlamaIndexDataset(bytes, "data.json");
    expect(writeLlamaIndexDataset(dataset)).toBe(indented.toString("latin1"));
  }
});

test("keeps file order of integer-like ids, several relevant passages and half characters", () => {
  const { dataset, warnings } = readLlamaIndexDataset(oneLine, "data.json");
  expect(dataset.queries.map((query) => query.id)).toEqual(["10", "2", "q-emoji", "__proto__"]);
  expect(dataset.passages.map((passage) => passage.id)).toEqual(["1", "0", "b0é"]);
  expect(dataset.queries[1]!.relevant).toEqual([
    { passage: "0", grade: 1 },
    { passage: "1", grade: 1 },
  ]);
  expect(dataset.queries[2]!.text.endsWith("half \ud83d")).toBe(true);
  expect(dataset.queries[0]!.origin).toEqual({ kind: "imported", detail: "data.json" });
  expect(warnings.map((warning) => [warning.code, warning.count])).toEqual([["lone-surrogate", 1]]);
});

test("document names come and go with the extra key, and only when asked for", () => {
  const text = JSON.stringify({
    queries: { q: "?" },
    corpus: { a: "one", b: "two", c: "three" },
    relevant_docs: { q: ["a"] },
    documents: { a: "guide.md", c: "faq.md", lost: "x.md" },
  });
  const { dataset, warnings } = readLlamaIndexDataset(text);
  expect(dataset.passages.map((passage) => passage.document)).toEqual(["guide.md", undefined, "faq.md"]);
  expect(warnings[0]).toMatchObject({ code: "document", count: 1 });
  expect(Object.keys(JSON.parse(writeLlamaIndexDataset(dataset)) as object)).toEqual([
    "queries",
    "corpus",
    "relevant_docs",
    "mode",
  ]);
  const withNames = writeLlamaIndexDataset(dataset, { documents: true });
  expect(JSON.parse(withNames)).toMatchObject({ documents: { a: "guide.md", c: "faq.md" } });
  expect(readLlamaIndexDataset(withNames).dataset).toEqual(dataset);
  const nameless = readLlamaIndexDataset(oneLine).dataset;
  expect(writeLlamaIndexDataset(nameless, { documents: true })).toBe(writeLlamaIndexDataset(nameless));
});

test("writes empty containers as Python does", () => {
  expect(writeLlamaIndexDataset({ queries: [], passages: [] })).toBe(
    '{\n    "queries": {},\n    "corpus": {},\n    "relevant_docs": {},\n    "mode": "text"\n}',
  );
});

test("unknown keys, another mode and relevance of unknown queries are warnings", () => {
  const text =
    '{"queries": {"q": "a?"}, "corpus": {"c": "x"},\n "relevant_docs": {"q": ["c", "c"], "gone": ["c"]}, "mode": "image", "name": 1}';
  const { dataset, warnings } = readLlamaIndexDataset(text, "d.json");
  expect(dataset.queries[0]!.relevant).toHaveLength(1);
  expect(warnings.map((warning) => warning.code).sort()).toEqual([
    "duplicate-judgement",
    "extra-key",
    "mode",
    "unknown-query",
  ]);
  expect(warnings.find((warning) => warning.code === "unknown-query")!.place).toEqual({
    file: "d.json",
    line: 2,
    column: 45,
  });
});

test("J4: a number where an id belongs is refused, since large ones change silently", () => {
  refusal(
    () => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, { q: [9007199254740993n.toString(), 1] })),
    "E_REFERENCE",
  );
  refusal(
    () => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, { q: [12] }), "d.json"),
    "E_FIELD",
    "12",
    "quotes",
    "line 10",
  );
});

test("J5, Q3: an id given twice keeps the last text and is reported", () => {
  const text =
    '{"queries": {"q": "?"}, "corpus": {"c": "old", "d": "x",\n"c": "new"}, "relevant_docs": {"q": ["c"]}}';
  const { dataset, warnings } = readLlamaIndexDataset(text, "d.json");
  expect(dataset.passages).toEqual([
    { id: "c", text: "new" },
    { id: "d", text: "x" },
  ]);
  expect(warnings[0]).toMatchObject({ code: "duplicate-key", place: { file: "d.json", line: 2, column: 1 } });
});

test("J9, J11: wrong types are named with their place", () => {
  refusal(() => readLlamaIndexDataset('[\n{"queries": {}}]'), "E_FIELD", "line 1, column 1", "a list");
  refusal(() => readLlamaIndexDataset(file([], {}, {})), "E_FIELD", "queries must be an object");
  refusal(
    () => readLlamaIndexDataset(file({ q: 7 }, { c: "x" }, { q: ["c"] })),
    "E_FIELD",
    'queries["q"]',
    "line 3",
  );
  refusal(() => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, { q: "c" })), "E_FIELD", "must be a list");
  refusal(
    () => readLlamaIndexDataset('{"queries": {}, "corpus": {}}'),
    "E_FIELD",
    '"relevant_docs" is missing',
    '"corpus"',
  );
});

test("Q1: a relevant passage that the corpus lacks", () => {
  refusal(
    () => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, { q: ["c", "d"] })),
    "E_REFERENCE",
    '"d"',
    "line 11",
  );
});

test("Q2, Q6, Q7: no relevant passage, no relevance, no query", () => {
  refusal(
    () => readLlamaIndexDataset(file({ q: "?", r: "??" }, { c: "x" }, { q: ["c"] })),
    "E_REFERENCE",
    '"r"',
    "line 4",
  );
  refusal(() => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, { q: [] })), "E_REFERENCE", "empty");
  refusal(() => readLlamaIndexDataset(file({ q: "?" }, { c: "x" }, {})), "E_EMPTY", "relevant_docs");
  refusal(() => readLlamaIndexDataset(file({}, { c: "x" }, {})), "E_EMPTY", "queries is empty");
});

test("Q3: a blank passage is refused, equal passages are counted", () => {
  refusal(
    () => readLlamaIndexDataset(file({ q: "?" }, { c: "x", d: " \n" }, { q: ["c"] })),
    "E_EMPTY",
    'corpus["d"]',
    "line 7",
  );
  const { warnings } = readLlamaIndexDataset(file({ q: "?" }, { c: "x", d: "x", e: "y" }, { q: ["c"] }));
  expect(warnings).toMatchObject([{ code: "duplicate-text", count: 1 }]);
});

test("Q5: one question over and over is a warning", () => {
  const { warnings } = readLlamaIndexDataset(
    file({ a: "?", b: "?", c: "?" }, { x: "1" }, { a: ["x"], b: ["x"], c: ["x"] }),
  );
  expect(warnings).toMatchObject([{ code: "all-equal", count: 2 }]);
});
