import { elementCount, matrixShape, showShape, type GraphNode, type Tensor } from "../graph.ts";
import { MAX_OPERANDS, MAX_STEPS, type Broadcast, type BufferId, type Operand, type Step } from "../plan.ts";
import type { GraphView } from "./graph-view.ts";
import { stepBuffers } from "./launch-buffers.ts";

/** A value followed by the steps that a single launch applies to it. */
export interface Chain {
  readonly base: Tensor;
  readonly steps: readonly Step[];
}

interface Link {
  readonly value: Tensor; // what the step applies to
  readonly step: Step;
}

/**
 * Walks down from `tensor` as long as the value below has no other reader, and collects the steps. The base is what
 * must exist before: a matmul (whose epilogue the steps become) or any other tensor (an elementwise launch).
 */
export function chainOf(view: GraphView, tensor: Tensor, bufferOf: (tensor: Tensor) => BufferId): Chain {
  const steps: Step[] = [];
  let current = tensor;
  for (;;) {
    const room = MAX_STEPS - 2 - steps.length; // a matmul may add its two slid factors
    const link = linkOf(view, view.node(current), bufferOf);
    if (!link) return { base: current, steps };
    const operands = stepBuffers([...steps, link.step]).length;
    if (current !== tensor && (room <= 0 || operands > MAX_OPERANDS - 1)) return { base: current, steps };
    steps.unshift(link.step);
    const value = view.unrepeated(link.value);
    if (value !== link.value || !view.fuses(link.value, tensor)) return { base: link.value, steps };
    current = link.value;
  }
}

export function broadcastOf(operand: Tensor, shape: readonly number[]): Broadcast {
  if (elementCount(operand.shape) === 1) return "scalar";
  if (showShape(operand.shape) === showShape(shape)) return "full";
  return operand.shape.length === 1 && operand.shape[0] === matrixShape(shape).columns ? "row" : "column";
}

function linkOf(view: GraphView, node: GraphNode, bufferOf: (tensor: Tensor) => BufferId): Link | undefined {
  const { operation, inputs } = node;
  const value = inputs[0]!;
  switch (operation.kind) {
    case "scale":
      return { value, step: { kind: "scale", factor: operation.factor } };
    case "activation":
      return { value, step: { kind: "activation", activation: operation.activation } };
    case "activationGradient": {
      const { activation } = operation;
      return { value, step: { kind: "activationGradient", activation, saved: bufferOf(inputs[1]!) } };
    }
    case "dropout":
      return {
        value,
        step: { kind: "dropout", rate: operation.rate, seed: operation.seed, counter: bufferOf(inputs[1]!) },
      };
    case "clip":
      return { value, step: { kind: "clip", norm: bufferOf(inputs[1]!), maxNorm: operation.maxNorm } };
    case "subtractScaledRows":
      return {
        value,
        step: { kind: "subtractScaledRows", factors: bufferOf(inputs[1]!), matrix: bufferOf(inputs[2]!) },
      };
    case "binary":
      return binaryLink(view, node, bufferOf);
    default:
      return undefined;
  }
}

/** The side that can be fused is the value, the other one the operand. */
function binaryLink(view: GraphView, node: GraphNode, bufferOf: (tensor: Tensor) => BufferId): Link {
  const { operation, inputs, shape } = node;
  const [a, b] = [inputs[0]!, inputs[1]!];
  const operator = operation.kind === "binary" ? operation.operator : "add";
  const swapped = !view.fuses(a, node) && view.fuses(b, node) && showShape(b.shape) === showShape(shape);
  const [value, other] = swapped ? [b, a] : [a, b];
  const plain = view.unrepeated(other);
  const operand: Operand = { buffer: bufferOf(plain), broadcast: broadcastOf(plain, shape) };
  if (operator === "subtract")
    return { value, step: { kind: swapped ? "subtractFrom" : "subtract", operand } };
  if (operator === "divide") return { value, step: { kind: swapped ? "divideInto" : "divide", operand } };
  return { value, step: { kind: operator, operand } };
}
