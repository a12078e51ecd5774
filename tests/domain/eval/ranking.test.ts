import { expect, test } from "vitest";
import { idOrder } from "../../../src/domain/eval/metrics.ts";
import { ranking, topColumns } from "../../../src/domain/eval/ranking.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const random = new CounterRandom(5);

test.each([
  [1, 1],
  [10, 3],
  [1000, 7],
  [1000, 100_000],
])(
  "of %i scores on %i levels the first are those of a whole sort, ties by the order of ids",
  (count, levels) => {
    const scores = Float32Array.from({ length: count }, () => random.below(levels) / levels);
    const order = idOrder(Array.from({ length: count }, (_, index) => `p${(index * 7919) % count}`));
    const sorted = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || order[a]! - order[b]!);
    expect([...ranking(scores, order)]).toEqual(sorted);
    for (const top of [0, 1, 5, 100, 5000]) {
      expect([...topColumns(scores, order, top)]).toEqual(sorted.slice(0, top));
    }
  },
);

test("closed columns are left out, whatever their score", () => {
  for (let turn = 0; turn < 40; turn++) {
    const size = 1 + random.below(60);
    const row = Float32Array.from({ length: size }, () => random.below(7) / 7); // ties on purpose
    const order = idOrder(Array.from({ length: size }, (_, index) => `p${(index * 7) % size}-${index}`));
    const open = (column: number): boolean => column % 5 !== 2;
    const count = random.below(size + 3);
    const expected = [...ranking(row, order)].filter(open).slice(0, count);
    expect([...topColumns(row, order, count, open)]).toEqual(expected);
  }
});
