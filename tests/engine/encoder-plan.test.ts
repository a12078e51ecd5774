import { expect, test } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { readsOf, writesOf } from "../../src/engine/lower/launch-buffers.ts";
import { scaleBy } from "../../src/engine/ops/elementwise.ts";
import { planGraph } from "../../src/engine/lower/plan-graph.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { traceEncoderStep, type EncoderShape } from "./encoder-step.ts";

const SMALL: EncoderShape = {
  ...{ layers: 6, width: 64, hidden: 256, heads: 4, words: 5000 },
  ...{ rows: 256, pairs: 8, longest: 64 },
};

function planOf(shape: EncoderShape): Plan {
  const graph = new Graph();
  return planGraph(graph, traceEncoderStep(graph, shape));
}

const isTemporary = (plan: Plan, buffer: number): boolean =>
  plan.storages[plan.buffers[buffer]!.storage]!.kind === "slot";

/** Elements of all slots together. */
function slotElements(plan: Plan): number {
  return plan.storages.filter(({ kind }) => kind === "slot").reduce((sum, { elements }) => sum + elements, 0);
}

/** The most elements of temporaries that are needed at one launch: no plan of these launches can do with less. */
function mostAlive(plan: Plan): number {
  const uses = new Map<number, number[]>();
  plan.launches.forEach((launch, index) => {
    for (const buffer of [...readsOf(launch), ...writesOf(launch)]) {
      if (isTemporary(plan, buffer)) uses.set(buffer, [...(uses.get(buffer) ?? []), index]);
    }
  });
  const alive = plan.launches.map((_, index) =>
    [...uses]
      .filter(([, at]) => at[0]! <= index && at.at(-1)! >= index)
      .reduce((sum, [buffer]) => sum + Math.ceil(plan.buffers[buffer]!.elements / 4) * 4, 0),
  );
  return Math.max(...alive);
}

test.each([
  ["all weights", {}],
  ["dropout", { dropout: 0.1 }],
  ["all but the last layer frozen", { frozen: true }],
])("slots of an encoder step with %s are hardly larger than what is alive at once", (_name, options) => {
  const plan = planOf({ ...SMALL, ...options });
  expect(slotElements(plan)).toBeLessThanOrEqual(1.02 * mostAlive(plan));
});

test("a layer keeps 16 matrices of the hidden width for its gradient, and little comes on top", () => {
  const { layers, rows, width } = SMALL; // x, q, k, v, attended, sum, norm, 4 before and 4 after gelu, sum
  expect(slotElements(planOf(SMALL))).toBeLessThanOrEqual((16 * layers + 10) * rows * width);
});

test("an output of the forward pass is written before the gradients, and holds nothing back", () => {
  const graph = new Graph();
  const results = traceEncoderStep(graph, SMALL);
  const hidden = graph.nodes.filter(({ operation }) => operation.kind === "layerNorm").at(-1)!;
  const plan = planGraph(graph, { ...results, outputs: { doubled: scaleBy(hidden, 2) } });
  const written = plan.outputs["doubled"]!.buffer;
  const at = plan.launches.findIndex((launch) => writesOf(launch).includes(written));
  expect(at).toBeLessThan(plan.launches.findIndex(({ kind }) => kind === "layerNormGradient"));
});

test("layers of frozen weights keep nothing for a gradient they do not have", () => {
  const { rows, width } = SMALL;
  expect(slotElements(planOf({ ...SMALL, frozen: true }))).toBeLessThanOrEqual(32 * rows * width);
});

test("a training step of an encoder takes at most 34 launches a layer", () => {
  const [few, many] = [2, 6].map((layers) => planOf({ ...SMALL, layers }).launches.length) as [
    number,
    number,
  ];
  expect((many - few) / 4).toBeLessThanOrEqual(34);
});

test("gradients of embedding tables are scattered straight to where the optimizer reads them", () => {
  const { launches, buffers, storages } = planOf(SMALL);
  const scatters = launches.filter((launch) => launch.kind === "scatter");
  const tables = scatters.filter(({ tableRows }) => tableRows !== SMALL.rows); // hidden states have as many rows
  expect(tables.map(({ out }) => storages[buffers[out]!.storage]!.kind)).toEqual(["gradients", "gradients"]);
  const tableSize = SMALL.words * SMALL.width;
  for (const launch of launches) {
    if (launch.kind === "sumSquares" || launch.kind === "adamw" || launch.kind === "scatter") continue;
    for (const buffer of writesOf(launch)) expect(buffers[buffer]!.elements).toBeLessThan(tableSize);
  }
});

test("nothing is derived from frozen weights: no copy of a table", () => {
  const plan = planOf({ ...SMALL, frozen: true });
  expect(plan.prologue).toEqual([]);
  expect(plan.storages.filter(({ kind }) => kind === "derived")).toEqual([]);
});

test("no launch of an encoder step reads and writes one storage, except in place by design", () => {
  for (const options of [{}, { dropout: 0.1 }]) {
    const plan = planOf({ ...SMALL, ...options });
    for (const launch of plan.launches.filter(({ kind }) => kind !== "adamw")) {
      const read = new Set(readsOf(launch).map((buffer) => plan.buffers[buffer]!.storage));
      for (const buffer of writesOf(launch))
        expect(read.has(plan.buffers[buffer]!.storage), launch.kind).toBe(false);
    }
  }
});
