import { describe, expect, test } from "vitest";
import { loadWasm } from "../../scripts/build-wasm.mjs";
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import type { CpuThreads } from "../../src/engine/backends/cpu-threads.ts";
import { CONTROL, type ThreadStart } from "../../src/engine/wasm/thread.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { matmulBuffers, matmulOf } from "./launch-cases.ts";
import { runLaunch } from "./single-launch.ts";

const LAYOUTS = ["NT", "NN", "TN", "TT"] as const;
const SIZES = [
  [250, 203, 104], // split by columns, an odd rest
  [3001, 17, 101], // too narrow for that: by rows
] as const;

describe.each(BUILDS)("%s on three threads", (build) => {
  test.each(LAYOUTS)("large products %s have the bits of one thread", async (layout) => {
    const single = await openBuild(build);
    const { backend, rounds } = await openThreads(build);
    for (const [m, n, k] of SIZES) {
      const launch = matmulOf(layout, m, n, k, []);
      const buffers = matmulBuffers(launch);
      const want = await runLaunch(single, launch, buffers);
      const got = await runLaunch(backend, launch, buffers);
      expect(Buffer.from(got[2]!.buffer).equals(Buffer.from(want[2]!.buffer))).toBe(true);
    }
    expect(rounds()).toBe(SIZES.length); // the helpers did take part
    backend.dispose();
  });
});

test("helpers that never come up cost nothing but their speed", async () => {
  const backend = await openCpu(await loadWasm(), { threads: { count: 4, start: () => undefined } });
  expect(backend.label).toContain("4 threads");
  const launch = matmulOf("NT", 250, 203, 104, []);
  const results = await runLaunch(backend, launch, matmulBuffers(launch));
  expect(results[2]!.some((value) => value !== 0)).toBe(true);
});

test("without threaded builds there is one thread", async () => {
  const { simd } = await loadWasm();
  expect((await openCpu({ simd }, { threads: nodeThreads(2) })).label).not.toContain("threads");
});

/** A backend whose helpers are ready. */
async function openThreads(
  build: (typeof BUILDS)[number],
): Promise<{ backend: Backend; rounds: () => number }> {
  await openBuild(build); // switches relaxed SIMD on
  const { count, start } = nodeThreads(3);
  const starts: ThreadStart[] = [];
  const watched: CpuThreads = { count, start: (thread) => (starts.push(thread), start(thread)) };
  const backend = await openCpu(await loadWasm(), { build, threads: watched });
  const { memory, control } = starts[0]!;
  const words = new Int32Array(memory.buffer, control, 16);
  while (Atomics.load(words, CONTROL.ready) < count - 1) await new Promise((done) => setTimeout(done, 5));
  return { backend, rounds: () => Atomics.load(words, CONTROL.generation) };
}
