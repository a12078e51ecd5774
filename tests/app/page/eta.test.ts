import { expect, test } from "vitest";
import { Eta } from "../../../src/app/page/eta.ts";

test("time left follows the pace of a stage, and begins anew with the next one", () => {
  let now = 0;
  const eta = new Eta(() => now);
  expect(eta.left(0, 100, "training")).toBeNull();
  now = 10_000;
  expect(eta.left(50, 100, "training")).toBe(10);
  now = 20_000;
  expect(eta.left(60, 200, "asking")).toBeNull();
  now = 21_000;
  expect(eta.left(70, 200, "asking")).toBe(13);
});

test("a stage that is begun again loses its pace", () => {
  let now = 0;
  const eta = new Eta(() => now);
  eta.left(10, 100);
  now = 5_000;
  expect(eta.left(20, 100)).toBe(40);
  expect(eta.left(0, 100)).toBeNull();
});
