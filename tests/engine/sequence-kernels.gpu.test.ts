import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "./dawn.ts";
import { LaunchBench } from "./launch-bench.ts";
import {
  accumulateCases,
  attentionCases,
  blockCases,
  layerNormCases,
  scatterCases,
  segmentCases,
  tallSumCases,
  targetCases,
} from "./sequence-kernel-cases.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn();
});
afterAll(() => backend.dispose());

const CASES: [string, (bench: LaunchBench) => void][] = [
  ["layer norms and their gradients", layerNormCases],
  ["attention and its gradients", (bench) => attentionCases(bench, false)],
  ["attention with dropout and its gradients", (bench) => attentionCases(bench, true)],
  ["means of segments", segmentCases],
  ["blocks", blockCases],
  ["gradients of tables", scatterCases],
  ["sums down tall columns", tallSumCases],
  ["softmax losses with soft targets", targetCases],
  ["accumulated gradients", accumulateCases],
];

test.each(CASES)("%s equal their twins", async (_name, cases) => {
  const bench = new LaunchBench();
  cases(bench);
  await bench.expectTwins(backend, { absolute: 1e-5, relative: 2e-5 });
});

test.each(CASES)("%s have the same bits on every run", async (_name, cases) => {
  const bench = new LaunchBench();
  cases(bench);
  const [first, second] = [await bench.results(backend), await bench.results(backend)];
  expect(first.length).toBeGreaterThan(0);
  expect(second).toEqual(first);
});
