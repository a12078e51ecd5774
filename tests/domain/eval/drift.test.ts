import { expect, test } from "vitest";
import {
  driftReport,
  linearCka,
  meanCosine,
  overlap,
  rankBiasedOverlap,
} from "../../../src/domain/eval/drift.ts";
import { generalSet } from "../../../src/domain/eval/general/general-set.ts";
import { tokens } from "../../../src/domain/eval/tokens.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { expectClose } from "../../close.ts";

const random = new CounterRandom(17);
const normal = (): number =>
  Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());

function matrix(rows: number, columns: number, at: (row: number, column: number) => number): Matrix {
  const values = Float32Array.from({ length: rows * columns }, (_, index) =>
    at(Math.floor(index / columns), index % columns),
  );
  return { rows, columns, values };
}

const WIDTH = 16;
const corpus = matrix(80, WIDTH, normal);
const noise = matrix(160, WIDTH, normal);
const asked = matrix(160, WIDTH, (row, k) => {
  const own = corpus.values[(row >> 1) * WIDTH + k]!;
  return own + 0.25 * noise.values[row * WIDTH + k]!;
});
const general: Dataset = {
  passages: Array.from({ length: 80 }, (_, index) => ({ id: `p${100 + index}`, text: "" })),
  queries: Array.from({ length: 160 }, (_, row) => ({
    id: `q${row}`,
    text: "",
    relevant: [{ passage: `p${100 + (row >> 1)}`, grade: 1 }],
  })),
};
const none = matrix(0, WIDTH, () => 0);

const report = (queries: Matrix, after = corpus) =>
  driftReport({
    general,
    before: { queries: asked, corpus },
    after: { queries, corpus: after },
    anchors: { before: none, after: none },
    index: { kind: "valid" },
    seed: 1,
  });

test("a model that did not change has drifted by nothing and is not inferior", () => {
  const same = report(asked);
  expectClose(
    [same.meanCosine, same.neighbourOverlap, same.rankBiasedOverlap, same.linearCka],
    [1, 1, 1, 1],
    { absolute: 1e-6 },
  );
  expect(same.general.delta).toMatchObject({ value: 0, low: 0, high: 0 });
  expect(same.nonInferior).toBe(true);
  expect(same.sentence).toMatch(/The index stays valid\.$/);
});

test("turning all vectors alike changes cosines to the old ones, but no neighbour and no CKA", () => {
  const turned = (own: Matrix): Matrix =>
    matrix(own.rows, WIDTH, (row, k) => own.values[row * WIDTH + ((k + 1) % WIDTH)]! * (k % 2 ? -1 : 1));
  const found = report(turned(asked), turned(corpus));
  expect(found.meanCosine).toBeLessThan(0.3);
  expectClose([found.neighbourOverlap, found.linearCka], [1, 1], { absolute: 1e-5 });
  expect(found.nonInferior).toBe(true);
});

test("a model that forgot half of its dimensions is said to have lost on general questions", () => {
  const forgetful = matrix(160, WIDTH, (row, k) => (k < 11 ? 0.05 : 1) * asked.values[row * WIDTH + k]!);
  const found = report(forgetful);
  expect(found.general.delta.high).toBeLessThan(0);
  expect(found.nonInferior).toBe(false);
  expect(found.neighbourOverlap).toBeLessThan(0.8);
  expect(found.sentence).toMatch(/cannot be ruled out/);
});

test("a change that is too noisy to tell is not called harmless", () => {
  const shaken = (): Matrix =>
    matrix(160, WIDTH, (row, k) => corpus.values[(row >> 1) * WIDTH + k]! + 1.5 * normal());
  const found = driftReport({
    general,
    before: { queries: shaken(), corpus },
    after: { queries: shaken(), corpus },
    anchors: { before: none, after: none },
    index: { kind: "valid" },
    seed: 1,
  });
  expect(found.general.delta.high).toBeGreaterThan(0);
  expect(found.general.delta.low).toBeLessThan(-0.01);
  expect(found.nonInferior).toBe(false);
});

test("an index that must be made anew is told with its size and time", () => {
  const found = driftReport({
    general,
    before: { queries: asked, corpus },
    after: { queries: asked, corpus },
    anchors: { before: none, after: none },
    index: { kind: "embed-again", chunks: 12_000, seconds: 600 },
    seed: 1,
  });
  expect(found.sentence).toMatch(/Re-embed 12000 chunks, about 10 min\.$/);
});

test("overlap counts the common first k, rank-biased overlap weighs the front more", () => {
  const list = (...columns: number[]): Uint32Array => Uint32Array.from(columns);
  expect(overlap(list(1, 2, 3, 4), list(2, 1, 5, 6), 2)).toBe(1);
  expect(overlap(list(1, 2, 3, 4), list(2, 1, 5, 6), 4)).toBe(0.5);
  // By hand, p = .5, depth 3: agreements 0, 1, 2/3; (0 + .5 + .25·2/3) / (1 + .5 + .25)
  expectClose([rankBiasedOverlap(list(1, 2, 3), list(2, 1, 4), 0.5)], [(0 + 0.5 + 0.25 * (2 / 3)) / 1.75], {
    absolute: 1e-12,
  });
  const front = rankBiasedOverlap(list(1, 2, 3, 4), list(9, 2, 3, 4));
  const back = rankBiasedOverlap(list(1, 2, 3, 4), list(1, 2, 3, 9));
  expect(front).toBeLessThan(back);
  expect(rankBiasedOverlap(list(1, 2), list(3, 4))).toBe(0);
});

test("linear CKA follows its definition by Gram matrices and ignores scale", () => {
  const x = matrix(9, 4, normal);
  const y = matrix(9, 3, normal);
  const gram = ({ rows, columns, values }: Matrix): number[][] => {
    const means = Array.from({ length: columns }, (_, k) =>
      Array.from({ length: rows }, (_row, row) => values[row * columns + k]! / rows).reduce((a, b) => a + b),
    );
    const at = (row: number, k: number): number => values[row * columns + k]! - means[k]!;
    return Array.from({ length: rows }, (_, i) =>
      Array.from({ length: rows }, (_j, j) => means.reduce((sum, _mean, k) => sum + at(i, k) * at(j, k), 0)),
    );
  };
  const inner = (a: number[][], b: number[][]): number =>
    a.flat().reduce((sum, value, index) => sum + value * b.flat()[index]!, 0);
  const [k, l] = [gram(x), gram(y)];
  expectClose([linearCka(x, y)], [inner(k, l) / Math.sqrt(inner(k, k) * inner(l, l))], { absolute: 1e-5 });
  const scaled = { ...y, values: y.values.map((value) => 7 * value) };
  expectClose([linearCka(x, scaled)], [linearCka(x, y)], { absolute: 1e-6 });
  expectClose([meanCosine(x, { ...x, values: x.values.map((value) => -2 * value) })], [-1], {
    absolute: 1e-6,
  });
});

test("the general set asks 160 questions about 80 passages, none twice and none that quotes its passage", () => {
  const { queries, passages } = generalSet();
  expect([passages.length, queries.length]).toEqual([80, 160]);
  expect(new Set(queries.map(({ text }) => text)).size).toBe(160);
  expect(new Set(passages.map(({ text }) => text)).size).toBe(80);
  const texts = new Map(passages.map(({ id, text }) => [id, text]));
  for (const { text, relevant } of queries) {
    expect(text).toMatch(/^[A-Z].*\?$/);
    expect(tokens(texts.get(relevant[0]!.passage)!).length).toBeGreaterThan(12);
  }
});
