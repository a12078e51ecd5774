import { expect, test } from "vitest";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { Graph, type Tensor } from "../../../src/engine/graph.ts";
import { exp } from "../../../src/engine/ops/activations.ts";
import { attention } from "../../../src/engine/ops/attention.ts";
import { add, divide, multiply, scaleBy, subtract } from "../../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../../src/engine/ops/layer-norm.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { rmsNorm } from "../../../src/engine/ops/rms-norm.ts";
import { rotary } from "../../../src/engine/ops/rotary.ts";
import { rowSums } from "../../../src/engine/ops/reductions.ts";
import { segmentMean } from "../../../src/engine/ops/segment-mean.ts";
import { columns, placedColumns, rows } from "../../../src/engine/ops/slices.ts";
import { expectClose } from "../../close.ts";
import { expectGradient } from "../central-difference.ts";
import { randomValues } from "../fixtures.ts";

/** Two sequences of 3 and 2 rows, an unused one, and two padding rows at the end. */
const ROWS = 7;
const spans = Uint32Array.of(0, 3, 3, 5, 0, 0);
const ranges = Uint32Array.from([0, 3, 0, 3, 0, 3, 3, 5, 3, 5, 0, 0, 0, 0]);

async function valueOf(trace: (graph: Graph) => Tensor, feeds: Record<string, Float32Array | Uint32Array>) {
  const executable = await compile(openReference(), (graph) => ({ outputs: { value: trace(graph) } }));
  executable.run(feeds);
  return await executable.read("value");
}

test("layer normalisation is (x − mean)/√(variance + ε)·γ + β and its gradients are central differences", async () => {
  const shapes = { x: [4, 6], gamma: [6], beta: [6] };
  await expectGradient(shapes, ({ x, gamma, beta }) => layerNorm(x!, gamma!, beta!, { epsilon: 1e-3 }));
  const feeds = { x: randomValues(24, 1), gamma: randomValues(6, 2), beta: randomValues(6, 3) };
  const leaves = (graph: Graph) =>
    [
      graph.input("x", "f32", [4, 6]),
      graph.input("gamma", "f32", [6]),
      graph.input("beta", "f32", [6]),
    ] as const;
  const got = await valueOf((graph) => layerNorm(...leaves(graph), { epsilon: 1e-5 }), feeds);
  const rowOf = (row: number) => Array.from(feeds.x.subarray(row * 6, row * 6 + 6));
  const want = [0, 1, 2, 3].flatMap((row) => {
    const mean = rowOf(row).reduce((sum, value) => sum + value / 6, 0);
    const variance = rowOf(row).reduce((sum, value) => sum + (value - mean) ** 2 / 6, 0);
    return rowOf(row).map(
      (x, c) => ((x - mean) / Math.sqrt(variance + 1e-5)) * feeds.gamma[c]! + feeds.beta[c]!,
    );
  });
  expectClose(got, want, { absolute: 1e-6 });
});

test("root-mean-square normalisation is x/√(mean x² + ε)·γ over each stretch, its gradients central differences", async () => {
  const trace = (x: Tensor, gamma: Tensor) => rmsNorm(x, gamma, { epsilon: 1e-3 });
  await expectGradient({ x: [4, 6], gamma: [6] }, ({ x, gamma }) => trace(x!, gamma!));
  await expectGradient({ x: [4, 6], gamma: [3] }, ({ x, gamma }) => trace(x!, gamma!)); // two heads of three
  const feeds = { x: randomValues(24, 1), gamma: randomValues(3, 2) };
  const got = await valueOf(
    (graph) => trace(graph.input("x", "f32", [4, 6]), graph.input("gamma", "f32", [3])),
    feeds,
  );
  const want = Array.from(feeds.x, (x, at) => {
    const head = feeds.x.subarray(at - (at % 3), at - (at % 3) + 3);
    const square = head.reduce((sum, value) => sum + value ** 2 / 3, 0);
    return (x / Math.sqrt(square + 1e-3)) * feeds.gamma[at % 3]!;
  });
  expectClose(got, want, { absolute: 1e-6 });
  const graph = new Graph();
  const of = (shape: readonly number[]) => graph.input(shape.join("×"), "f32", shape);
  expect(() => trace(of([4, 6]), of([4]))).toThrow("rmsNorm: expected x [R, H·C] and gamma [C]");
});

