import type { Activation } from "../../src/engine/activation.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { compile } from "../../src/engine/compile.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { activate } from "../../src/engine/ops/activations.ts";
import { add, addBias, scaleBy } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mnrl, type MnrlOptions } from "../../src/engine/ops/mnrl.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";

/** The adapters of the fixtures, under the names of their tensors. */
export interface AdapterShape {
  readonly dim: number;
  readonly hidden?: number;
  readonly bias?: boolean;
  readonly activation?: Activation;
  readonly residual?: boolean;
}

/** x [B, dim] → [B, dim], with the parameters that take part. */
export function traceAdapter(
  graph: Graph,
  shape: AdapterShape,
  x: Tensor,
): { output: Tensor; parameters: Tensor[] } {
  const { dim, hidden, bias, activation = "relu", residual } = shape;
  if (hidden === undefined) {
    const weight = graph.parameter("linear.weight", [dim, dim]);
    const product = matmul(x, weight, { transposeB: true });
    if (!bias) return { output: product, parameters: [weight] };
    const shift = graph.parameter("linear.bias", [dim]);
    return { output: addBias(product, shift), parameters: [weight, shift] };
  }
  const residualWeight = graph.parameter("residual_weight", [1]);
  const parameters = [
    graph.parameter("linear1.weight", [hidden, dim]),
    graph.parameter("linear1.bias", [hidden]),
    graph.parameter("linear2.weight", [dim, hidden]),
    graph.parameter("linear2.bias", [dim]),
  ] as const;
  const inner = activate(addBias(matmul(x, parameters[0], { transposeB: true }), parameters[1]), activation);
  const outer = addBias(matmul(inner, parameters[2], { transposeB: true }), parameters[3]);
  if (!residual) return { output: outer, parameters: [...parameters] };
  return { output: add(scaleBy(outer, residualWeight), x), parameters: [residualWeight, ...parameters] };
}

export interface StepOptions extends Omit<MnrlOptions, "positives" | "mask"> {
  readonly rows: number; // of the data set
  readonly batch: number;
  readonly maxNorm?: number;
  readonly weightDecay?: number;
  readonly withGradients?: boolean; // clipped gradients as outputs "grad.<name>"
}

/** The whole training step of an adapter over resident vectors. */
export function compileStep(
  backend: Backend,
  shape: AdapterShape,
  options: StepOptions,
  sharing?: Executable,
): Promise<Executable> {
  const { rows, batch, scale, maxNorm = 1, weightDecay = 0.01, withGradients = false } = options;
  return compile(
    backend,
    (graph) => {
      const indices = graph.input("batch", "u32", [batch]);
      const queries = gather(graph.resident("queries", "f32", [rows, shape.dim]), indices);
      const documents = gather(graph.resident("documents", "f32", [rows, shape.dim]), indices);
      const { output, parameters } = traceAdapter(graph, shape, queries);
      const loss = mnrl(output, documents, { scale });
      const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), maxNorm);
      const learningRate = graph.scalar("learningRate");
      const named = parameters.map(
        (parameter, index) => [nameOf(graph, parameter), gradients[index]!] as const,
      );
      return {
        log: { loss, norm },
        updates: adamw(parameters, gradients, { learningRate, weightDecay }),
        outputs: withGradients ? Object.fromEntries(named.map(([name, g]) => [`grad.${name}`, g])) : {},
      };
    },
    sharing ? { sharing } : {},
  );
}

function nameOf(graph: Graph, tensor: Tensor): string {
  const { operation } = graph.node(tensor);
  return "name" in operation ? operation.name : "";
}
