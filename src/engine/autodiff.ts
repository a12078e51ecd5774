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
  const wanted = dependants(graph, parameters);
  const gradients = new Map<number, Tensor>([[loss.id, graph.constant(1)]]);
  for (let id = loss.id; id >= 0; id--) {
    const upstream = gradients.get(id);
    if (upstream && wanted.has(id)) propagate(graph, id, upstream, wanted, gradients);
  }
  return parameters.map((parameter) => {
    const gradient = gradients.get(parameter.id);
    if (!gradient) {
      const name = nameOf(graph, parameter);
      throw new RetuneError(
        "shape",
        `grad: "${name}" has no part in the loss; leave it out of the parameters`,
      );
    }
    return gradient;
  });
}

/** Ids of the nodes that depend on one of `sources`, themselves included. */
function dependants(graph: Graph, sources: readonly Tensor[]): Set<number> {
  const found = new Set(sources.map((source) => source.id));
  for (const node of graph.nodes) {
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
