import { expect, test } from "vitest";
import { grad } from "../../src/engine/autodiff.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import { halfBits, halfValue } from "../../src/engine/half.ts";
import { add, scaleBy } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { gather } from "../../src/engine/ops/rows.ts";

test("every half is its own nearest half", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    expect(halfBits(halfValue(bits))).toBe(bits);
    expect(halfBits(-halfValue(bits))).toBe(bits | 0x8000);
  }
});

test("a number between two halves goes to the nearer one, half-way to the even one", () => {
  for (const bits of [0, 1, 1023, 1024, 5000, 15_360, 31_742]) {
    const [low, high] = [halfValue(bits), halfValue(bits + 1)];
    const middle = (low + high) / 2;
    expect(halfBits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
    expect(halfBits(low + 0.51 * (high - low))).toBe(bits + 1);
    expect(halfBits(low + 0.49 * (high - low))).toBe(bits);
  }
  expect([65_519, 65_520, Infinity, -Infinity, 1e-9].map(halfBits)).toEqual([
    0x7bff, 0x7c00, 0x7c00, 0xfc00, 0,
  ]);
  expect(halfValue(halfBits(NaN))).toBeNaN();
});

test("a resident in half precision is a factor and a table of rounded values, and gradients pass it by", async () => {
  const executable = await compile(openReference(), (graph) => {
    const weight = graph.resident("weight", "f16", [2, 3]);
    const x = graph.parameter("x", [1, 3]);
    const picked = gather(weight, graph.input("at", "u32", [1]));
    const loss = sum(matmul(add(x, picked), weight, { transposeB: true }));
    return { outputs: { picked, loss, dx: grad(loss, [x])[0]! } };
  });
  const weight = Float32Array.of(0.1, 2, 3, -0.3, 1, 0.5);
  const [a, b] = [halfValue(halfBits(0.1)), halfValue(halfBits(-0.3))];
  executable.write("weight", weight);
  executable.write("x", Float32Array.of(1, 0, 0));
  executable.run({ at: Uint32Array.of(1) });
  expect(Array.from(await executable.read("picked"))).toEqual([b, 1, 0.5].map(Math.fround));
  expect(Array.from(await executable.read("dx"))).toEqual([a + b, 3, 3.5].map(Math.fround));
  expect(executable.plan.peakBytes).toBeGreaterThan(0);
});

test("halves are stored in half the bytes of the plan", async () => {
  const bytes = await Promise.all(
    (["f16", "f32"] as const).map(async (dtype) => {
      const executable = await compile(openReference(), (graph) => {
        const table = graph.resident("table", dtype, [1000, 64]);
        return { outputs: { rows: gather(table, graph.input("at", "u32", [1])) } };
      });
      return executable.plan.peakBytes;
    }),
  );
  expect(bytes[1]! - bytes[0]!).toBe(1000 * 64 * 2);
});

test("a resident in half precision is refused where nothing reads halves", async () => {
  const traced = compile(openReference(), (graph) => {
    return { outputs: { doubled: scaleBy(graph.resident("weight", "f16", [2, 2]), 2) } };
  });
  await expect(traced).rejects.toThrow("f16 can be B of a matmul or the table of a gather");
});
