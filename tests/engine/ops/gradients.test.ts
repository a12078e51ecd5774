import { expect, test } from "vitest";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import {
  exp,
  gelu,
  leakyRelu,
  log,
  relu,
  sigmoid,
  silu,
  softplus,
  sqrt,
  tanh,
} from "../../../src/engine/ops/activations.ts";
import { dropout } from "../../../src/engine/ops/dropout.ts";
import { add, addBias, divide, multiply, scaleBy, subtract } from "../../../src/engine/ops/elementwise.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { mnrl } from "../../../src/engine/ops/mnrl.ts";
import { columnSums, mean, repeat, rowSums, sum } from "../../../src/engine/ops/reductions.ts";
import { gather, l2Normalize } from "../../../src/engine/ops/rows.ts";
import { columns, rows } from "../../../src/engine/ops/slices.ts";
import { softmaxCrossEntropy } from "../../../src/engine/ops/softmax-cross-entropy.ts";
import { EXCLUDED, NO_COLUMN } from "../../../src/engine/plan.ts";
import { expectGradient, type Trace } from "../central-difference.ts";
import { randomValues } from "../fixtures.ts";

test.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])(
  "the gradient of a product, transposed %s and %s, is its central difference",
  async (transposeA, transposeB) => {
    const [a, b] = [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4]];
    await expectGradient({ a, b }, ({ a: x, b: y }) => matmul(x!, y!, { transposeA, transposeB }));
  },
);

test.each([
  ["relu", relu],
  ["tanh", tanh],
  ["sigmoid", sigmoid],
  ["leakyRelu", leakyRelu],
  ["gelu", gelu],
] as const)("the gradient of %s is its central difference", async (_name, activation) => {
  await expectGradient({ x: [3, 5] }, ({ x }) => activation(x!));
});

test("the gradients of exp, log, sqrt, softplus and silu are central differences", async () => {
  await expectGradient({ x: [3, 5] }, ({ x }) => exp(x!));
  await expectGradient({ x: [3, 5] }, ({ x }) => log(multiply(x!, x!)));
  await expectGradient({ x: [3, 5] }, ({ x }) => sqrt(multiply(x!, x!)));
  await expectGradient({ x: [3, 5] }, ({ x }) => softplus(scaleBy(x!, 4)));
  await expectGradient({ x: [3, 5] }, ({ x }) => silu(scaleBy(x!, 4)));
});

test("the gradient of a repeated row, column and single value is its central difference", async () => {
  for (const shape of [[4], [3, 1], [1]]) {
    await expectGradient({ x: shape, y: [3, 4] }, ({ x, y }) => multiply(repeat(x!, [3, 4]), y!));
  }
});

test("the gradient of a slice of rows or columns is its central difference", async () => {
  await expectGradient({ x: [5, 4] }, ({ x }) => multiply(rows(x!, 1, 3), rows(x!, 2, 3)));
  await expectGradient({ x: [3, 6] }, ({ x }) => multiply(columns(x!, 0, 2), columns(x!, 4, 2)));
});

test.each([
  ["a matrix", [3, 4]],
  ["a row", [4]],
  ["a column", [3, 1]],
  ["one value", [1]],
])("the gradients of + − · / with %s on the right are central differences", async (_name, shape) => {
  for (const operation of [add, subtract, multiply, divide]) {
    await expectGradient({ a: [3, 4], b: shape }, ({ a, b }) => operation(a!, b!));
  }
});

test("the gradients of bias, scale and sums are central differences", async () => {
  await expectGradient({ x: [3, 4], bias: [4] }, ({ x, bias }) => addBias(x!, bias!));
  await expectGradient({ x: [3, 4], factor: [1] }, ({ x, factor }) => scaleBy(scaleBy(x!, -2.5), factor!));
  await expectGradient({ x: [3, 4] }, ({ x }) => multiply(mean(x!), sum(multiply(x!, x!))));
  await expectGradient({ x: [3, 4] }, ({ x }) => multiply(x!, rowSums(multiply(x!, x!))));
  await expectGradient({ x: [3, 4] }, ({ x }) => multiply(x!, columnSums(multiply(x!, x!))));
});

test("the gradient of unit rows is its central difference", async () => {
  await expectGradient({ x: [3, 5] }, ({ x }) => l2Normalize(x!));
});

test("the gradient of a table that is looked up twice and multiplied with is the sum of all its uses", async () => {
  const trace: Trace = ({ table, x }, graph) => {
    const [first, second] = ["first", "second"].map((name) => gather(table!, graph.input(name, "u32", [2])));
    return matmul(add(multiply(first!, second!), x!), table!, { transposeB: true });
  };
  const feeds = { first: Uint32Array.of(4, 1), second: Uint32Array.of(1, 1) };
  await expectGradient({ table: [5, 3], x: [2, 3] }, trace, feeds);
});

