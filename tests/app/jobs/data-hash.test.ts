import { expect, test } from "vitest";
import { dataHash } from "../../../src/app/jobs/data-hash.ts";
import { sha256 } from "../../../src/domain/data/hash.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";

const side = (name: string, rows: number): Dataset => ({
  passages: Array.from({ length: rows }, (_, row) => ({ id: `${name}${row}`, text: `Text ${row} "é" 😀` })),
  queries: Array.from({ length: rows }, (_, row) => ({
    id: `q${row}`,
    text: `What of ${row}?`,
    relevant: [{ passage: `${name}${row}`, grade: 1 }],
  })),
});

test("written piece by piece, it is the hash of the whole as JSON, as runs from before have it", async () => {
  const data = { train: side("a", 700), test: side("b", 3) };
  const rows = [data.train, data.test].map(({ passages, queries }) => [
    passages.map(({ id, text }) => [id, text]),
    queries.map(({ id, text, relevant }) => [id, text, relevant.map((row) => [row.passage, row.grade])]),
  ]);
  expect(await dataHash(data)).toBe(await sha256(JSON.stringify(rows)));
});

test("negatives belong to the data where there are any", async () => {
  const train = side("a", 2);
  const empty = { queries: [], passages: [] };
  const queries = train.queries.map((query) => ({ ...query, negatives: ["a1"] }));
  const plain = await dataHash({ train, test: empty });
  expect(await dataHash({ train: { ...train, queries }, test: empty })).not.toBe(plain);
});
