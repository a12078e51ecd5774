import { expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { readsOf, writesOf } from "../../src/engine/lower/launch-buffers.ts";
import { grad } from "../../src/engine/autodiff.ts";
import { add, multiply } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { mean, sum } from "../../src/engine/ops/reductions.ts";
import { gather, l2Normalize } from "../../src/engine/ops/rows.ts";
import { softmaxCrossEntropy } from "../../src/engine/ops/softmax-cross-entropy.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { compileStep, type AdapterShape } from "./adapter-step.ts";

/** The reference backend, and the plan it was given last. */
function spying(): { backend: Backend; plan: () => Plan } {
  const reference = openReference();
  let seen: Plan | undefined;
  const backend: Backend = {
    ...reference,
    prepare(plan, sharing) {
      seen = plan;
      return reference.prepare(plan, sharing);
    },
  };
  return { backend, plan: () => seen! };
}

async function planOf(shape: AdapterShape): Promise<Plan> {
  const { backend, plan } = spying();
  await compileStep(backend, shape, { rows: 40, batch: 10, scale: 20 });
  return plan();
}

const kinds = ({ launches }: Plan): string[] => launches.map(({ kind }) => kind);

test("a linear adapter step, clipping and log included, is 8 launches, 9 with bias", async () => {
  const plain = ["gather", "matmul", "matmul", "softmaxRows", "matmul", "matmul", "sumSquares", "adamw"];
  expect(kinds(await planOf({ dim: 384, bias: false }))).toEqual(plain);
  expect(kinds(await planOf({ dim: 384, bias: true })).toSorted()).toEqual([...plain, "reduce"].toSorted());
});

test("a two-layer adapter step with residual is at most 14 launches with every activation", async () => {
  for (const activation of ["relu", "tanh", "sigmoid", "leakyRelu", "gelu"] as const) {
    const { launches } = await planOf({ dim: 384, hidden: 1024, activation, residual: true });
    expect(launches.length, activation).toBeLessThanOrEqual(14);
  }
});

test("documents of the data set are normalised once, not at every step", async () => {
  const plan = await planOf({ dim: 384, hidden: 1024, residual: true });
  expect(plan.prologue.map(({ kind }) => kind)).toEqual(["rowNormalize"]);
  expect(kinds(plan)).not.toContain("rowNormalize");
});

test("a plan says its size before a run", async () => {
  const { parameterBytes, peakBytes, flops } = await planOf({ dim: 384 });
  expect(parameterBytes).toBe(384 * 384 * 4);
  expect(flops).toBeGreaterThan(2 * 2 * 10 * 384 * 384); // forward and gradient
  expect(flops).toBeLessThan(4 * 2 * 10 * 384 * 384);
  expect(peakBytes).toBeGreaterThan(4 * parameterBytes); // weights, gradients, two moments
  expect(peakBytes).toBeLessThan(5 * parameterBytes);
});

test("no launch reads and writes one storage, except the optimizer in place", async () => {
  for (const shape of [{ dim: 48 }, { dim: 48, bias: true }, { dim: 48, hidden: 96, residual: true }]) {
    const plan = await planOf(shape);
    for (const launch of plan.launches) {
      if (launch.kind === "adamw") continue;
      const read = new Set(readsOf(launch).map((buffer) => plan.buffers[buffer]!.storage));
      for (const buffer of writesOf(launch))
        expect(read.has(plan.buffers[buffer]!.storage), launch.kind).toBe(false);
    }
  }
});

test.each([
  ["w", "shift"],
  ["shift", "w"],
])("a gradient that another is made of is kept apart from their arena, %s first", async (...names) => {
  const { backend, plan } = spying();
  const executable = await compile(backend, (graph) => {
    const parameters = names.map((name) => graph.parameter(name, [4, 4]));
    const [w, shift] = [parameters[names.indexOf("w")]!, parameters[names.indexOf("shift")]!];
    const h = add(matmul(graph.input("x", "f32", [4, 4]), w), shift);
    const gradients = grad(mean(multiply(h, h)), parameters);
    const updates = adamw(parameters, gradients, { learningRate: graph.scalar("learningRate") });
    return { updates, outputs: { dw: gradients[names.indexOf("w")]! } };
  });
  const { launches, buffers } = plan();
  for (const launch of launches.filter(({ kind }) => kind !== "adamw" && kind !== "sumSquares")) {
    const read = new Set(readsOf(launch).map((buffer) => buffers[buffer]!.storage));
    for (const buffer of writesOf(launch))
      expect(read.has(buffers[buffer]!.storage), launch.kind).toBe(false);
  }
  executable.write(
    "w",
    Float32Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? 1 : 0)),
  ); // the identity
  executable.run({ x: new Float32Array(16).fill(1), learningRate: 0 });
  expect(Array.from(await executable.read("dw"))).toEqual(Array(16).fill(4 / 8)); // xᵀ · 2h / 16
});