test("the gradient of gathered rows, some taken twice and some never, is its central difference", async () => {
  const indices = Uint32Array.of(4, 0, 4, 2);
  await expectGradient(
    { table: [5, 3] },
    ({ table }, graph) => gather(table!, graph.input("indices", "u32", [4])),
    { indices },
  );
});

test("the gradient of dropout is its central difference with the same values dropped", async () => {
  const counter = Uint32Array.of(3);
  const trace: Trace = ({ x }, graph) =>
    dropout(x!, { rate: 0.4, seed: 5, counter: graph.input("counter", "u32", [1]) });
  await expectGradient({ x: [4, 6] }, trace, { counter });
});

test("the gradient of a residual two-layer map with slid factors is its central difference", async () => {
  await expectGradient(
    { x: [2, 3], w1: [4, 3], b1: [4], w2: [3, 4], b2: [3], r: [1] },
    ({ x, w1, b1, w2, b2, r }) => {
      const hidden = tanh(addBias(matmul(x!, w1!, { transposeB: true }), b1!));
      return add(scaleBy(addBias(matmul(hidden, w2!, { transposeB: true }), b2!), r!), x!);
    },
  );
});

test("a parameter that is its own gradient's input is differentiated too", async () => {
  await expectGradient({ w: [3, 3], shift: [3, 3] }, ({ w, shift }) => {
    const moved = add(matmul(w!, w!), shift!);
    return matmul(moved, moved);
  });
});

const positives = Uint32Array.of(1, NO_COLUMN, 0, 3, NO_COLUMN, NO_COLUMN);
const rowGroups = Uint32Array.of(7, 8, 9);
const columnGroups = Uint32Array.of(8, 7, 7, EXCLUDED, 1);

test("the gradient of softmax cross-entropy, plain and with targets and mask, is its central difference", async () => {
  await expectGradient({ logits: [3, 5] }, ({ logits }) => softmaxCrossEntropy(logits!));
  const trace: Trace = ({ logits }, graph) =>
    softmaxCrossEntropy(logits!, {
      positives: graph.input("positives", "u32", [3, 2]),
      mask: { rows: graph.input("rows", "u32", [3]), columns: graph.input("columns", "u32", [5]) },
    });
  await expectGradient({ logits: [3, 5] }, trace, { positives, rows: rowGroups, columns: columnGroups });
});

test("soft targets are a constant share of each column: loss and gradient of the cross-entropy to them", async () => {
  const shares = Float32Array.of(0.5, 0, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0); // the second row has none
  await expectGradient(
    { logits: [3, 5] },
    ({ logits }, graph) => softmaxCrossEntropy(logits!, { targets: graph.input("targets", "f32", [3, 5]) }),
    { targets: shares },
  );
  const executable = await compile(openReference(), (graph) => {
    const [logits, targets] = [graph.input("logits", "f32", [1, 2]), graph.input("targets", "f32", [1, 2])];
    return { outputs: { loss: softmaxCrossEntropy(logits, { targets }) } };
  });
  executable.run({ logits: Float32Array.of(0, Math.log(3)), targets: Float32Array.of(0.5, 0.5) });
  expect((await executable.read("loss"))[0]).toBeCloseTo(-0.5 * Math.log(0.25) - 0.5 * Math.log(0.75), 6);
});

test("the gradient of mnrl for queries and documents, also scaled, is its central difference", async () => {
  await expectGradient({ q: [3, 4], d: [5, 4] }, ({ q, d }) => scaleBy(mnrl(q!, d!, { scale: 3 }), 0.7));
  const trace: Trace = ({ q, d }, graph) =>
    mnrl(q!, d!, {
      scale: 3,
      positives: graph.input("positives", "u32", [3, 2]),
      mask: { rows: graph.input("rows", "u32", [3]), columns: graph.input("columns", "u32", [5]) },
    });
  await expectGradient({ q: [3, 4], d: [5, 4] }, trace, {
    positives,
    rows: rowGroups,
    columns: columnGroups,
  });
});

test("mnrl starts near ln(N) for documents that cannot be told apart", async () => {
  const executable = await compile(openReference(), (graph) => {
    const [q, d] = [graph.input("q", "f32", [4, 8]), graph.input("d", "f32", [16, 8])];
    return { outputs: { loss: mnrl(q, d, { scale: 20 }) } };
  });
  executable.run({ q: randomValues(32, 1), d: new Float32Array(128).fill(1) });
  expect((await executable.read("loss"))[0]).toBeCloseTo(Math.log(16), 5);
});
