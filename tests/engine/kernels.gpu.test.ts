import { expect, test } from "vitest";
import { readFileSync, readdirSync } from "node:fs";
import { TILES } from "../../src/engine/backends/webgpu/tiles.ts";
import { openDawn } from "./dawn.ts";
import { epilogueCases, matmulCases } from "./kernel-cases.ts";
import { attentionCases, causalAttentionCases } from "./kernel-cases-sequence.ts";
import { KERNEL_SUITE } from "./kernel-suite.ts";
import { LaunchBench } from "./launch-bench.ts";

const TOLERANCE = { absolute: 3e-6, relative: 2e-5 };

test.each(TILES)("products of every layout and size equal their twins with the tile %s", async (tile) => {
  const backend = await openDawn({ tiles: `wgsl nt=${tile} nn=${tile} tn=${tile}` });
  const bench = new LaunchBench();
  matmulCases(bench);
  await bench.expectTwins(backend, TOLERANCE);
  backend.dispose();
});

test.each(["8x8", "tiled32"])(
  "every step of a product's epilogue equals its twin with the tile %s",
  async (tile) => {
    const backend = await openDawn({ tiles: `wgsl nt=${tile} nn=${tile} tn=${tile}` });
    const bench = new LaunchBench();
    epilogueCases(bench);
    await bench.expectTwins(backend, TOLERANCE);
    backend.dispose();
  },
);

// Attention is held to its twin in sequence-kernels.gpu.test.ts, and in tiles in hardware-path.gpu.test.ts: heads of odd
// width would make a software adapter compile the kernels for hardware as well, for a minute.
const ELSEWHERE: readonly unknown[] = [matmulCases, epilogueCases, attentionCases, causalAttentionCases];

test.each(KERNEL_SUITE.filter(([, cases]) => !ELSEWHERE.includes(cases)))(
  "%s equal their twins at every size",
  async (_name, cases) => {
    const backend = await openDawn();
    const bench = new LaunchBench();
    cases(bench);
    await bench.expectTwins(backend, TOLERANCE);
    backend.dispose();
  },
);

test("the chain is the same text in all kernels that have one", () => {
  const folder = "src/engine/kernels";
  const chains = readdirSync(folder)
    .map(
      (name) =>
        /\/\/ --- the chain[^]*--- end of the chain ---/.exec(readFileSync(`${folder}/${name}`, "utf8"))?.[0],
    )
    .filter((chain) => chain !== undefined);
  expect(chains.length).toBe(5);
  expect(new Set(chains).size).toBe(1);
});
