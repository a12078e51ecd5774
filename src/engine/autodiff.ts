import { RetuneError } from "./errors.ts";
import { elementCount, showShape, type Graph, type Tensor } from "./graph.ts";
import { add } from "./ops/elementwise.ts";

/**
 * dLoss/dParameter for each parameter, in order, as tensors of the same graph (reverse mode; every operation brings its
 * own rule, `ops/`). Throws "shape" where the loss is no scalar, a parameter has no part in it, or an operation on the
 * way has no derivative.
 */
export function grad(loss: Tensor, parameters: readonly Tensor[]): readonly Tensor[] {
  if (elementCount(loss.shape) !== 1) {
    throw new RetuneError(
      "shape",
      `grad: expected a scalar loss, got ${showShape(loss.shape)}; take its mean or sum`,
    );
  }
  const { graph } = loss;
  const gradients = backward(loss, graph.constant(1), parameters, 0);
  return parameters.map((parameter, index) => {
    const gradient = gradients[index];
    if (gradient) return gradient;
    const name = nameOf(graph, parameter);
    throw new RetuneError("shape", `grad: "${name}" has no part in the loss; leave it out of the parameters`);
  });
}

/**
 * The product of `upstream` with the derivative of `output` with respect to each source; undefined for a source that has
 * no part in it. Only nodes from id `first` on may lie between sources and output.
 */
export function backward(
  output: Tensor,
  upstream: Tensor,
  sources: readonly Tensor[],
  first: number,
): readonly (Tensor | undefined)[] {
  const { graph } = output;
  const wanted = dependants(graph, sources, first, output.id);
  const gradients = new Map<number, Tensor>([[output.id, upstream]]);
  for (let id = output.id; id >= first; id--) {
    const reached = gradients.get(id);
    if (reached && wanted.has(id)) propagate(graph, id, reached, wanted, gradients);
  }
  return sources.map(({ id }) => gradients.get(id));
}

/** Ids from `first` to `last` of the nodes that depend on one of `sources`, and those of the sources. */
export function dependants(
  graph: Graph,
  sources: readonly Tensor[],
  first = 0,
  last = graph.nodes.length - 1,
): Set<number> {
  const found = new Set(sources.map((source) => source.id));
  for (const node of graph.nodes.slice(first, last + 1)) {
    if (node.inputs.some((input) => found.has(input.id))) found.add(node.id);
  }
  return found;
}

function propagate(
  graph: Graph,
  id: number,
  upstream: Tensor,
  wanted: ReadonlySet<number>,
  gradients: Map<number, Tensor>,
): void {
  const node = graph.nodes[id]!;
  if (!node.inputs.some((input) => wanted.has(input.id))) return;
  if (!node.derivative) {
    if (node.operation.kind === "softmaxRows") return; // its loss node knows the gradient
    throw new RetuneError("shape", `grad: ${node.operation.kind} has no derivative; use it outside the loss`);
  }
  const parts = node.derivative(upstream);
  node.inputs.forEach((input, index) => {
    const part = parts[index];
    if (!part || !wanted.has(input.id)) return;
    const known = gradients.get(input.id);
    gradients.set(input.id, known ? add(known, part) : part);
  });
}

function nameOf(graph: Graph, tensor: Tensor): string {
  const { operation } = graph.node(tensor);
  return "name" in operation ? operation.name : operation.kind;
}
