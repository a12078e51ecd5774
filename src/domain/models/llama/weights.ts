import type { Graph, Tensor } from "../../../engine/graph.ts";
import { addBias } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import { traceWeights, type TracedWeights, type TraceOptions } from "../bert/weights.ts";
import type { LlamaConfig } from "./config.ts";
import { llamaShapes } from "./names.ts";

/** Where a traced decoder finds its weights; LoRA wraps `linear`. */
export type DecoderWeights = Pick<TracedWeights, "tensor" | "linear">;

/**
 * Leaves for the tensors of a decoder, made when first asked for: what trains are parameters, the rest residents, matrices among
 * them in f16 where asked for. Executables that share parameters must agree on `trains`.
 */
export function traceLlama(
  graph: Graph,
  config: LlamaConfig,
  trains: (name: string) => boolean,
  options: TraceOptions = {},
): TracedWeights {
  const shapes = llamaShapes(config);
  const leaves = traceWeights(graph, shapes, trains, options);
  const linear = (name: string, x: Tensor): Tensor => {
    const product = matmul(x, leaves.tensor(`${name}.weight`), { transposeB: true });
    return shapes.has(`${name}.bias`) ? addBias(product, leaves.tensor(`${name}.bias`)) : product;
  };
  return { ...leaves, linear };
}
