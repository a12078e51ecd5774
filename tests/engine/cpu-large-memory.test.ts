import { expect, test } from "vitest";
import { loadWasm } from "../../scripts/build-wasm.mjs";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { compile } from "../../src/engine/compile.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { layerNorm } from "../../src/engine/ops/layer-norm.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mean } from "../../src/engine/ops/reductions.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { numbers } from "./single-launch.ts";

const [ROWS, WIDTH, TABLE] = [9, 12, 20];

/** A step with weights, a table, a norm and an optimizer; `ballast` elements of memory are taken before them. */
async function smallStep(backend: Backend, ballast: number): Promise<Executable> {
  const before = await compile(backend, (graph) => ({
    outputs: {
      first: gather(graph.resident("ballast", "f32", [ballast, 64]), graph.input("row", "u32", [1])),
    },
  }));
  expect(before.plan.peakBytes).toBeGreaterThanOrEqual(ballast * 256);
  const step = await compile(backend, (graph) => {
    const table = graph.parameter("table", [TABLE, WIDTH]);
    const w = graph.parameter("w", [WIDTH, WIDTH]);
    const [gamma, beta] = [graph.parameter("gamma", [WIDTH]), graph.parameter("beta", [WIDTH])];
    const x = gather(table, graph.input("ids", "u32", [ROWS]));
    const y = layerNorm(matmul(x, w, { transposeB: true }), gamma, beta, { epsilon: 1e-5 });
    const loss = mean(matmul(y, x, { transposeB: true }));
    const parameters = [table, w, gamma, beta];
    return {
      updates: adamw(parameters, grad(loss, parameters), { learningRate: graph.scalar("learningRate") }),
      log: { loss },
    };
  });
  for (const [index, name] of ["table", "w", "gamma", "beta"].entries()) {
    const { shape } = step.layout.parameters[name]!;
    step.write(
      name,
      numbers(
        shape.reduce((product, size) => product * size, 1),
        index,
      ),
    );
  }
  return step;
}

test("addresses beyond 2 GiB compute what small ones do", async () => {
  const ids = Uint32Array.from({ length: ROWS }, (_, row) => (row * 7) % TABLE);
  const results = [];
  for (const ballast of [1, 9_000_000]) {
    const backend = await openCpu(await loadWasm(), { build: "wasm-simd" });
    const step = await smallStep(backend, ballast); // 9 million rows of 256 bytes: 2.15 GiB
    for (let count = 0; count < 3; count++) step.run({ ids, learningRate: 0.01 });
    results.push([await step.read("table"), await step.read("w"), (await step.log()).at(-1)]);
    step.dispose();
    backend.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

test("a model that does not fit is refused with its numbers", async () => {
  const backend = await openCpu(await loadWasm(), { build: "wasm-simd" });
  await expect(smallStep(backend, 20_000_000)).rejects.toThrow(RetuneError);
  await expect(smallStep(backend, 20_000_000)).rejects.toThrow(
    /4883 MiB more were refused .* ends at 4096 MiB/,
  );
});
