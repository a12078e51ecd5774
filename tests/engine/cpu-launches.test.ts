import { beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import type { Launch, Reduction } from "../../src/engine/plan.ts";
import { expectClose, type Tolerance } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { adamwCase, SHAPES, softmaxCase, softTargetsCase } from "./launch-cases.ts";
import { expectTwin, numbers, runLaunch, type LaunchBuffers } from "./single-launch.ts";

describe.each(BUILDS)("%s kernels equal the float64 twins", (build) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBuild(build);
  });
  const agree = (launch: Launch, buffers: LaunchBuffers, tolerance: Tolerance, name: string): Promise<void> =>
    expectTwin(backend, launch, buffers, tolerance, name);

  test.each(SHAPES)("sums of %i × %i", async (rows, columns) => {
    for (const axis of ["all", "rows", "columns"] as const) {
      for (const variant of [{}, { times: 1 }, { factor: 2 }, { root: true }] as Partial<Reduction>[]) {
        const plain = {
          times: undefined,
          factor: undefined,
          root: false,
          source: 0,
          out: 3,
          at: 2,
          scale: 0.5,
        };
        const launch: Launch = {
          kind: "reduce",
          reductions: [{ axis, rows, columns, ...plain, ...variant }],
        };
        const positive = numbers(rows * columns, 8).map(Math.abs);
        const out = new Float32Array(2 + Math.max(rows, columns));
        const buffers = [positive, numbers(rows * columns, 9), Float32Array.of(-3), out];
        await agree(
          launch,
          buffers,
          { absolute: 1e-6, relative: 2e-6 },
          `${axis} ${JSON.stringify(variant)}`,
        );
      }
    }
  });

  test("rows picked from two tables, f32 and u32, the last for an index past the table", async () => {
    const indices = Uint32Array.of(3, 0, 3, 9, 1);
    const copy = { tableRows: 4, indices: 4, rows: 5 };
    const launch: Launch = {
      kind: "gather",
      copies: [
        { ...copy, table: 0, out: 1, columns: 7, dtype: "f32" },
        { ...copy, table: 2, out: 3, columns: 1, dtype: "u32" },
      ],
    };
    const groups = Uint32Array.of(10, 11, 12, 0xffffffff);
    const buffers = [numbers(28, 1), new Float32Array(35), groups, new Uint32Array(5), indices];
    await agree(launch, buffers, {}, "rows");
  });

  test("rows added to those they came from", async () => {
    const launch: Launch = {
      kind: "scatter",
      source: 0,
      indices: 1,
      out: 2,
      rows: 5,
      tableRows: 4,
      columns: 7,
    };
    const buffers = [numbers(35, 1), Uint32Array.of(2, 0, 2, 8, 2), numbers(28, 4)];
    await agree(launch, buffers, { absolute: 2e-7 }, "table");
  });

  test.each(SHAPES)("row lengths of %i × %i, a row of zeros among them", async (rows, columns) => {
    const x = numbers(rows * columns, 6);
    if (rows > 1) x.fill(0, columns, 2 * columns);
    const sizes = { rows, columns, source: 0 };
    const out = new Float32Array(rows * columns);
    await agree({ kind: "rowNormalize", ...sizes, out: 1 }, [x, out], { absolute: 3e-7 }, "unit rows");
    const gradient: Launch = { kind: "rowNormalizeGradient", ...sizes, upstream: 1, out: 2 };
    // a single column has the gradient 0 as a difference of two numbers near 1/|x|
    await agree(
      gradient,
      [x, numbers(rows * columns, 7), out],
      { absolute: 3e-5, relative: 2e-6 },
      "gradient",
    );
  });

  describe("softmax cross-entropy of rows", () => {
    test.each([1, 3, 4, 5, 9, 130])("of %i columns, every variant", async (columns) => {
      for (const normalized of [false, true]) {
        for (const multi of [false, true]) {
          for (const grouped of [false, true]) {
            const { launch, buffers } = softmaxCase(columns, normalized, multi, grouped);
            const name = JSON.stringify({ normalized, multi, grouped });
            await agree(launch, buffers, { absolute: 4e-6, relative: 4e-6 }, name);
          }
        }
      }
    });

    test.each([1, 3, 4, 9, 130])("against soft targets over %i columns", async (columns) => {
      for (const normalized of [false, true]) {
        for (const grouped of [false, true]) {
          const { launch, buffers } = softTargetsCase(columns, normalized, grouped);
          const name = JSON.stringify({ normalized, grouped });
          await agree(launch, buffers, { absolute: 4e-6, relative: 4e-6 }, name);
        }
      }
    });

    test("without gradients", async () => {
      const { launch, buffers } = softmaxCase(9, false, false, true);
      await agree({ ...launch, coefficients: undefined }, buffers, { absolute: 4e-6 }, "loss");
    });

    test("stays exact where the positive is certain or hopeless", async () => {
      const { launch, buffers } = softmaxCase(5, false, false, false);
      const logits = new Float32Array(buffers[0]!.length).fill(-4);
      logits[0] = 4; // loss of row 0 near e^-160, of the others near 160
      await agree(launch, [logits, ...buffers.slice(1)], { absolute: 1e-6, relative: 2e-6 }, "loss");
    });
  });

  test("partial sums of squares, the last chunk short and one beyond the end", async () => {
    const launch: Launch = { kind: "sumSquares", source: 0, elements: 133, chunk: 64, count: 4, partials: 1 };
    await agree(launch, [numbers(133, 2), numbers(4, 3)], { relative: 2e-6 }, "partials");
  });

  describe("adamw", () => {
    test("moves every segment by its own decay and nothing between them", async () => {
      const { launch, buffers } = adamwCase(0.5);
      await agree(launch, buffers, { absolute: 1e-7, relative: 2e-6 }, "clipped");
      const loose = adamwCase(Infinity);
      await agree(loose.launch, loose.buffers, { absolute: 1e-7, relative: 2e-6 }, "not clipped");
    });

    test.each([NaN, Infinity, -Infinity])("touches nothing when the squares sum to %d", async (bad) => {
      const { launch, buffers } = adamwCase(0.5);
      const broken = buffers.map((values, id) => (id === 6 ? Float32Array.of(1, bad) : values));
      const got = await runLaunch(backend, launch, broken);
      for (const id of [0, 1, 2]) expectClose(got[id]!, broken[id]!, {}, `buffer ${id}`);
      expect(got[7]![0]).toBe(1);
    });
  });
});
