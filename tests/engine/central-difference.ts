import { grad } from "../../src/engine/autodiff.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import { elementCount, type Graph, type Tensor } from "../../src/engine/graph.ts";
import { multiply } from "../../src/engine/ops/elementwise.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { expectClose } from "../close.ts";
import { randomValues } from "./fixtures.ts";

export type OtherFeeds = Readonly<Record<string, Uint32Array | Float32Array>>;
type Shapes = Readonly<Record<string, readonly number[]>>;
export type Trace = (parameters: Record<string, Tensor>, graph: Graph) => Tensor;

const STEP = 1 / 1024; // exact in float32, so a shifted parameter is shifted by exactly this

/** The gradient of Σ weights · f(parameters) equals its central difference, computed throughout in float64. */
export async function expectGradient(shapes: Shapes, trace: Trace, feeds: OtherFeeds = {}): Promise<void> {
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
  const prepared = await openReferenceReady(executable, shapes, feeds);
  for (const name of Object.keys(shapes)) await expectParameterGradient(prepared, name, feeds);
}

type Reference = Awaited<ReturnType<ReturnType<typeof openReference>["prepare"]>>;

function openReferenceReady(executable: unknown, shapes: Shapes, feeds: OtherFeeds): Promise<Reference> {
  const reference = executable as Reference;
  Object.entries(shapes).forEach(([name, shape], index) => {
    reference.write(
      name,
      randomValues(elementCount(shape), 7 + index).map((value) => value + Math.sign(value) * 0.25),
    );
  });
  try {
    reference.run(feeds);
    reference.write("weights", randomValues(sizeOfWeights(reference), 99));
  } catch (error) {
    if (!String(error).includes("weights")) throw error; // a loss that is a scalar has none
  }
  return Promise.resolve(reference);
}

function sizeOfWeights(reference: Reference): number {
  return reference.values("weights").length;
}

async function expectParameterGradient(reference: Reference, name: string, feeds: OtherFeeds): Promise<void> {
  const start = await reference.read(name);
  reference.run(feeds);
  const gradient = reference.values(`d${name}`);
  const lossAt = (index: number, shift: number): number => {
    const moved = start.slice();
    moved[index]! += shift;
    reference.write(name, moved);
    reference.run(feeds);
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
