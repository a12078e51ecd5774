import { describe, expect, test } from "vitest";
import { loadWasm } from "../../scripts/build-wasm.mjs";
import { nodeThreads } from "../../cli/ports/node-threads.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import type { CpuThreads } from "../../src/engine/backends/cpu-threads.ts";
import { CONTROL, type ThreadStart } from "../../src/engine/wasm/thread.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import type { Reduction } from "../../src/engine/plan.ts";
import { adamwCase, matmulBuffers, matmulOf } from "./launch-cases.ts";
import { attentionCase, attentionGradientCase, layerNormCases, type LaunchCase } from "./sequence-cases.ts";
import { numbers, runLaunch, runTwin } from "./single-launch.ts";

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

describe.each(BUILDS)("%s on three threads", (build) => {
  test.each(sharedCases().map((each) => [each.launch.kind, each] as const))(
    "a large %s has the bits of one thread",
    async (_kind, { launch, buffers }) => {
      const single = await openBuild(build);
      const { backend, rounds } = await openThreads(build);
      const want = await runLaunch(single, launch, buffers);
      const got = await runLaunch(backend, launch, buffers);
      got.forEach((values, id) => {
        expect(Buffer.from(values.buffer).equals(Buffer.from(want[id]!.buffer)), `buffer ${id}`).toBe(true);
      });
      expect(rounds()).toBe(1);
      backend.dispose();
    },
  );
});

/** Launches that are cut into several calls. */
function sharedCases(): readonly LaunchCase[] {
  const packing = { lengths: [40, 3, 0, 97], padding: 5, heads: 2, headSize: 8 };
  const attention = attentionCase(packing, true);
  const size = 700_001;
  const [rows, columns] = [1301, 390];
  const optimizer = adamwCase(0.5);
  const segments = [{ name: "a", offset: 0, elements: size, weightDecay: 0.01 }];
  const arena = Math.ceil(size / 64) * 64;
  return [
    ...layerNormCases(rows, columns),
    attention,
    attentionGradientCase(packing, true, runTwin(attention.launch, attention.buffers)),
    {
      launch: {
        kind: "elementwise",
        rows: 1,
        columns: size,
        source: { buffer: 0, broadcast: "full" },
        out: 1,
        steps: [
          { kind: "dropout", rate: 0.4, seed: 3, counter: 2 },
          { kind: "activation", activation: "gelu" },
        ],
      },
      buffers: [numbers(size, 1), new Float32Array(size), Uint32Array.of(2)],
    },
    {
      launch: { kind: "reduce", reductions: [sumOfColumns(6 * rows, columns)] },
      buffers: [numbers(6 * rows * columns, 1), new Float32Array(columns)],
    },
    {
      launch: { kind: "scatter", source: 0, indices: 1, out: 2, rows: 50, tableRows: 40_000, columns: 130 },
      buffers: [
        numbers(50 * 130, 1),
        Uint32Array.from({ length: 50 }, (_, row) => (row % 7) * 999),
        new Float32Array(40_000 * 130),
      ],
    },
    {
      launch: { ...optimizer.launch, elements: arena, segments },
      buffers: [
        numbers(arena, 1),
        numbers(arena, 2),
        numbers(2 * arena, 3).map(Math.abs),
        ...optimizer.buffers.slice(3),
      ],
    },
  ];
}

function sumOfColumns(rows: number, columns: number): Reduction {
  const plain = { times: undefined, factor: undefined, root: false, scale: 0.5 };
  return { axis: "columns", rows, columns, source: 0, out: 1, at: 0, ...plain };
}

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
