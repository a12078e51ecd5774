import { expect, test } from "vitest";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { leaksBetween } from "../../../src/domain/data/leaks.ts";
import { splitByGroup } from "../../../src/domain/data/split.ts";
import { sha256 } from "../../../src/domain/data/hash.ts";
import { refusal } from "../formats/refusal.ts";

/** `documents` documents of 3 passages with 2 questions each; the last passage of each has none. */
function corpus(documents: number): Dataset {
  const passages = Array.from({ length: documents * 3 }, (_, index) => ({
    id: `p${index}`,
    text: `passage ${index}`,
    document: `d${Math.floor(index / 3)}`,
  }));
  const queries = passages
    .filter((_, index) => index % 3 < 2)
    .flatMap(({ id }) =>
      [0, 1].map((n) => ({ id: `${id}-${n}`, text: `${id} ${n}?`, relevant: [{ passage: id, grade: 1 }] })),
    );
  return { queries, passages };
}

test("an 80/20 split keeps every document whole and loses nothing", () => {
  const whole = corpus(20);
  const { parts, groups } = splitByGroup(whole, [0.8, 0.2], 7);
  expect(groups).toEqual([16, 4]);
  const [training, test] = parts.map((part) => new Set(part.passages.map((passage) => passage.document)));
  expect([...training!].filter((name) => test!.has(name))).toEqual([]);
  expect(parts[0]!.queries.length + parts[1]!.queries.length).toBe(whole.queries.length);
  expect(parts[0]!.passages.length + parts[1]!.passages.length).toBe(whole.passages.length);
  for (const part of parts) {
    const ids = new Set(part.passages.map((passage) => passage.id));
    for (const query of part.queries)
      for (const { passage } of query.relevant) expect(ids.has(passage)).toBe(true);
  }
});

test("the same seed gives the same split, another seed another one", () => {
  const whole = corpus(30);
  const ids = (seed: number) =>
    splitByGroup(whole, [8, 1, 1], seed).parts.map((part) => part.queries.map(({ id }) => id));
  expect(ids(1)).toEqual(ids(1));
  expect(ids(1)).not.toEqual(ids(2));
});

test("without document names each passage is a group of its own; every part gets one", () => {
  const { queries, passages } = corpus(1);
  const nameless = { queries, passages: passages.map(({ id, text }) => ({ id, text })) };
  expect(splitByGroup(nameless, [0.99, 0.01]).groups).toEqual([1, 1]);
  refusal(() => splitByGroup(nameless, [1, 1, 1]), "too-little-data", "2 documents", "3 parts");
});

test("Q4: texts that stand in training and validation are counted, whatever their spacing and case", () => {
  const one = corpus(2);
  const other: Dataset = {
    queries: [{ id: "x", text: "P0  0? ", relevant: [{ passage: "n", grade: 1 }] }],
    passages: [{ id: "n", text: "new" }],
  };
  const leaks = leaksBetween(one, other);
  expect(leaks).toMatchObject([{ code: "leak", count: 1 }]);
  expect(leaks[0]!.message).toContain("1 of 1 validation questions");
  expect(leaksBetween(one, one)).toHaveLength(2);
});

test("Q4: a passage of both corpora is a leak only where it answers questions of both", () => {
  const passages = ["one", "two"].map((text) => ({ id: text, text }));
  const asking = (text: string, passage: string): Dataset => ({
    queries: [{ id: text, text, relevant: [{ passage, grade: 1 }] }],
    passages,
  });
  expect(leaksBetween(asking("a?", "one"), asking("b?", "two"))).toEqual([]);
  expect(leaksBetween(asking("a?", "one"), asking("b?", "one"))).toMatchObject([{ count: 1 }]);
});

test("SHA-256 of a text is that of its UTF-8", async () => {
  const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  expect(await sha256("")).toBe(empty);
  expect(await sha256("é")).toBe(await sha256(Uint8Array.of(0xc3, 0xa9)));
});
