import { describe, expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { HostExecutable } from "../../src/engine/backends/host.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import type { StoredType } from "../../src/engine/graph.ts";
import { halfBits, halfValue } from "../../src/engine/half.ts";
import { multiply } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { ELEMENT_BYTES } from "../../src/engine/plan.ts";
import { decoded, stored, StoredMatrix, storedWords } from "../../src/engine/stored.ts";
import { expectClose } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { randomValues } from "./fixtures.ts";
import { through } from "./stored-residents.ts";

/** A block of 32 as llm.md's formula has it, in plain numbers. */
function plainBlock(values: readonly number[], type: "q8" | "q4"): number[] {
  const far = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  const scale = halfValue(halfBits(type === "q8" ? Math.abs(far) / 127 : far / -8));
  const [low, high] = type === "q8" ? [-127, 127] : [-8, 7];
  return values.map((x) =>
    scale === 0 ? 0 : Math.fround(scale * Math.max(low, Math.min(high, Math.round(x / scale)))),
  );
}

describe.each(["q8", "q4"] as const)("%s", (type) => {
  test.each([
    [1, 1],
    [1, 32],
    [3, 33],
    [5, 64],
    [7, 95],
  ])("a matrix of %i × %i decodes to the nearest multiples of each block's scale", (rows, columns) => {
    const values = randomValues(rows * columns, 5);
    const got = decoded(type, [rows, columns], stored(type, [rows, columns], values));
    const want: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column += 32) {
        const end = Math.min(columns, column + 32);
        want.push(...plainBlock([...values.subarray(row * columns + column, row * columns + end)], type));
      }
    }
    expectClose(got, want, { absolute: 1e-7 });
    const largest = Math.max(...values.map(Math.abs));
    const step = type === "q8" ? largest / 127 : largest / 8;
    got.forEach((value, index) => expect(Math.abs(value - values[index]!)).toBeLessThan(step * 1.01));
  });

  test("what was decoded is stored to the same words", () => {
    const shape = [4, 70];
    const words = stored(type, shape, randomValues(280, 2));
    expect(stored(type, shape, decoded(type, shape, words))).toEqual(words);
    expect(stored(type, shape, words)).toEqual(words);
  });

  test("zeros stay zeros, and values a half cannot scale stay finite", () => {
    const flat = new Float32Array(64);
    expect(decoded(type, [2, 32], stored(type, [2, 32], flat)).every((value) => value === 0)).toBe(true);
    const huge = decoded(type, [1, 2], stored(type, [1, 2], Float32Array.of(3e38, -1)));
    expect(huge.every(Number.isFinite)).toBe(true);
    const tiny = decoded(type, [1, 2], stored(type, [1, 2], Float32Array.of(1e-30, -1e-31)));
    expectClose(tiny, [0, 0], { absolute: 1e-7 });
  });

  test("rows may be stored in stretches", () => {
    const values = randomValues(6 * 41, 8);
    const matrix = new StoredMatrix(type, [6, 41]);
    matrix.write(0, values.subarray(0, 41 * 4));
    matrix.write(4, values.subarray(41 * 4));
    expect(matrix.words).toEqual(stored(type, [6, 41], values));
    expect(matrix.read(3, 5)).toEqual(decoded(type, [6, 41], matrix.words).subarray(41 * 3, 41 * 5));
  });
});

test("a block of 32 takes 34 bytes in q8 and 18 in q4, scale included", () => {
  expect([storedWords("q8", [64, 576]) * 4, storedWords("q4", [64, 576]) * 4]).toEqual([
    64 * 18 * 34,
    64 * 18 * 18,
  ]);
  expect([ELEMENT_BYTES.q8 * 8, ELEMENT_BYTES.q4 * 8]).toEqual([8.5, 4.5]);
});

test.each([
  ["f16", 9],
  ["q8", 37],
  ["q4", 64],
] as const)(
  "the gradient to activations of products with a matrix in %s is its central difference",
  async (type, width) => {
    const reference = openReference();
    const step = await compile(reference, (graph) => {
      const weight = graph.resident("weight", type, [5, width]);
      const x = graph.parameter("x", [3, width]);
      const forth = matmul(x, weight, { transposeB: true });
      const value = matmul(multiply(forth, forth), weight); // back through the same matrix, by rows
      const loss = sum(multiply(value, value));
      return { outputs: { loss, slope: grad(loss, [x])[0]! } };
    });
    step.write("weight", randomValues(5 * width, 3));
    const start = randomValues(3 * width, 4);
    const lossAt = async (index: number, shift: number): Promise<number> => {
      step.write(
        "x",
        start.map((value, place) => (place === index ? value + shift : value)),
      );
      step.run({});
      return (step as HostExecutable).values("loss")[0]!;
    };
    step.write("x", start);
    step.run({});
    const slope = await step.read("slope");
    for (const index of [0, 7, width, 3 * width - 1]) {
      const want = ((await lossAt(index, 1 / 256)) - (await lossAt(index, -1 / 256))) * 128;
      expectClose([slope[index]!], [want], { absolute: 1e-3, relative: 2e-3 });
    }
  },
);

test.each([
  ["f16", 7, 5],
  ["f16", 300, 70],
  ["q8", 7, 5],
  ["q8", 300, 70],
  ["q4", 33, 5],
  ["q4", 300, 70],
] as const)(
  "the CPU computes with frozen weights in %s, %i × %i, as with what they decode to",
  async (type, width, features) => {
    const { results: want, peakBytes } = await through(openReference(), width, features, type);
    const exact = await through(openReference(), width, features, "f32");
    expect(want[1]).not.toEqual(exact.results[1]); // rounding shows
    if (width >= 32) expect(peakBytes).toBeLessThan(exact.peakBytes); // rows of 7 are padded to a block
    for (const build of BUILDS) {
      const backend = await openBuild(build);
      const { results } = await through(backend, width, features, type);
      results.forEach((values, index) =>
        expectClose(values, want[index]!, { absolute: 3e-4, relative: 2e-5 }, `${build} ${index}`),
      );
      backend.dispose();
    }
  },
);

test("the words of a stored resident are taken as they are, floats are encoded", async () => {
  const shape = [6, 40];
  const values = randomValues(240, 4);
  const outputs = await Promise.all(
    [values, stored("q8", shape, values)].map((given) => summed(openReference(), "q8", shape, given)),
  );
  expect(outputs[0]).toEqual(outputs[1]);
  await expect(summed(openReference(), "q8", shape, new Uint32Array(7))).rejects.toThrow(
    "Float32Array of 240 (shape [6, 40], or the 102 words that store it in q8)",
  );
});

async function summed(
  backend: Backend,
  type: StoredType,
  shape: readonly number[],
  values: Float32Array | Uint32Array,
): Promise<Float32Array> {
  const step = await compile(backend, (graph) => {
    const weight = graph.resident("weight", type, shape);
    const x = graph.input("x", "f32", [2, shape[1]!]);
    return { outputs: { total: sum(matmul(x, weight, { transposeB: true })) } };
  });
  expect(step.leaf("weight")).toMatchObject({ dtype: type, shape });
  expect(step.leaf("nothing")).toBeUndefined();
  step.write("weight", values);
  step.run({ x: randomValues(2 * shape[1]!, 9) });
  return await step.read("total");
}
