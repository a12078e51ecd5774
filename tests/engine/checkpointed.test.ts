import { expect, test } from "vitest";
import { grad } from "../../src/engine/autodiff.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { checkpointed } from "../../src/engine/checkpointed.ts";
import { compile } from "../../src/engine/compile.ts";
import { Graph, type Tensor } from "../../src/engine/graph.ts";
import { planGraph } from "../../src/engine/lower/plan-graph.ts";
import { tanh } from "../../src/engine/ops/activations.ts";
import { dropout } from "../../src/engine/ops/dropout.ts";
import { multiply } from "../../src/engine/ops/elementwise.ts";
import { sum } from "../../src/engine/ops/reductions.ts";
import { expectGradient } from "./central-difference.ts";
import { traceEncoder, traceEncoderStep, type EncoderShape } from "./encoder-step.ts";
import { randomValues } from "./fixtures.ts";

const SMALL: EncoderShape = {
  ...{ layers: 3, width: 8, hidden: 16, heads: 2, words: 20, rows: 12, pairs: 2, longest: 6, dropout: 0.2 },
};

const feeds = {
  ids: Uint32Array.from({ length: 12 }, (_, row) => (row * 7) % 20),
  positions: Uint32Array.from({ length: 12 }, (_, row) => row % 5),
  ranges: Uint32Array.from({ length: 24 }, (_, at) =>
    at >= 20 ? 0 : at < 10 ? (at % 2) * 5 : 5 + (at % 2) * 5,
  ),
  counter: Uint32Array.of(3),
};

/** Every gradient of an encoder's squared hidden states, in float64. */
async function gradientsOf(shape: EncoderShape): Promise<Record<string, readonly number[]>> {
  let names: string[] = [];
  const executable = await openReference().prepare(
    (() => {
      const graph = new Graph();
      const { hidden, parameters } = traceEncoder(graph, shape);
      names = parameters.map((parameter) => (graph.node(parameter).operation as { name: string }).name);
      const gradients = grad(sum(multiply(hidden, tanh(hidden))), parameters);
      const outputs = Object.fromEntries(names.map((name, index) => [`d ${name}`, gradients[index]!]));
      return planGraph(graph, { outputs });
    })(),
  );
  for (const [index, name] of names.entries()) {
    const count = executable.layout.parameters[name]!.shape.reduce((product, size) => product * size, 1);
    executable.write(name, randomValues(count, 50 + index));
  }
  executable.run(feeds);
  return Object.fromEntries(names.map((name) => [name, Array.from(executable.values(`d ${name}`))]));
}

test.each(["layers", "gelu"] as const)(
  "with recomputed %s, dropout included, every gradient is the same to the bit",
  async (recompute) => {
    const [kept, again] = [await gradientsOf(SMALL), await gradientsOf({ ...SMALL, recompute })];
    expect(Object.keys(kept).length).toBe(52);
    expect(Object.values(kept).every((values) => values.some((value) => value !== 0))).toBe(true);
    expect(again).toEqual(kept);
  },
);

test("six layers whose activations are recomputed keep one matrix a layer, not sixteen", () => {
  const large: EncoderShape = {
    ...SMALL,
    layers: 6,
    width: 64,
    hidden: 256,
    heads: 4,
    rows: 512,
    longest: 64,
  };
  const slots = (recompute?: "layers" | "gelu"): number => {
    const graph = new Graph();
    const plan = planGraph(graph, traceEncoderStep(graph, { ...large, ...(recompute ? { recompute } : {}) }));
    const used = plan.storages.filter(({ kind }) => kind === "slot");
    return used.reduce((total, { elements }) => total + elements, 0) / (512 * 64);
  };
  const kept = slots();
  expect(kept).toBeGreaterThan(16 * 6);
  expect(slots("layers")).toBeLessThan(6 + 28); // and the parts of the one layer that is being computed
  expect(slots("gelu")).toBeLessThanOrEqual(kept - 4 * 6 + 5);
});

test("a part that uses a tensor from outside gives it its gradient, and so does one part inside another", async () => {
  await expectGradient({ x: [3, 4], w: [3, 4] }, ({ x, w }) =>
    multiply(
      checkpointed([x!], ([part]) => multiply(tanh(part!), w!)),
      x!,
    ),
  );
  await expectGradient({ x: [3, 4] }, ({ x }) =>
    checkpointed([x!], ([outer]) =>
      tanh(checkpointed([multiply(outer!, outer!)], ([inner]) => tanh(inner!))),
    ),
  );
});

test("a part that makes leaves, or does not repeat itself, is refused", async () => {
  const traced = (part: (x: Tensor, graph: Graph) => Tensor) =>
    compile(openReference(), (graph) => {
      const w = graph.parameter("w", [4]);
      return { outputs: { d: grad(sum(checkpointed([w], ([x]) => part(x!, graph))), [w])[0]! } };
    });
  await expect(traced((x, graph) => multiply(x, graph.parameter("v", [4])))).rejects.toThrow(
    'parameter "v" is made inside',
  );
  let seed = 0;
  await expect(
    traced((x, graph) => {
      const node = graph.nodes.find(({ operation }) => operation.kind === "input");
      return dropout(x, { rate: 0.5, seed: seed++, counter: node ?? graph.input("c", "u32", [1]) });
    }),
  ).rejects.toThrow("is made inside");
});
