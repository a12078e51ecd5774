import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openDawn } from "./dawn.ts";
import { layerNormCases } from "./kernel-cases-sequence.ts";
import { LaunchBench } from "./launch-bench.ts";
import {
  attentionCases,
  causalCases,
  scatterCases,
  tallSumCases,
  targetCases,
} from "./sequence-kernel-cases.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn();
});
afterAll(() => backend.dispose());

/** Beyond the suite of all backends: what WGSL kernels cut into tiles, parts or owners. */
const CASES: [string, (bench: LaunchBench) => void][] = [
  ["attention over tiles and its gradients", (bench) => attentionCases(bench, false)],
  ["attention with dropout and its gradients", (bench) => attentionCases(bench, true)],
  ["causal and grouped attention and its gradients", causalCases],
  ["gradients of tables of every kind of owner", scatterCases],
  ["sums down tall columns", tallSumCases],
  ["softmax losses with soft targets", targetCases],
];

test.each(CASES)("%s equal their twins", async (_name, cases) => {
  const bench = new LaunchBench();
  cases(bench);
  await bench.expectTwins(backend, { absolute: 1e-5, relative: 2e-5 });
});

test.each([...CASES, ["layer norms and their gradients", layerNormCases] as const])(
  "%s have the same bits on every run",
  async (_name, cases) => {
    const bench = new LaunchBench();
    cases(bench);
    const [first, second] = [await bench.results(backend), await bench.results(backend)];
    expect(first.length).toBeGreaterThan(0);
    expect(second).toEqual(first);
  },
);
