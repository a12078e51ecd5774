import { expect, test } from "vitest";
import { costOf, cutsOf, Pace } from "../../src/engine/backends/webgpu/pace.ts";

test("a step that fits is one submit, a longer one is cut before the dispatch that passes the budget", () => {
  expect(cutsOf([4, 3, 3], 10)).toEqual([[0, 3]]);
  expect(cutsOf([4, 3, 4, 1], 10)).toEqual([
    [0, 2],
    [2, 4],
  ]);
});

test("a dispatch beyond the budget is a submit of its own, and none is lost or empty", () => {
  expect(cutsOf([50, 1, 60, 70], 10)).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
  expect(cutsOf([], 10)).toEqual([[0, 0]]);
});

test("a kernel bound by memory counts for more than its arithmetic", () => {
  expect(costOf({ kernel: "layerNorm", flops: 10 })).toBeGreaterThan(
    costOf({ kernel: "matmulNt", flops: 10 }),
  );
});

test("a step that takes longer than estimated is cut into more submits, one that is faster into fewer", () => {
  const pace = new Pace(Array<number>(100).fill(10), 100, 50); // 1000 of cost in an estimated 10 ms
  expect(pace.cuts.length).toBe(1);
  pace.measured(500); // 5 ms each: ten to a submit
  expect(pace.cuts.length).toBe(10);
  pace.measured(520); // near enough
  expect(pace.cuts.length).toBe(10);
  pace.measured(20);
  expect(pace.cuts.length).toBe(1);
});

test("the time of a submit starts when it was given or when the device was done with the one before", () => {
  const pace = new Pace([1], 1);
  expect(pace.done(100, 130)).toBe(30);
  expect(pace.done(110, 170)).toBe(40);
  expect(pace.done(500, 510)).toBe(10);
});
