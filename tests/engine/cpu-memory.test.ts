import { expect, test } from "vitest";
import { CpuMemory } from "../../src/engine/backends/cpu-memory.ts";
import { ScratchPool } from "../../src/engine/backends/cpu-scratch.ts";
import { RetuneError } from "../../src/engine/errors.ts";

test("addresses are cache lines apart, never 0, and hold zeros", () => {
  const memory = new CpuMemory();
  const [a, b] = [memory.allocate(4), memory.allocate(100)];
  expect(a).toBeGreaterThan(0);
  expect(b - a).toBe(64);
  expect([...memory.floats(b, 25)]).toEqual(new Array(25).fill(0));
});

test("freed ranges join and are handed out again, cleared", () => {
  const memory = new CpuMemory();
  const [a, b, c] = [memory.allocate(64), memory.allocate(64), memory.allocate(64)];
  memory.floats(b, 16).fill(7);
  for (const at of [a, c, b]) memory.free(at, 64);
  const joined = memory.allocate(192);
  expect(joined).toBe(a);
  expect([...memory.floats(joined, 48)]).toEqual(new Array(48).fill(0));
});

test("growing keeps what was written and leaves a page free past the end", () => {
  const memory = new CpuMemory();
  const a = memory.allocate(64);
  memory.floats(a, 1)[0] = 5;
  const big = memory.allocate(3_000_000);
  expect(memory.floats(a, 1)[0]).toBe(5);
  expect(memory.memory.buffer.byteLength).toBeGreaterThanOrEqual(big + 3_000_000 + 65_536);
});

test("the same work again and again does not grow memory", () => {
  const memory = new CpuMemory();
  const round = (): void => {
    const ranges = [100_000, 64, 5_000_000, 900].map((bytes) => ({ at: memory.allocate(bytes), bytes }));
    for (const { at, bytes } of ranges.reverse()) memory.free(at, bytes);
  };
  round();
  const { byteLength } = memory.memory.buffer;
  for (let i = 0; i < 50; i++) round();
  expect(memory.memory.buffer.byteLength).toBe(byteLength);
});

test("more than an address reaches is refused by name", () => {
  const memory = new CpuMemory();
  expect(() => memory.allocate(5 * 2 ** 30)).toThrow(RetuneError);
  expect(() => memory.allocate(5 * 2 ** 30)).toThrow(/5120 MiB more were refused/);
});

test("temporaries of several executables lie over one another, those of one side by side", () => {
  const memory = new CpuMemory();
  const pool = new ScratchPool(memory);
  const [large, small, later] = [pool.borrower(), pool.borrower(), pool.borrower()];
  const mine = [500_000, 300_000].map((bytes) => large.borrow(bytes));
  const { byteLength } = memory.memory.buffer;
  const theirs = [400_000, 200_000, 90_000].map((bytes) => small.borrow(bytes));
  expect(memory.memory.buffer.byteLength).toBe(byteLength);
  const sorted = theirs.map(({ at }, index) => [at, at + [400_000, 200_000, 90_000][index]!] as const);
  sorted.sort((a, b) => a[0] - b[0]);
  expect(sorted.every(([at], index) => index === 0 || at >= sorted[index - 1]![1])).toBe(true);
  for (const { giveBack } of [...mine, ...theirs]) giveBack();
  const again = memory.allocate(800_000); // all chunks were freed and joined
  expect(again).toBeLessThan(byteLength);
  expect(later.borrow(64).at).not.toBe(again);
});
