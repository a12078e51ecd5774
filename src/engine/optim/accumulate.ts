import { RetuneError } from "../errors.ts";
import { elementCount, showShape, type Graph, type Tensor } from "../graph.ts";

/** Gradients that a run adds to their accumulators instead of taking a step. */
export interface AccumulateUpdates {
  readonly kind: "accumulate";
  readonly entries: readonly { readonly parameter: Tensor; readonly gradient: Tensor }[];
}

/**
 * Adds each gradient to the accumulator of its parameter, "<parameter>.g", which is kept between runs and shared by
 * executables that share parameters: gradient accumulation over several batches, and GradCache (Gao et al. 2021). Scale
 * the loss so that the sum is the gradient that is meant. The step that takes it reads `accumulated`.
 */
export function accumulate(parameters: readonly Tensor[], gradients: readonly Tensor[]): AccumulateUpdates {
  if (parameters.length !== gradients.length || parameters.length === 0) {
    const got = `${parameters.length} and ${gradients.length}`;
    throw new RetuneError("shape", `accumulate: expected one gradient for each parameter, got ${got}`);
  }
  const entries = parameters.map((parameter, index) => {
    const gradient = gradients[index]!;
    const { operation } = gradient.graph.node(gradient);
    parameterName(parameter);
    if (operation.kind === "clip" || elementCount(parameter.shape) !== elementCount(gradient.shape)) {
      const got = `${operation.kind} ${showShape(gradient.shape)} for ${showShape(parameter.shape)}`;
      throw new RetuneError("shape", `accumulate: expected a gradient of the shape, not clipped, got ${got}`);
    }
    return { parameter, gradient };
  });
  return { kind: "accumulate", entries };
}

/**
 * What has been added up for each parameter, as tensors to clip and to hand to `adamw`. The executable that takes the
 * step sets all accumulators to zero at its end, also where it changed nothing because a gradient was not finite.
 */
export function accumulated(graph: Graph, parameters: readonly Tensor[]): readonly Tensor[] {
  return parameters.map((parameter) => {
    const name = `${parameterName(parameter)}.g`;
    const known = graph.nodes.find(
      ({ operation }) => operation.kind === "accumulator" && operation.name === name,
    );
    return known ?? graph.add({ kind: "accumulator", name }, [], parameter.shape, undefined);
  });
}

function parameterName(tensor: Tensor): string {
  const { operation } = tensor.graph.node(tensor);
  if (operation.kind === "parameter") return operation.name;
  throw new RetuneError("shape", `accumulate: expected parameters, got a ${operation.kind}`);
}
