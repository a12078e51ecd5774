import type { Backend } from "../../../engine/backend.ts";
import type { DType, Graph, Tensor } from "../../../engine/graph.ts";
import { addBias } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";

/** Where a traced BERT finds its weights; LoRA wraps `linear`. */
export interface BertWeights {
  /** An embedding table, or the weight or bias of a layer norm, by its full name. */
  tensor(name: string): Tensor;
  /** x [R, in] → x·Wᵀ + b [R, out] for the linear layer `name` ("encoder.layer.0.output.dense", no ".weight"). */
  linear(name: string, x: Tensor): Tensor;
}

/** Weights as leaves of a graph: what trains are parameters, the rest residents, all under their own names. */
export interface TracedWeights extends BertWeights {
  /** Trainable leaves of what was asked for so far, in the order of `shapes`. */
  parameters(): readonly Tensor[];
}

/** How matrices that do not train are kept on a device. */
export type FrozenPrecision = "f32" | "f16";

/** What was asked for, or halves where the device gains by them. */
export function frozenPrecisionOn({ halfStorage }: Backend, asked?: FrozenPrecision): FrozenPrecision {
  return asked ?? (halfStorage ? "f16" : "f32");
}

export interface TraceOptions {
  /**
   * "f16": matrices that do not train (linear weights and tables) are stored in halves, half the memory; sums stay f32.
   * Weights are rounded to 11 bits then, vectors change in the third digit. Default "f32".
   */
  readonly frozen?: FrozenPrecision;
}

/** What matrices that do not train are kept in, or a rule that says so for each tensor. */
export interface LeafOptions {
  readonly frozen?: FrozenPrecision | ((name: string, shape: readonly number[]) => DType);
}

/**
 * Leaves for the tensors of `shapes` (`encoderShapes`, `crossEncoderShapes`), made when first asked for. Executables that
 * share parameters must agree on `trains`.
 */
export function traceWeights(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
  trains: (name: string) => boolean,
  { frozen = "f32" }: LeafOptions = {},
): TracedWeights {
  const leaves = new Map<string, Tensor>();
  const tensor = (name: string): Tensor => {
    const known = leaves.get(name);
    if (known) return known;
    const shape = shapes.get(name);
    if (!shape) throw new Error(`no tensor "${name}" in this model`);
    const stored = typeof frozen === "function" ? frozen(name, shape) : shape.length === 2 ? frozen : "f32";
    const leaf = trains(name) ? graph.parameter(name, shape) : graph.resident(name, stored, shape);
    leaves.set(name, leaf);
    return leaf;
  };
  return {
    tensor,
    linear: (name, x) =>
      addBias(matmul(x, tensor(`${name}.weight`), { transposeB: true }), tensor(`${name}.bias`)),
    parameters: () =>
      [...shapes.keys()].flatMap((name) => {
        const leaf = leaves.get(name);
        return leaf && trains(name) ? [leaf] : [];
      }),
  };
}
