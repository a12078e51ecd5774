import { dependants } from "../autodiff.ts";
import { RetuneError } from "../errors.ts";
import { elementCount, showShape, type Graph, type GraphNode, type Tensor } from "../graph.ts";
import type { AdamWUpdates } from "../optim/adamw.ts";
import type { ParameterLayout } from "../plan.ts";
import type { Updates } from "../step-results.ts";
import { aligned } from "./storage-draft.ts";

const PARTIALS = 64; // at most: every thread of the optimizer sums them
const SMALLEST_CHUNK = 16_384;

/** How an arena is cut for partial sums of squares. */
export function chunksOf(elements: number): { readonly chunk: number; readonly count: number } {
  const chunk = Math.max(SMALLEST_CHUNK, aligned(Math.ceil(elements / PARTIALS)));
  return { chunk, count: Math.ceil(elements / chunk) };
}

/** The name of a leaf, or what a node is. */
export function nameOf(graph: Graph, tensor: Tensor): string {
  const { operation } = graph.node(tensor);
  return "name" in operation ? operation.name : operation.kind;
}

/** A tensor that may be logged. */
export function scalarOf(graph: Graph, tensor: Tensor): Tensor {
  if (elementCount(tensor.shape) === 1) return tensor;
  const kind = nameOf(graph, tensor);
  throw new RetuneError(
    "shape",
    `log: expected scalars, got ${kind} ${showShape(tensor.shape)}; log its mean or sum`,
  );
}

/** The gradient below a clip: the optimizer clips by itself. */
export function unclipped(graph: Graph, gradient: Tensor): Tensor {
  const { operation, inputs } = graph.node(gradient);
  return operation.kind === "clip" ? inputs[0]! : gradient;
}

/** The one norm that all gradients of an update are clipped to; Infinity without clipping. */
export function maxNormOf(graph: Graph, updates: AdamWUpdates): number {
  const norms = new Set<number>();
  for (const { gradient } of updates.entries) {
    const { operation } = graph.node(gradient);
    norms.add(operation.kind === "clip" ? operation.maxNorm : Infinity);
  }
  if (norms.size > 1) {
    throw new RetuneError(
      "unsupported",
      `adamw: gradients are clipped to ${[...norms].join(" and ")}; clip all to one norm`,
    );
  }
  return [...norms][0]!;
}

/** Tensors in an arena, each at an aligned offset. */
export function oneAfterTheOther(tensors: readonly Tensor[]): { tensor: Tensor; offset: number }[] {
  let end = 0;
  return tensors.map((tensor) => {
    const offset = end;
    end += aligned(elementCount(tensor.shape));
    return { tensor, offset };
  });
}

/** Is every gradient of a step exactly what was accumulated for its parameter? Then the accumulators are its arena. */
export function takesAccumulated(graph: Graph, updates: Updates | undefined): boolean {
  if (updates?.kind !== "adamw") return false;
  return updates.entries.every(({ parameter, gradient }) => {
    const { operation } = graph.node(unclipped(graph, gradient));
    return operation.kind === "accumulator" && operation.name === `${nameOf(graph, parameter)}.g`;
  });
}

/**
 * The name of a gradient arena. Executables over the same parameters may lend each other the memory of arenas of equal
 * name: each writes all regions at every run, and what lies between them stays zero.
 */
export function arenaName(graph: Graph, updates: Updates | undefined, layout: ParameterLayout): string {
  if (!updates) return "gradients of a norm";
  const names = updates.entries.map(({ parameter }) => nameOf(graph, parameter));
  const whole = new Set(names).size === Object.keys(layout.parameters).length;
  return whole ? "gradients" : `gradients of ${names.toSorted().join(", ")}`;
}

/**
 * Ids of the gradients that another one is made of. They are not computed in the arena but copied there: a GPU refuses a
 * launch that reads and writes one storage.
 */
export function feedingOthers(graph: Graph, gradients: readonly Tensor[]): ReadonlySet<number> {
  const consumed = new Set(
    graph.nodes
      .filter(({ operation }) => operation.kind !== "clip" && operation.kind !== "globalNorm")
      .flatMap(({ inputs }) => inputs.map(({ id }) => id)),
  );
  const feeding = gradients.filter((gradient) => {
    if (!consumed.has(gradient.id)) return false;
    const made = dependants(graph, [gradient], gradient.id);
    return gradients.some(({ id }) => id !== gradient.id && made.has(id));
  });
  return new Set(feeding.map(({ id }) => id));
}

/** Throws unless every norm is taken of exactly these gradients. */
export function checkNorms(norms: readonly GraphNode[], gradients: readonly Tensor[]): void {
  const wanted = new Set(gradients.map(({ id }) => id));
  for (const norm of norms) {
    const same = norm.inputs.length === wanted.size && norm.inputs.every(({ id }) => wanted.has(id));
    if (!same) {
      const got = `${norm.inputs.length} gradients in a norm, ${wanted.size} in the step`;
      throw new RetuneError(
        "unsupported",
        `clipByGlobalNorm: take the norm of all gradients that adamw takes, got ${got}`,
      );
    }
  }
}

/** Where the parameters lie: as in `given`, checked, or one after the other. */
export function layoutOf(graph: Graph, given: ParameterLayout | undefined): ParameterLayout {
  const nodes = graph.nodes.filter(({ operation }) => operation.kind === "parameter");
  if (!given) {
    const placed = oneAfterTheOther(nodes);
    const last = placed.at(-1);
    const elements = last ? last.offset + aligned(elementCount(last.tensor.shape)) : 0;
    const entries = placed.map(({ tensor, offset }) => [
      nameOf(graph, tensor),
      { offset, shape: tensor.shape },
    ]);
    return { elements, parameters: Object.fromEntries(entries) as ParameterLayout["parameters"] };
  }
  for (const node of nodes) {
    const name = nameOf(graph, node);
    const known = given.parameters[name];
    if (known && showShape(known.shape) === showShape(node.shape)) continue;
    const there = known ? showShape(known.shape) : "none";
    throw new RetuneError(
      "shape",
      `compile: parameter "${name}" ${showShape(node.shape)} is shared, but there it is ${there}`,
    );
  }
  return given;
}
