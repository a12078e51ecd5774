import { RetuneError } from "./errors.ts";
import type { Activation } from "./activation.ts";

/**
 * What a graph computes with. u32 is for row numbers, groups and counters; only f32 has gradients. f16, q8 and q4 are residents
 * stored in fewer bits (stored.ts), read as B of a product or as the table of a gather; everything is computed in f32.
 */
export type DType = "f32" | "u32" | StoredType;
export type StoredType = "f16" | "q8" | "q4";

export function isStored(dtype: DType): dtype is StoredType {
  return dtype !== "f32" && dtype !== "u32";
}

export type BinaryOperator = "add" | "subtract" | "multiply" | "divide";

/** Sum over everything ([]), over the columns of each row ([M, 1]), or over the rows of each column ([N]). */
export type ReduceAxis = "all" | "rows" | "columns";

/** What a graph starts from. An accumulator is made by `accumulated`, of its parameter's name and ".g". */
export type LeafKind = "input" | "scalar" | "resident" | "parameter" | "state";

/** The closed set of what a node can be. A letter's meaning is written in the file of `ops/` that builds the node. */
export type Operation =
  | { readonly kind: LeafKind | "accumulator"; readonly name: string }
  | { readonly kind: "constant"; readonly value: number }
  | {
      readonly kind: "matmul";
      readonly transposeA: boolean;
      readonly transposeB: boolean;
      readonly padded: boolean; // row stride of the result rounded up to a multiple of 4
    }
  | { readonly kind: "binary"; readonly operator: BinaryOperator }
  | { readonly kind: "scale"; readonly factor: number }
  | { readonly kind: "activation"; readonly activation: Activation }
  | { readonly kind: "activationGradient"; readonly activation: Activation } // inputs: dY, saved
  | { readonly kind: "dropout"; readonly rate: number; readonly seed: number } // inputs: x, counter
  | { readonly kind: "reduce"; readonly axis: ReduceAxis; readonly scale: number }
  | { readonly kind: "broadcast" } // inputs: a scalar or vector; shape says how far
  | { readonly kind: "gather" } // inputs: table, indices
  | { readonly kind: "scatter" } // inputs: rows, indices; shape of the table
  | { readonly kind: "l2Normalize" }
  | { readonly kind: "l2NormalizeGradient" } // inputs: dY, x
  | SoftmaxOperation // inputs: logits, then queries?, positives or targets?, row groups?, column groups?
  | LayerNormOperation
  | { readonly kind: "rotary"; readonly heads: number; readonly turn: 1 | -1 } // inputs: x, positions, table
  | AttentionOperation
  | { readonly kind: "storeRows" } // inputs: a state, rows, places; its value is the state afterwards
  | { readonly kind: "cachedAttention"; readonly heads: number; readonly keyHeads: number } // inputs: q, keys, values, ranges
  | { readonly kind: "segmentMean" } // inputs: x, spans
  | { readonly kind: "segmentMeanGradient" } // inputs: dY, spans; shape of x
  | { readonly kind: "block"; readonly rowOffset: number; readonly columnOffset: number }
  | {
      readonly kind: "pick"; // inputs: the node whose further result it is
      readonly output: "coefficients" | "beta" | "logSumExp" | "dKeys" | "dValues";
    }
  | { readonly kind: "meanLoss" } // inputs: row losses, then what its derivative is with respect to
  | { readonly kind: "subtractScaledRows" } // inputs: X [M, N], factors [M, 1], Y [M, N]: X − factors·Y
  | { readonly kind: "checkpoint" } // inputs: what it is, then what that was made of outside (`checkpointed`)
  | { readonly kind: "globalNorm" }
  | { readonly kind: "clip"; readonly maxNorm: number }; // inputs: gradient, norm

export interface SoftmaxOperation {
  readonly kind: "softmaxRows";
  readonly scale: number; // logits are multiplied by this
  readonly normalized: boolean; // and divided by the norm of the query row
  readonly positives: boolean;
  readonly targets: boolean; // never together with positives
  readonly groups: boolean;
}

export interface LayerNormOperation {
  readonly kind: "layerNorm" | "layerNormGradient" | "layerNormGamma"; // inputs: x, γ, β?; dY, x, γ; dY, x
  readonly epsilon: number;
  readonly centred: boolean; // with β; not: RMSNorm, over stretches of γ's length
}

/** inputs: q, k, v, ranges, counter?; the gradient's: dO, O, logSumExp, then those; its own value is dQ. */
export interface AttentionOperation {
  readonly kind: "attention" | "attentionGradient";
  readonly heads: number;
  readonly keyHeads: number;
  readonly causal: boolean;
  readonly longest: number;
  readonly rate: number;
  readonly seed: number;
}