test("rotary positions turn the pairs of each head by their angle, and their gradient turns back", async () => {
  const positions = Uint32Array.of(2, 0, 1);
  const angle = (position: number, pair: number): number => position / 10 ** pair;
  const table = Float32Array.from({ length: 3 * 4 }, (_, at) => {
    const turn = angle(at >> 2, at % 2);
    return at % 4 < 2 ? Math.cos(turn) : Math.sin(turn);
  });
  const trace = (x: Tensor) =>
    rotary(x, x.graph.input("positions", "u32", [3]), x.graph.input("table", "f32", [3, 4]), { heads: 2 });
  await expectGradient({ x: [3, 8] }, ({ x }) => trace(x!), { positions, table });
  const x = randomValues(24, 5);
  const got = await valueOf((graph) => trace(graph.input("x", "f32", [3, 8])), { x, positions, table });
  const want = Array.from(x, (value, at) => {
    const [row, i] = [Math.floor(at / 8), at % 4];
    const turn = angle(positions[row]!, i % 2);
    return value * Math.cos(turn) + (i < 2 ? -1 : 1) * x[i < 2 ? at + 2 : at - 2]! * Math.sin(turn);
  });
  expectClose(got, want, { absolute: 1e-6 });
});

test.each([
  ["one head", 1, undefined],
  ["two heads", 2, undefined],
  ["dropout", 2, 0.4],
])(
  "the gradients of attention with %s, several sequences and padding rows are central differences",
  async (_name, heads, rate) => {
    const shape = [ROWS, 4];
    await expectGradient(
      { q: shape, k: shape, v: shape },
      ({ q, k, v }, graph) => {
        const counter = graph.input("counter", "u32", [1]);
        const dropout = rate === undefined ? {} : { dropout: { rate, seed: 11, counter } };
        const range = graph.input("ranges", "u32", [ROWS, 2]);
        return attention(scaleBy(q!, 2), k!, v!, range, { heads, longest: 3, ...dropout });
      },
      { ranges, counter: Uint32Array.of(5) },
    );
  },
);

test.each([
  ["causal", 2, 2, true],
  ["grouped queries", 4, 2, false],
  ["causal with grouped queries", 4, 1, true],
])("the gradients of attention, %s, are central differences", async (_name, heads, keyHeads, causal) => {
  const [wide, narrow] = [
    [ROWS, 2 * heads],
    [ROWS, 2 * keyHeads],
  ];
  await expectGradient(
    { q: wide, k: narrow, v: narrow },
    ({ q, k, v }, graph) => {
      const range = graph.input("ranges", "u32", [ROWS, 2]);
      return attention(scaleBy(q!, 2), k!, v!, range, { heads, keyHeads, causal, longest: 3 });
    },
    { ranges },
  );
});

test("causal attention with grouped queries is softmax over the rows before, with the group's keys", async () => {
  const [heads, keyHeads] = [4, 2];
  const [q, k, v] = [randomValues(ROWS * 8, 1), randomValues(ROWS * 4, 2), randomValues(ROWS * 4, 3)];
  const got = await valueOf(
    (graph) => {
      const [a, b, c] = ["q", "k", "v"].map((name) => graph.input(name, "f32", [ROWS, name === "q" ? 8 : 4]));
      const range = graph.input("ranges", "u32", [ROWS, 2]);
      return attention(a!, b!, c!, range, { heads, keyHeads, causal: true, longest: 3 });
    },
    { q, k, v, ranges },
  );
  const want = Array.from({ length: ROWS * 8 }, (_, at) => {
    const [row, head, column] = [at >> 3, (at >> 1) & 3, at & 1];
    const first = row < 3 ? 0 : 3;
    if (row > 4) return 0;
    const keyAt = (j: number, c: number) => j * 4 + (head >> 1) * 2 + c;
    const scores = Array.from({ length: row + 1 - first }, (_, j) => {
      const of = (c: number) => q[row * 8 + head * 2 + c]! * k[keyAt(first + j, c)]!;
      return Math.exp((of(0) + of(1)) * Math.SQRT1_2);
    });
    const sum = scores.reduce((total, score) => total + score, 0);
    return scores.reduce((total, score, j) => total + (score / sum) * v[keyAt(first + j, column)]!, 0);
  });
  expectClose(got, want, { absolute: 1e-6 });
});

test("the gradient of attention reaches one tensor that is query, key and value", async () => {
  await expectGradient(
    { x: [ROWS, 4] },
    ({ x }, graph) =>
      attention(x!, x!, x!, graph.input("ranges", "u32", [ROWS, 2]), { heads: 2, longest: 3 }),
    { ranges },
  );
});

