import { afterAll, beforeAll, expect, test } from "vitest";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import type { DType } from "../../src/engine/graph.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { expectClose } from "../close.ts";
import { openDawn } from "./dawn.ts";
import { randomValues } from "./fixtures.ts";

const backends: Backend[] = [];
beforeAll(async () => {
  for (const tile of ["8x8", "tiled32"])
    backends.push(await openDawn({ tiles: `wgsl nt=${tile} nn=${tile} tn=${tile}` }));
});
afterAll(() => backends.forEach((backend) => backend.dispose()));

const ROWS = 9;

/** Rows of a frozen table through a frozen linear layer, and what flows back to a parameter that was added. */
async function through(backend: Backend, width: number, features: number, dtype: DType) {
  const step = await compile(backend, (graph) => {
    const table = graph.resident("table", dtype, [21, width]);
    const weight = graph.resident("weight", dtype, [features, width]);
    const shift = graph.parameter("shift", [ROWS, width]);
    const rows = gather(table, graph.input("ids", "u32", [ROWS]));
    const mixed = matmul(shift, rows, { transposeB: true });
    const out = matmul(matmul(mixed, rows), weight, { transposeB: true });
    return { outputs: { rows, out, slope: grad(sum(out), [shift])[0]! } };
  });
  step.write("table", randomValues(21 * width, 1));
  step.write("weight", randomValues(features * width, 2));
  step.write("shift", randomValues(ROWS * width, 3));
  step.run({ ids: Uint32Array.from({ length: ROWS }, (_, row) => (row * 5) % 23) });
  const results = [await step.read("rows"), await step.read("out"), await step.read("slope")];
  step.dispose();
  return results;
}

test.each([
  [8, 12],
  [7, 5],
])("frozen weights of %i × %i in half precision compute as rounded ones in full", async (width, features) => {
  const want = await through(openReference(), width, features, "f16");
  const exact = await through(openReference(), width, features, "f32");
  expect(want[1]).not.toEqual(exact[1]); // rounding shows
  for (const backend of backends) {
    const got = await through(backend, width, features, "f16");
    got.forEach((values, index) => expectClose(values, want[index]!, { absolute: 2e-5, relative: 2e-5 }));
  }
});
