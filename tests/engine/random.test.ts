import { expect, test } from "vitest";
import { dropThreshold, keeps, randomBits } from "../../src/engine/random.ts";

test("the generator is pcg3d: known bits for known counters", () => {
  // x-component of pcg3d(1, 2, 3) and pcg3d(0, 0, 0), computed with big integers from the paper's text
  const pcg3d = (x: bigint, y: bigint, z: bigint): number => {
    const wrap = (value: bigint): bigint => value & 0xffffffffn;
    let [a, b, c] = [x, y, z].map((v) => wrap(v * 1664525n + 1013904223n)) as [bigint, bigint, bigint];
    a = wrap(a + b * c);
    b = wrap(b + c * a);
    c = wrap(c + a * b);
    [a, b, c] = [a ^ (a >> 16n), b ^ (b >> 16n), c ^ (c >> 16n)];
    return Number(wrap(a + b * c));
  };
  for (const [x, y, z] of [
    [0, 0, 0],
    [1, 2, 3],
    [0xffffffff, 7, 0x80000000],
  ] as const) {
    expect(randomBits(x, y, z)).toBe(pcg3d(BigInt(x), BigInt(y), BigInt(z)));
  }
});

test("a rate of 0.3 drops three of ten, others at another step, the same ones again", () => {
  const dropped = (counter: number): number[] =>
    Array.from({ length: 10_000 }, (_, index) => index).filter(
      (index) => !keeps(index, counter, 1, dropThreshold(0.3)),
    );
  expect(dropped(1).length).toBeGreaterThan(2850);
  expect(dropped(1).length).toBeLessThan(3150);
  expect(dropped(1)).toEqual(dropped(1));
  const both = new Set(dropped(1));
  expect(dropped(2).filter((index) => both.has(index)).length).toBeLessThan(1100); // about 0.3 · 0.3
});
