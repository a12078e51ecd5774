// Recomputation of activations (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): of what is traced
// inside, nothing but the result is kept for the backward pass, which traces and computes it once more.
import { backward } from "./autodiff.ts";
import { RetuneError } from "./errors.ts";
import { isStored, type GraphNode, type Tensor } from "./graph.ts";

/**
 * The result of `trace(inputs)`, whose activations are computed again for the gradient instead of being kept: less memory
 * for one more forward pass of this part; the gradients are the same to the bit. Around a layer it keeps the layer's
 * input alone; around a gelu and the product that reads it, the argument alone. `trace` may use tensors from outside but must not make leaves, and must
 * do the same each time it is called (give a dropout its seed by place, not by count); else "shape" is thrown.
 */
export function checkpointed(
  inputs: readonly Tensor[],
  trace: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  const { graph } = inputs[0]!;
  const first = graph.nodes.length;
  const result = trace(inputs);
  const inside = graph.nodes.slice(first);
  if (inside.length === 0 || result.id < first) return result;
  checkLeaves(inside);
  const read = [...new Set(inside.flatMap((node) => node.inputs))].filter(({ id }) => id < first);
  const outside = read.filter(({ dtype }) => !isStored(dtype)); // what is stored in fewer bits has no gradient
  return graph.add({ kind: "checkpoint" }, [result, ...outside], result.shape, (upstream) => {
    const start = graph.nodes.length;
    const again = trace(inputs);
    checkSame(inside, graph.nodes.slice(start), first, start);
    const sources = outside.filter(({ dtype }) => dtype === "f32");
    const gradients = backward(again, upstream, sources, start);
    return [undefined, ...outside.map((tensor) => gradients[sources.indexOf(tensor)])];
  });
}

function checkLeaves(inside: readonly GraphNode[]): void {
  const leaf = inside.find(({ operation }) => "name" in operation);
  if (!leaf || !("name" in leaf.operation)) return;
  throw new RetuneError(
    "shape",
    `checkpointed: ${leaf.operation.kind} "${leaf.operation.name}" is made inside; make it before and use it`,
  );
}

/** Throws unless both traces did the same to the same tensors. */
function checkSame(
  before: readonly GraphNode[],
  after: readonly GraphNode[],
  first: number,
  start: number,
): void {
  const place = (id: number, from: number): number => (id < from ? id : id - from + first);
  const show = ({ operation, inputs }: GraphNode, from: number): string =>
    JSON.stringify([operation, inputs.map(({ id }) => place(id, from))]);
  const other = before.findIndex((node, index) => {
    const twin = after[index];
    return !twin || show(node, first) !== show(twin, start);
  });
  if (other < 0 && before.length === after.length) return;
  const kind = before[Math.max(0, other)]!.operation.kind;
  throw new RetuneError("shape", `checkpointed: the part did something else the second time, at a ${kind}`);
}
