import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../../src/domain/data/dataset.ts";
import {
  cohereRows,
  writeCohereRows,
  type CohereSettings,
} from "../../../../src/domain/data/mining/cohere-rows.ts";
import type { Matrix } from "../../../../src/domain/matrix.ts";

// LlamaIndex's own files: tests/fixtures/mining/make_cohere.py.

interface Reference {
  readonly queries: Readonly<Record<string, string>>;
  readonly corpus: Readonly<Record<string, string>>;
  readonly relevant: Readonly<Record<string, readonly string[]>>;
  readonly vectors: Readonly<Record<string, readonly number[]>>;
  readonly files: Readonly<Record<string, string>>;
}
const place = new URL("../../../fixtures/mining/cohere.json", import.meta.url);
const peer = JSON.parse(readFileSync(place, "utf8")) as Reference;
const dataset: Dataset = {
  passages: Object.entries(peer.corpus).map(([id, text]) => ({ id, text })),
  queries: Object.entries(peer.queries).map(([id, text]) => ({
    ...{ id, text },
    relevant: peer.relevant[id]!.map((passage) => ({ passage, grade: 1 })),
  })),
};
const vectorsOf = (rows: readonly { readonly text: string }[]): Matrix => {
  const values = rows.map(({ text }) => peer.vectors[text]!);
  return { rows: rows.length, columns: 5, values: Float32Array.from(values.flat()) };
};
const vectors = { queries: vectorsOf(dataset.queries), corpus: vectorsOf(dataset.passages) };
const rows = (settings: Partial<CohereSettings>) =>
  cohereRows(dataset, { method: "cosine", negatives: 3, mode: "compatible", seed: 0, ...settings }, vectors);

describe("as LlamaIndex writes it", () => {
  test.each([
    ["none", { method: "none" }],
    ["cosine", {}],
    ["cosine of more than there are", { negatives: 20 }],
  ] as const)("%s: the same bytes", (name, settings) => {
    expect(writeCohereRows(rows(settings))).toBe(peer.files[name]);
  });

  test("a passage that two questions share is its own hard negative, as there", () => {
    const shared = rows({ negatives: 20 })[1]!;
    expect(shared.hard_negatives).toContain(shared.relevant_passages[0]);
  });

  test("random ones are drawn from the other questions' entries, none twice", () => {
    const drawn = rows({ method: "random", negatives: 6 });
    const pool = drawn.map(({ relevant_passages }) => relevant_passages[0]!);
    for (const [index, row] of drawn.entries())
      expect([...row.hard_negatives].sort()).toEqual(pool.filter((_, other) => other !== index).sort());
    const few = rows({ method: "random", negatives: 2 }).map(({ hard_negatives }) => hard_negatives);
    expect(few.every((own) => own.length === 2)).toBe(true);
    expect(rows({ method: "random", negatives: 2, seed: 1 }).map((row) => row.hard_negatives)).not.toEqual(
      few,
    );
  });
});

describe("as it should be", () => {
  test.each(["random", "cosine"] as const)("%s: no text twice, none that is right", (method) => {
    const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
    for (const [index, row] of rows({ method, negatives: 20, mode: "recommended" }).entries()) {
      const right = dataset.queries[index]!.relevant.map(({ passage }) => texts.get(passage)!);
      expect(new Set(row.hard_negatives).size).toBe(row.hard_negatives.length);
      expect(row.hard_negatives.filter((text) => right.includes(text))).toEqual([]);
      expect(row.hard_negatives.length).toBe(6 - right.length); // six passages answer something
    }
  });
});

test.each([
  ["half a negative", () => rows({ negatives: 0.5 }), "usage"],
  [
    "no vectors for cosine",
    () => cohereRows(dataset, { method: "cosine", negatives: 1, mode: "recommended", seed: 0 }, null),
    "E_MISMATCH",
  ],
  [
    "no question",
    () =>
      cohereRows(
        { queries: [], passages: [] },
        { method: "none", negatives: 0, mode: "recommended", seed: 0 },
        null,
      ),
    "too-little-data",
  ],
])("%s is refused", (_name, run, code) => {
  expect(run).toThrow(expect.objectContaining({ code }));
});
