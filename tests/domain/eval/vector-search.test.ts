import { expect, test } from "vitest";
import { cosineScores } from "../../../src/domain/eval/dense.ts";
import { VectorSearch } from "../../../src/domain/eval/vector-search.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { RetuneError } from "../../../src/engine/errors.ts";

function vectors(rows: number, columns: number, seed: number): Matrix {
  const random = new CounterRandom(seed);
  const values = Float32Array.from({ length: rows * columns }, () => random.below(2001) / 1000 - 1);
  return { rows, columns, values };
}

test("scores of one question are the float64 path's to the last bit, copies and zero rows among them", () => {
  for (const rows of [1, 3, 4, 7, 501]) {
    const corpus = vectors(rows, 48, rows);
    if (rows > 4) corpus.values.copyWithin(5 * 48, 0, 48);
    if (rows > 4) corpus.values.fill(0, 48, 96);
    const query = vectors(1, 48, 99);
    const found = new VectorSearch(corpus).scores(query.values);
    expect(found).toEqual(cosineScores(query, corpus).values);
  }
});

test("vectors of another size are refused with both numbers", () => {
  const search = new VectorSearch(vectors(4, 48, 1));
  const run = (): unknown => search.scores(new Float32Array(32));
  expect(run).toThrow(RetuneError);
  expect(run).toThrow(/32 dimensions, the passages 48/);
});
