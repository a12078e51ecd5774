import { expect, test } from "vitest";
import { CounterRandom } from "../../src/domain/random.ts";

test("the same seed gives the same numbers, and a restored state continues them", () => {
  const first = new CounterRandom(7);
  const numbers = Array.from({ length: 10 }, () => first.next());
  const second = new CounterRandom(7);
  for (let draw = 0; draw < 4; draw++) second.next();
  const restored = CounterRandom.restore(second.state);
  expect(Array.from({ length: 6 }, () => restored.next())).toEqual(numbers.slice(4));
  expect(new CounterRandom(8).next()).not.toBe(numbers[0]);
});

test("uniform numbers fill ten bins evenly (χ² of 9 degrees below 27.9, p 0.001)", () => {
  for (const seed of [0, 1, 2, 0xffffffff]) {
    const random = new CounterRandom(seed);
    const bins = new Float64Array(10);
    for (let draw = 0; draw < 100_000; draw++) bins[Math.floor(random.uniform() * 10)]!++;
    const chi = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(27.9);
  }
});

test("neighbouring seeds and streams are not correlated", () => {
  const signs = (random: CounterRandom): number[] =>
    Array.from({ length: 20_000 }, () => (random.next() & 1 ? 1 : -1));
  const product = (a: number[], b: number[]): number =>
    a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  const limit = 4 * Math.sqrt(20_000);
  expect(Math.abs(product(signs(new CounterRandom(1)), signs(new CounterRandom(2))))).toBeLessThan(limit);
  const streams = [CounterRandom.stream(1, 1), CounterRandom.stream(1, 2)] as const;
  expect(Math.abs(product(signs(streams[0]), signs(streams[1])))).toBeLessThan(limit);
});

test("a permutation holds every number once and every place is reached", () => {
  const first = new Set<number>();
  const random = new CounterRandom(3);
  for (let trial = 0; trial < 200; trial++) {
    const order = random.permutation(7);
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    first.add(order[0]!);
  }
  expect(first.size).toBe(7);
});
