import { beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import type { Launch, Step } from "../../src/engine/plan.ts";
import { type Tolerance } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { chains, matmulBuffers, matmulOf, SHAPES, sizeOf } from "./launch-cases.ts";
import { expectTwin, numbers, runLaunch, type LaunchBuffers } from "./single-launch.ts";

describe.each(BUILDS)("%s kernels equal the float64 twins", (build) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBuild(build);
  });
  const agree = (launch: Launch, buffers: LaunchBuffers, tolerance: Tolerance, name: string): Promise<void> =>
    expectTwin(backend, launch, buffers, tolerance, name);

  describe.each(["NT", "NN", "TN", "TT"] as const)("matmul %s", (layout) => {
    test.each([
      [1, 1, 1],
      [1, 5, 3],
      [5, 1, 7],
      [3, 7, 1],
      [4, 8, 16],
      [5, 8, 16],
      [6, 9, 17],
      [7, 13, 33],
      [10, 24, 48],
      [66, 65, 70],
      [11, 19, 1030], // past a block of k
      [2, 4100, 9], // past a chunk of panels
      [9, 3, 12400], // past a block of rows
      [5, 205, 2049], // large from here on: copied into strips and panels
      [251, 203, 101],
      [487, 9, 787],
      [3, 1601, 421],
    ])("%i × %i × %i", async (m, n, k) => {
      const launch = matmulOf(layout, m, n, k, []);
      await agree(
        launch,
        matmulBuffers(launch),
        { absolute: 2e-6 * Math.sqrt(k), relative: 1e-6 },
        "product",
      );
    });

    test("reads and writes matrices inside wider ones", async () => {
      const plain = matmulOf(layout, 7, 10, 11, []);
      const launch = {
        ...plain,
        strideA: plain.strideA + 3,
        strideB: plain.strideB + 5,
        strideOut: plain.strideOut + 2,
      };
      await agree(launch, matmulBuffers(launch), { absolute: 2e-6 }, "product");
    });
  });

  test.each(SHAPES)("what follows a product, at %i × %i", async (rows, columns) => {
    for (const { steps, operands } of chains(rows, columns, 3)) {
      const launch = matmulOf("NT", rows, columns, 5, steps);
      const buffers = [...matmulBuffers(launch), ...operands];
      await agree(launch, buffers, { absolute: 2e-6, relative: 2e-6 }, JSON.stringify(steps));
    }
  });

  test("what follows a large product, part by part", async () => {
    const [rows, columns, k] = [251, 390, 60];
    for (const { steps, operands } of chains(rows, columns, 3).slice(-7)) {
      const launch = matmulOf("NT", rows, columns, k, steps);
      const buffers = [...matmulBuffers(launch), ...operands];
      await agree(launch, buffers, { absolute: 1e-5, relative: 4e-6 }, JSON.stringify(steps));
    }
  });

  test("a large product inside wider matrices, added to the memory it is written to", async () => {
    const steps: Step[] = [{ kind: "add", operand: { buffer: 2, broadcast: "full" } }];
    const plain = matmulOf("NN", 245, 400, 61, steps);
    const launch = { ...plain, strideA: plain.strideA + 3, strideB: plain.strideB + 5 };
    const [a, b] = matmulBuffers(launch);
    await agree(launch, [a!, b!, numbers(245 * 400, 5)], { absolute: 2e-5 }, "sum");
  });

  test("a product added to the memory it is written to", async () => {
    const steps: Step[] = [{ kind: "add", operand: { buffer: 2, broadcast: "full" } }];
    const launch = matmulOf("TN", 9, 21, 6, steps);
    await agree(
      launch,
      [...matmulBuffers(launch).slice(0, 2), numbers(9 * 21, 5)],
      { absolute: 2e-6 },
      "sum",
    );
  });

  test.each(SHAPES)("chains over values, at %i × %i", async (rows, columns) => {
    for (const { steps, operands } of chains(rows, columns, 2)) {
      const source = { buffer: 0, broadcast: "full" } as const;
      const launch: Launch = { kind: "elementwise", rows, columns, source, out: 1, steps };
      const buffers = [numbers(rows * columns, 1), new Float32Array(rows * columns), ...operands];
      await agree(launch, buffers, { absolute: 1e-6, relative: 2e-6 }, JSON.stringify(steps));
    }
  });

  test.each(["full", "row", "column", "scalar"] as const)(
    "a source that is %s, changed in place or not",
    async (broadcast) => {
      const [rows, columns] = [6, 11];
      const source = { buffer: 0, broadcast };
      const steps: Step[] = [{ kind: "scale", factor: -1.5 }];
      const values = numbers(sizeOf(broadcast, rows, columns), 3);
      const launch: Launch = { kind: "elementwise", rows, columns, source, out: 1, steps };
      await agree(launch, [values, new Float32Array(rows * columns)], { relative: 1e-7 }, "copy");
      if (broadcast === "full") await agree({ ...launch, out: 0 }, [values], { relative: 1e-7 }, "in place");
    },
  );

  test("values multiplied by themselves in place, after a step that changed them", async () => {
    const source = { buffer: 0, broadcast: "full" } as const;
    const steps: Step[] = [
      { kind: "scale", factor: 2 },
      { kind: "multiply", operand: source },
    ];
    const launch: Launch = { kind: "elementwise", rows: 3, columns: 8, source, out: 0, steps };
    await agree(launch, [numbers(24, 3)], { relative: 1e-6 }, "2·x·x");
  });

  test("gives the same bits when it runs again", async () => {
    const launch = matmulOf("NN", 37, 53, 71, [{ kind: "activation", activation: "gelu" }]);
    const once = await runLaunch(backend, launch, matmulBuffers(launch));
    const again = await runLaunch(backend, launch, matmulBuffers(launch));
    expect(new Uint32Array(again[2]!.buffer)).toEqual(new Uint32Array(once[2]!.buffer));
  });

  test("gives a row the same bits whatever batch it came in", async () => {
    for (const layout of ["NT", "NN"] as const) {
      const all = matmulOf(layout, 13, 22, 40, []);
      const buffers = matmulBuffers(all);
      const whole = await runLaunch(backend, all, buffers);
      for (const rows of [1, 2, 3, 4, 6]) {
        const part = await runLaunch(backend, { ...all, m: rows }, buffers);
        expect([...part[2]!.subarray(0, rows * 22)]).toEqual([...whole[2]!.subarray(0, rows * 22)]);
      }
    }
  });
});
