import { expect, test } from "vitest";
import { grad } from "../../../src/engine/autodiff.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import { elementCount, type Graph, type Tensor } from "../../../src/engine/graph.ts";
import { gelu, leakyRelu, relu, sigmoid, tanh } from "../../../src/engine/ops/activations.ts";
import { dropout } from "../../../src/engine/ops/dropout.ts";
import { add, addBias, divide, multiply, scaleBy, subtract } from "../../../src/engine/ops/elementwise.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { mnrl } from "../../../src/engine/ops/mnrl.ts";
import { columnSums, mean, rowSums, sum } from "../../../src/engine/ops/reductions.ts";
import { gather, l2Normalize } from "../../../src/engine/ops/rows.ts";
import { softmaxCrossEntropy } from "../../../src/engine/ops/softmax-cross-entropy.ts";
import { EXCLUDED, NO_COLUMN } from "../../../src/engine/plan.ts";
import { expectClose } from "../../close.ts";
import { randomValues } from "../fixtures.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;
type Trace = (parameters: Record<string, Tensor>, graph: Graph) => Tensor;

const STEP = 1 / 1024; // exact in float32, so a shifted parameter is shifted by exactly this

/** The gradient of Σ weights · f(parameters) equals its central difference, computed throughout in float64. */
async function expectGradient(
  shapes: Shapes,
  trace: Trace,
  integers: Record<string, Uint32Array> = {},
): Promise<void> {
  const executable = await compile(openReference(), (graph) => {
    const entries = Object.entries(shapes).map(
      ([name, shape]) => [name, graph.parameter(name, shape)] as const,
    );
    const parameters = Object.fromEntries(entries);
    const value = trace(parameters, graph);
    const loss =
      elementCount(value.shape) === 1
        ? sum(value)
        : sum(multiply(value, graph.state("weights", value.shape)));
    const names = Object.keys(shapes);
    const gradients = grad(
      loss,
      names.map((name) => parameters[name]!),
    );
    return {
      outputs: { loss, ...Object.fromEntries(names.map((name, index) => [`d${name}`, gradients[index]!])) },
    };
  });
  const prepared = await openReferenceReady(executable, shapes, integers);
  for (const name of Object.keys(shapes)) await expectParameterGradient(prepared, name, integers);
}

type Reference = Awaited<ReturnType<ReturnType<typeof openReference>["prepare"]>>;

function openReferenceReady(
  executable: unknown,
  shapes: Shapes,
  integers: Record<string, Uint32Array>,
): Promise<Reference> {
  const reference = executable as Reference;
  Object.entries(shapes).forEach(([name, shape], index) => {
    reference.write(
      name,
      randomValues(elementCount(shape), 7 + index).map((value) => value + Math.sign(value) * 0.25),
    );
  });
  try {
    reference.run(integers);
    reference.write("weights", randomValues(sizeOfWeights(reference), 99));
  } catch (error) {
    if (!String(error).includes("weights")) throw error; // a loss that is a scalar has none
  }
  return Promise.resolve(reference);
}

function sizeOfWeights(reference: Reference): number {
  return reference.values("weights").length;
}

async function expectParameterGradient(
  reference: Reference,
  name: string,
  integers: Record<string, Uint32Array>,
): Promise<void> {
  const start = await reference.read(name);
  reference.run(integers);
  const gradient = reference.values(`d${name}`);
  const lossAt = (index: number, shift: number): number => {
    const moved = start.slice();
    moved[index]! += shift;
    reference.write(name, moved);
    reference.run(integers);
    return reference.values("loss")[0]!;
  };
  const differences = Array.from(start, (_, index) => {
    const [above, below] = [start[index]! + STEP, start[index]! - STEP].map(
      (value) => Math.fround(value) - start[index]!,
    );
    return (lossAt(index, above!) - lossAt(index, below!)) / (above! - below!);
  });
  reference.write(name, start);
  expectClose(gradient, differences, { absolute: 2e-5, relative: 2e-4 }, `d${name}`);
}

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
const rows = Uint32Array.of(7, 8, 9);
const columns = Uint32Array.of(8, 7, 7, EXCLUDED, 1);

test("the gradient of softmax cross-entropy, plain and with targets and mask, is its central difference", async () => {
  await expectGradient({ logits: [3, 5] }, ({ logits }) => softmaxCrossEntropy(logits!));
  const trace: Trace = ({ logits }, graph) =>
    softmaxCrossEntropy(logits!, {
      positives: graph.input("positives", "u32", [3, 2]),
      mask: { rows: graph.input("rows", "u32", [3]), columns: graph.input("columns", "u32", [5]) },
    });
  await expectGradient({ logits: [3, 5] }, trace, { positives, rows, columns });
});

test("the gradient of mnrl for queries and documents, also scaled, is its central difference", async () => {
  await expectGradient({ q: [3, 4], d: [5, 4] }, ({ q, d }) => scaleBy(mnrl(q!, d!, { scale: 3 }), 0.7));
  const trace: Trace = ({ q, d }, graph) =>
    mnrl(q!, d!, {
      scale: 3,
      positives: graph.input("positives", "u32", [3, 2]),
      mask: { rows: graph.input("rows", "u32", [3]), columns: graph.input("columns", "u32", [5]) },
    });
  await expectGradient({ q: [3, 4], d: [5, 4] }, trace, { positives, rows, columns });
});

test("mnrl starts near ln(N) for documents that cannot be told apart", async () => {
  const executable = await compile(openReference(), (graph) => {
    const [q, d] = [graph.input("q", "f32", [4, 8]), graph.input("d", "f32", [16, 8])];
    return { outputs: { loss: mnrl(q, d, { scale: 20 }) } };
  });
  executable.run({ q: randomValues(32, 1), d: new Float32Array(128).fill(1) });
  expect((await executable.read("loss"))[0]).toBeCloseTo(Math.log(16), 5);
});
