import { expect, test } from "vitest";
import { cosineScores } from "../../../src/domain/eval/dense.ts";
import { rowOf, type Matrix } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const random = new CounterRandom(seed);
  return {
    rows,
    columns,
    values: Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5),
  };
}

function plainCosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    dot += a[k]! * b[k]!;
    aa += a[k]! ** 2;
    bb += b[k]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}

test.each([
  [1, 1, 1],
  [4, 2, 8],
  [5, 3, 7],
  [9, 11, 33],
])("cosines of %i queries × %i documents × %i dimensions equal the plain formula", (q, n, d) => {
  const queries = randomMatrix(q, d, 1);
  const documents = randomMatrix(n, d, 2);
  const want = Array.from({ length: q * n }, (_, at) =>
    plainCosine(rowOf(queries, Math.floor(at / n)), rowOf(documents, at % n)),
  );
  expectClose(cosineScores(queries, documents).values, want, { absolute: 1e-7 });
});

test("equal documents tie exactly wherever they stand, and a zero vector scores 0", () => {
  const documents = randomMatrix(7, 33, 3);
  for (const copy of [1, 6]) documents.values.copyWithin(copy * 33, 0, 33);
  documents.values.fill(0, 3 * 33, 4 * 33);
  const { values } = cosineScores(randomMatrix(5, 33, 4), documents);
  for (let row = 0; row < 5; row++) {
    expect(values[row * 7 + 1]).toBe(values[row * 7]);
    expect(values[row * 7 + 6]).toBe(values[row * 7]);
    expect(values[row * 7 + 3]).toBe(0);
  }
});

test("vectors of two models are refused with both dimensions named", () => {
  expect(() => cosineScores(randomMatrix(1, 384, 1), randomMatrix(1, 768, 1))).toThrow(/384 .*768/);
});
