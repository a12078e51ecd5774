import { expect, test } from "vitest";
import { grad } from "../../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../../src/engine/backend.ts";
import { openReference } from "../../../src/engine/backends/reference.ts";
import { compile } from "../../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../../src/engine/graph.ts";
import { add, scaleBy, subtract, multiply } from "../../../src/engine/ops/elementwise.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { sum } from "../../../src/engine/ops/reductions.ts";
import { accumulate, accumulated } from "../../../src/engine/optim/accumulate.ts";
import { adamw } from "../../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../src/engine/optim/clip.ts";
import { expectClose } from "../../close.ts";
import { openBuild } from "../cpu-builds.ts";
import { randomValues } from "../fixtures.ts";

/** Two parameters of a least-squares fit of `rows` examples. */
function trace(graph: Graph, rows: number): { loss: Tensor; parameters: Tensor[] } {
  const parameters = [graph.parameter("w", [5, 3]), graph.parameter("scale", [3])];
  const [x, y] = [graph.input("x", "f32", [rows, 5]), graph.input("y", "f32", [rows, 3])];
  const error = subtract(multiply(matmul(x, parameters[0]!), parameters[1]!), y);
  return { loss: sum(multiply(error, error)), parameters };
}

function compileWhole(backend: Backend, rows: number): Promise<Executable> {
  return compile(backend, (graph) => {
    const { loss, parameters } = trace(graph, rows);
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const learningRate = graph.scalar("learningRate");
    return { log: { loss, norm }, updates: adamw(parameters, gradients, { learningRate }) };
  });
}

/** A step over what was added up, and the run that adds up, over the same parameters. */
async function compileParts(backend: Backend, rows: number): Promise<{ step: Executable; part: Executable }> {
  const step = await compile(backend, (graph) => {
    const parameters = [graph.parameter("w", [5, 3]), graph.parameter("scale", [3])];
    const { gradients, norm } = clipByGlobalNorm(accumulated(graph, parameters), 1);
    const learningRate = graph.scalar("learningRate");
    return { log: { norm }, updates: adamw(parameters, gradients, { learningRate }) };
  });
  const part = await compile(
    backend,
    (graph) => {
      const { loss, parameters } = trace(graph, rows);
      return { log: { loss }, updates: accumulate(parameters, grad(loss, parameters)) };
    },
    { sharing: step },
  );
  return { step, part };
}

const START = { w: randomValues(15, 1), scale: randomValues(3, 2) };
const X = randomValues(6 * 5, 3);
const Y = randomValues(6 * 3, 4);
const rowsOf = (from: number, to: number) => ({ x: X.slice(from * 5, to * 5), y: Y.slice(from * 3, to * 3) });

function start(executable: Executable): void {
  for (const [name, values] of Object.entries(START)) executable.write(name, values);
}

test.each(["reference", "cpu"])(
  "on %s, gradients added up over parts of a batch make the steps of the whole batch",
  async (kind) => {
    const backend = kind === "cpu" ? await openBuild("wasm-simd") : openReference();
    const whole = await compileWhole(backend, 6);
    const { step, part } = await compileParts(backend, 2);
    start(whole);
    start(step);
    for (let index = 0; index < 4; index++) {
      whole.run({ ...rowsOf(0, 6), learningRate: 0.05 });
      for (const from of [0, 2, 4]) part.run(rowsOf(from, from + 2));
      step.run({ learningRate: 0.05 });
    }
    for (const name of ["w", "scale", "w.m", "scale.v"]) {
      expectClose(await step.read(name), await whole.read(name), { absolute: 2e-6, relative: 1e-5 }, name);
    }
    const norms = (rows: readonly Readonly<Record<string, number>>[]) => rows.map((row) => row["norm"]!);
    expectClose(norms(await step.log()), norms(await whole.log()), { relative: 1e-5 }, "norms");
    await step.settle();
  },
);

test("a step uses up what was added; a gradient that is not finite changes no weight and is gone after it", async () => {
  const { step, part } = await compileParts(openReference(), 2);
  start(step);
  part.run(rowsOf(0, 2));
  expect((await step.read("w.g")).some((value) => value !== 0)).toBe(true);
  expect(await part.read("w.g")).toEqual(await step.read("w.g"));
  part.run({ x: new Float32Array(10).fill(Infinity), y: new Float32Array(6) });
  step.run({ learningRate: 1 });
  expect(Array.from(await step.read("w"))).toEqual(Array.from(START.w));
  await expect(step.settle()).rejects.toMatchObject({ code: "not-finite" });
  expect(Array.from(await step.read("w.g"))).toEqual(Array(15).fill(0));
  part.run(rowsOf(0, 2));
  step.run({ learningRate: 1 });
  await step.settle();
  expect(Array.from(await step.read("w"))).not.toEqual(Array.from(START.w));
});

test("what was added can be scaled, or joined with the gradient of the step's own batch", async () => {
  const backend = openReference();
  const whole = await compileWhole(backend, 4);
  const last = await compile(backend, (graph) => {
    const { loss, parameters } = trace(graph, 2);
    const own = grad(loss, parameters);
    const joined = accumulated(graph, parameters).map((sum, index) => add(scaleBy(sum, 0.5), own[index]!));
    const { gradients, norm } = clipByGlobalNorm(joined, 1);
    const learningRate = graph.scalar("learningRate");
    return { log: { loss, norm }, updates: adamw(parameters, gradients, { learningRate }) };
  });
  const part = await compile(
    backend,
    (graph) => {
      const { loss, parameters } = trace(graph, 2);
      return { updates: accumulate(parameters, grad(scaleBy(loss, 2), parameters)) };
    },
    { sharing: last },
  );
  start(whole);
  start(last);
  for (let index = 0; index < 2; index++) {
    whole.run({ ...rowsOf(0, 4), learningRate: 0.05 });
    part.run(rowsOf(0, 2));
    last.run({ ...rowsOf(2, 4), learningRate: 0.05 });
  }
  expectClose(await last.read("w"), await whole.read("w"), { absolute: 1e-6 });
});

test("clipped gradients are not added up: the clip belongs to the step", async () => {
  const traced = compile(openReference(), (graph) => {
    const { loss, parameters } = trace(graph, 2);
    return { updates: accumulate(parameters, clipByGlobalNorm(grad(loss, parameters), 1).gradients) };
  });
  await expect(traced).rejects.toThrow("expected a gradient of the shape, not clipped");
});
