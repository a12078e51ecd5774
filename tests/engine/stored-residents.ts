import { grad } from "../../src/engine/autodiff.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import type { DType } from "../../src/engine/graph.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { randomValues } from "./fixtures.ts";

const ROWS = 9;

export interface Through {
  readonly results: readonly Float32Array[]; // rows of the table, the output, the slope
  readonly peakBytes: number;
}

/** Rows of a frozen table through a frozen linear layer, and what flows back to a parameter that was added. */
export async function through(
  backend: Backend,
  width: number,
  features: number,
  dtype: DType,
): Promise<Through> {
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
  const { peakBytes } = step.plan;
  step.dispose();
  return { results, peakBytes };
}