test("attention of each sequence is softmax(q·kᵀ/√Dh)·v of its rows alone, and zero on padding rows", async () => {
  const [q, k, v] = [1, 2, 3].map((seed) => randomValues(ROWS * 4, seed)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const leaves = (graph: Graph) =>
    ["q", "k", "v"].map((name) => graph.input(name, "f32", [ROWS, 4])) as [Tensor, Tensor, Tensor];
  const got = await valueOf(
    (graph) => attention(...leaves(graph), graph.input("ranges", "u32", [ROWS, 2]), { heads: 2, longest: 3 }),
    { q, k, v, ranges },
  );
  for (const [first, count] of [
    [0, 3],
    [3, 2],
  ] as const) {
    for (const head of [0, 1]) {
      const want = await valueOf(
        (graph) => {
          const part = (x: Tensor) => columns(rows(x, first, count), 2 * head, 2);
          const [a, b, c] = leaves(graph).map(part) as [Tensor, Tensor, Tensor];
          const weights = exp(scaleBy(matmul(a, b, { transposeB: true }), Math.SQRT1_2));
          return matmul(divide(weights, rowSums(weights)), c);
        },
        { q, k, v },
      );
      const part = Array.from(
        { length: count * 2 },
        (_, at) => got[(first + (at >> 1)) * 4 + 2 * head + (at % 2)]!,
      );
      expectClose(part, want, { absolute: 1e-6 }, `sequence at ${first}, head ${head}`);
    }
  }
  expect(Array.from(got.subarray(20))).toEqual(Array(8).fill(0));
});

test("attention drops the share of its probabilities that it was told, and scales what it keeps", async () => {
  const count = 64;
  const all = Uint32Array.from({ length: 2 * count }, (_, at) => (at % 2) * count);
  const ones = new Float32Array(count * 2).fill(1);
  const got = await valueOf(
    (graph) => {
      const [x, counter] = [graph.input("x", "f32", [count, 2]), graph.input("counter", "u32", [1])];
      const range = graph.input("ranges", "u32", [count, 2]);
      return attention(x, x, x, range, {
        heads: 1,
        longest: count,
        dropout: { rate: 0.25, seed: 3, counter },
      });
    },
    { x: ones, ranges: all, counter: Uint32Array.of(1) },
  );
  const mean = got.reduce((sum, value) => sum + value, 0) / got.length;
  expect(mean).toBeGreaterThan(0.97);
  expect(mean).toBeLessThan(1.03);
  expect(new Set(got).size).toBeGreaterThan(4); // rows drop different columns
});

test("the mean of spans of rows: 0 for an empty span, no gradient for rows of none", async () => {
  const trace = (x: Tensor, graph: Graph) => segmentMean(x, graph.input("spans", "u32", [3, 2]));
  await expectGradient({ x: [ROWS, 3] }, ({ x }, graph) => trace(x!, graph), { spans });
  const x = randomValues(ROWS * 3, 4);
  const got = await valueOf((graph) => trace(graph.input("x", "f32", [ROWS, 3]), graph), { x, spans });
  const want = [0, 1, 2].map((c) => (x[c]! + x[3 + c]! + x[6 + c]!) / 3);
  expectClose(got.subarray(0, 3), want, { absolute: 1e-6 });
  expect(Array.from(got.subarray(6))).toEqual([0, 0, 0]);
});

test("columns placed in a wider matrix keep their gradient, what stands past its end has none", async () => {
  for (const from of [0, 2, 3]) {
    await expectGradient({ x: [3, 2] }, ({ x }) => placedColumns(x!, 4, from));
  }
  const x = Float32Array.of(1, 2, 3, 4);
  const got = await valueOf((graph) => placedColumns(graph.input("x", "f32", [2, 2]), 4, 3), { x });
  expect([...got]).toEqual([0, 0, 0, 1, 0, 0, 0, 3]);
  expect(() => placedColumns(new Graph().input("x", "f32", [2, 2]), 4, 4)).toThrow("placedColumns: expected");
});

test("a transformer layer of all of them has the gradient of its parts together", async () => {
  const square = [4, 4];
  await expectGradient(
    { x: [ROWS, 4], q: square, k: square, v: square, gamma: [4], beta: [4] },
    ({ x, q, k, v, gamma, beta }, graph) => {
      const range = graph.input("ranges", "u32", [ROWS, 2]);
      const [a, b, c] = [q!, k!, v!].map((weight) => matmul(x!, weight, { transposeB: true }));
      const mixed = attention(a!, b!, c!, range, { heads: 2, longest: 3 });
      const hidden = layerNorm(add(mixed, x!), gamma!, beta!, { epsilon: 1e-2 });
      return segmentMean(subtract(multiply(hidden, hidden), x!), graph.input("spans", "u32", [3, 2]));
    },
    { ranges, spans },
  );
});
