import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { tilesOf } from "../../src/engine/backends/webgpu/tiles.ts";
import { dawn } from "./dawn.ts";
import { readParity } from "./fixtures.ts";
import { adamwCases, reduceCases, rowCases, softmaxCases } from "./kernel-cases.ts";
import { LaunchBench } from "./launch-bench.ts";
import { layerNormCases, poolingCases, rmsNormCases, rotaryCases } from "./kernel-cases-sequence.ts";
import { attentionCases, causalCases, oddHeadCases } from "./sequence-kernel-cases.ts";
import { replayFixture } from "./replay.ts";

/** The test machine's adapter under another name, so that everything meant for hardware runs: search, wide row kernels. */
async function disguised(): Promise<GPU> {
  const gpu = await dawn();
  const requestAdapter = async (request?: GPURequestAdapterOptions): Promise<unknown> => {
    const adapter = (await gpu.requestAdapter(request))!;
    const { limits, features } = adapter;
    const info = {
      vendor: "acme",
      architecture: "",
      device: "",
      description: "Acme 3000",
      isFallbackAdapter: false,
    };
    return {
      info,
      limits,
      features: new Set([...features, "shader-f16"]),
      requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
    };
  };
  return { requestAdapter } as unknown as GPU;
}

let backend: Backend;
beforeAll(async () => {
  backend = await openWebGpu(await disguised());
});
afterAll(() => backend.dispose());

test("a hardware adapter with shader-f16 keeps frozen weights in halves", () => {
  expect(backend.halfStorage).toBe(true);
});

test("a hardware adapter is named, and its tiles come from a search that can be stored and opened again", () => {
  expect(backend).toMatchObject({ label: "Acme 3000", software: false });
  expect(Object.keys(tilesOf(backend.build))).toEqual(["nt", "nn", "tn"]);
});

// A software adapter compiles the attention kernels with workgroup memory for seconds, on a busy machine for a minute.
const COMPILING_MS = 300_000;

test.each([
  ["sums", reduceCases],
  ["row operations", rowCases],
  ["softmax losses", softmaxCases],
  ["optimizer steps", adamwCases],
  ["layer norms", layerNormCases],
  ["root-mean-square norms", rmsNormCases],
  ["rotary positions", rotaryCases],
  ["means of segments", poolingCases],
  ["attention in tiles", (bench: LaunchBench) => attentionCases(bench, true)],
  ["causal attention in tiles", causalCases],
  ["attention in tiles with odd heads", oddHeadCases],
])(
  "%s equal their twins with 64 lanes",
  async (_name, cases) => {
    const bench = new LaunchBench();
    cases(bench);
    await bench.expectTwins(backend, { absolute: 1e-5, relative: 2e-5 });
  },
  COMPILING_MS,
);

test("an adapter trains as torch's with what the search chose", async () => {
  const { settings, tensors } = readParity("adapter-linear-bias");
  await replayFixture(backend, settings, tensors);
});
