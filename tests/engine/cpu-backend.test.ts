import { describe, expect, test } from "vitest";
import { loadWasm } from "../../scripts/build-wasm.mjs";
import type { Backend } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { compileStep } from "./adapter-step.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { PARITY_NAMES, readParity } from "./fixtures.ts";
import { replayFixture } from "./replay.ts";
import { numbers } from "./single-launch.ts";

describe.each(BUILDS)("%s", (build) => {
  test.each(PARITY_NAMES)("trains %s as torch does", async (name) => {
    const { settings, tensors } = readParity(name);
    await replayFixture(await openBuild(build), settings, tensors);
  });

  test("names itself for the run's record", async () => {
    const backend = await openBuild(build);
    expect(backend.build).toBe(build);
    expect(backend.kind).toBe("cpu");
  });

  test("trains to the same bits every time, also among other executables", async () => {
    const backend = await openBuild(build);
    const alone = await trained(await openBuild(build));
    await trained(backend);
    expect(await trained(backend)).toEqual(alone);
  });
});

/** The bits of the weights after five steps. */
async function trained(backend: Backend): Promise<Uint32Array> {
  const step = await compileStep(backend, SHAPE, { rows: 40, batch: 7, scale: 20 });
  step.write("queries", numbers(40 * SHAPE.dim, 1));
  step.write("documents", numbers(40 * SHAPE.dim, 2));
  for (const [index, [name, { shape }]] of Object.entries(step.layout.parameters).entries()) {
    step.write(
      name,
      numbers(
        shape.reduce((product, size) => product * size, 1),
        index + 3,
      ),
    );
  }
  for (let index = 0; index < 5; index++) {
    step.run({
      batch: Uint32Array.from({ length: 7 }, (_, row) => (index * 7 + row) % 40),
      learningRate: 0.01,
    });
  }
  const weights = await Promise.all(Object.keys(step.layout.parameters).map((name) => step.read(name)));
  step.dispose();
  return new Uint32Array(Float32Array.from(weights.flatMap((values) => [...values])).buffer);
}

const SHAPE = { dim: 21, hidden: 34, activation: "gelu", residual: true } as const;

test("takes relaxed SIMD where the engine has it, and the asked build always", async () => {
  await openBuild("wasm-relaxed-simd"); // switches it on in this process
  const wasm = await loadWasm();
  expect((await openCpu(wasm)).build).toBe("wasm-relaxed-simd");
  expect((await openCpu(wasm, { build: "wasm-simd" })).build).toBe("wasm-simd");
  expect((await openCpu({ simd: wasm.simd })).build).toBe("wasm-simd");
});

test("says what is missing where a build cannot run", async () => {
  const { simd } = await loadWasm();
  await expect(openCpu({ simd }, { build: "wasm-relaxed-simd" })).rejects.toMatchObject({
    code: "unsupported",
  });
  await expect(openCpu({ simd: Uint8Array.of(0, 97, 115, 109, 9) })).rejects.toThrow(/no WASM SIMD/);
});