const refusals: readonly [string, (graph: Graph) => Tensor, string][] = [
  [
    "matmul",
    (g) => matmul(g.input("a", "f32", [2, 3]), g.input("b", "f32", [4, 5])),
    "matmul: expected A [M, K] and B [K, N] with one K, got [2, 3] and [4, 5]",
  ],
  [
    "transposed matmul",
    (g) => matmul(g.input("a", "f32", [2, 3]), g.input("b", "f32", [3, 5]), { transposeB: true }),
    "matmul: expected A [M, K] and B [N, K] with one K, got [2, 3] and [3, 5]",
  ],
  ["add", (g) => add(g.input("a", "f32", [2, 3]), g.input("b", "f32", [2])), "got [2, 3] and [2]"],
  ["gather", (g) => gather(g.input("a", "f32", [2, 3]), g.input("b", "f32", [2])), "indices u32 [B]"],
  ["l2Normalize", (g) => l2Normalize(g.input("a", "f32", [3])), "expected x [M, N], got f32 [3]"],
  [
    "mnrl",
    (g) => mnrl(g.input("q", "f32", [2, 3]), g.input("d", "f32", [2, 4]), { scale: 1 }),
    "[2, 3] and [2, 4]",
  ],
  [
    "mnrl",
    (g) => mnrl(g.input("q", "f32", [3, 4]), g.input("d", "f32", [2, 4]), { scale: 1 }),
    "3 rows have 2 columns",
  ],
  ["softmax", (g) => softmaxCrossEntropy(g.input("x", "f32", [3])), "expected logits [B, N], got [3]"],
  ["grad", (g) => grad(g.parameter("w", [2]), [])[0]!, "grad: expected a scalar loss, got [2]"],
  [
    "grad",
    (g) => grad(sum(g.parameter("w", [2])), [g.parameter("v", [2])])[0]!,
    '"v" has no part in the loss',
  ],
  ["names", (g) => add(g.input("a", "f32", [2]), g.input("a", "f32", [2])), 'input "a": the name is taken'],
];

test.each(refusals)("%s refuses by name, rule and shapes", async (_name, build, message) => {
  const traced = compile(openReference(), (graph) => ({ outputs: { out: build(graph) } }));
  await expect(traced).rejects.toMatchObject({
    code: "shape",
    message: expect.stringContaining(message) as string,
  });
});

test("a norm of other gradients than the optimizer's is refused", async () => {
  const traced = compile(openReference(), (graph) => {
    const [w, v] = [graph.parameter("w", [2]), graph.parameter("v", [2])];
    const gradients = grad(sum(multiply(w, v)), [w, v]);
    const { norm } = clipByGlobalNorm([gradients[0]!], 1);
    return { log: { norm }, updates: adamw([w, v], gradients, { learningRate: graph.scalar("rate") }) };
  });
  await expect(traced).rejects.toMatchObject({ code: "unsupported" });
});

test("run, write and read name what is missing, unknown or of the wrong length", async () => {
  const step = await compileStep(openReference(), { dim: 4 }, { rows: 4, batch: 2, scale: 20 });
  expect(() => step.run({ batch: new Uint32Array(2) })).toThrow('input "learningRate" is missing');
  expect(() => step.run({ batch: new Uint32Array(3), learningRate: 1 })).toThrow(
    "Uint32Array of 2 (shape [2]), got Uint32Array of 3",
  );
  expect(() => step.run({ batch: new Uint32Array(2), learningRate: 1, more: 1 })).toThrow(
    '"more" is no input of this step',
  );
  expect(() => step.write("linear.weight", new Float32Array(3))).toThrow(
    "Float32Array of 16 (shape [4, 4]), got Float32Array of 3",
  );
  expect(() => step.write("weight", new Float32Array(3))).toThrow(
    "there are: queries, documents, linear.weight",
  );
  await expect(async () => step.read("loss")).rejects.toThrow('"loss" is no parameter, state or output');
});

test("shared parameters must have one shape", async () => {
  const first = await compileStep(openReference(), { dim: 4 }, { rows: 4, batch: 2, scale: 20 });
  const second = compileStep(openReference(), { dim: 8 }, { rows: 4, batch: 2, scale: 20 }, first);
  await expect(second).rejects.toThrow('parameter "linear.weight" [8, 8] is shared, but there it is [4, 4]');
});