/** dY → the gradient of each input, undefined where there is none. Built of the same operations. */
export type DerivativeRule = (upstream: Tensor) => readonly (Tensor | undefined)[];

/** A symbolic value of fixed shape. It holds no numbers: those exist in an `Executable`. */
export interface Tensor {
  readonly graph: Graph;
  readonly id: number; // ids ascend, so they are a topological order
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface GraphNode extends Tensor {
  readonly operation: Operation;
  readonly inputs: readonly Tensor[];
  readonly derivative: DerivativeRule | undefined;
}

/** Rows and columns of a tensor seen as a matrix: [] is 1×1, [N] is 1×N, more dimensions fold into the rows. */
export function matrixShape(shape: readonly number[]): { readonly rows: number; readonly columns: number } {
  const columns = shape.at(-1) ?? 1;
  return { rows: shape.slice(0, -1).reduce((product, size) => product * size, 1), columns };
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

const DECODES: Partial<Record<Operation["kind"], number>> = { matmul: 1, gather: 0 }; // the input that may be stored in fewer bits

function checkStored(kind: Operation["kind"], index: number, dtype: DType): void {
  if (!isStored(dtype) || DECODES[kind] === index) return;
  throw new RetuneError(
    "shape",
    `${kind}: a resident in ${dtype} can be B of a matmul or the table of a gather, nothing else; keep it in f32`,
  );
}

/** Records operations. Traced once per executable; a name stands for one leaf. */
export class Graph {
  readonly nodes: GraphNode[] = [];
  /** Bytes that one buffer may have where this runs (`Backend.bindingBytes`): larger tables are cut by who traces them. */
  readonly bindingBytes: number;
  readonly #names = new Set<string>();

  constructor(bindingBytes = Infinity) {
    this.bindingBytes = bindingBytes;
  }

  /** Fed at every run. */
  input(name: string, dtype: DType, shape: readonly number[]): Tensor {
    return this.#leaf("input", name, dtype, shape);
  }

  /** f32 [], fed at every run: a learning rate or another constant that depends on the step. */
  scalar(name: string): Tensor {
    return this.#leaf("scalar", name, "f32", []);
  }

  /** Written once and only read by steps: the data set. What depends on residents alone is computed once. */
  resident(name: string, dtype: DType, shape: readonly number[]): Tensor {
    return this.#leaf("resident", name, dtype, shape);
  }

  /** Trainable, kept between runs on the device. */
  parameter(name: string, shape: readonly number[]): Tensor {
    return this.#leaf("parameter", name, "f32", shape);
  }

  /** Kept between runs, not trainable. Optimizer moments are made by `adamw` itself. */
  state(name: string, shape: readonly number[]): Tensor {
    return this.#leaf("state", name, "f32", shape);
  }

  /** The same value everywhere. */
  constant(value: number, shape: readonly number[] = []): Tensor {
    return this.add({ kind: "constant", value }, [], shape, undefined);
  }

  /** Appends a node; called by the functions of `ops/`, which check shapes first. */
  add(
    operation: Operation,
    inputs: readonly Tensor[],
    shape: readonly number[],
    derivative: DerivativeRule | undefined,
    dtype: DType = "f32",
  ): Tensor {
    for (const [index, tensor] of inputs.entries()) {
      checkStored(operation.kind, index, tensor.dtype);
      if (tensor.graph !== this) {
        throw new RetuneError(
          "shape",
          `${operation.kind}: tensor ${tensor.id} belongs to another graph; trace it here`,
        );
      }
    }
    const node = { graph: this, id: this.nodes.length, operation, inputs, shape, dtype, derivative };
    this.nodes.push(node);
    return node;
  }

  node(tensor: Tensor): GraphNode {
    return this.nodes[tensor.id]!;
  }

  #leaf(kind: LeafKind, name: string, dtype: DType, shape: readonly number[]): Tensor {
    if (this.#names.has(name)) {
      throw new RetuneError(
        "shape",
        `${kind} "${name}": the name is taken in this graph; give each leaf its own`,
      );
    }
    if (shape.some((size) => !Number.isInteger(size) || size < 1)) {
      throw new RetuneError(
        "shape",
        `${kind} "${name}": sizes must be integers of at least 1, got ${showShape(shape)}`,
      );
    }
    if (isStored(dtype) && kind !== "resident") {
      throw new RetuneError("shape", `${kind} "${name}": ${dtype} is for residents; use f32`);
    }
    this.#names.add(name);
    return this.add({ kind, name }, [], [...shape], undefined, dtype);
  }
}
