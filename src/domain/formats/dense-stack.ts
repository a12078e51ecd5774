// An adapter as a chain of sentence-transformers' Dense modules, y = act(W x + b) each. A residual y = r·f(x) + x has no
// module, but x can travel beside f through any activation that gives it back from its two signs:
//   x = c·(act(x) − act(−x))   with c = 1 for relu and gelu, 1/1.01 for leaky_relu (slope 0.01), 1/2 for identity
// so each layer gets 2·D more rows, ±I of what travels, and the last one adds it to r·f(x): the same function, exactly but
// for rounding. tanh and sigmoid lose x.
import { RetuneError } from "../../engine/errors.ts";
import type { TensorData } from "../matrix.ts";
import type { Activation } from "../models/adapter-config.ts";
import { isResidual, layersOf, RESIDUAL, type AdapterLayer } from "../models/adapter-weights.ts";
import type { StoredAdapter } from "./adapter-folder.ts";

export interface DenseLayer {
  readonly weight: TensorData; // [outputs, inputs]
  readonly bias: TensorData | undefined; // [outputs]
  readonly activation: Activation;
}

const RETURNS: Readonly<Partial<Record<Activation, number>>> = {
  relu: 1,
  gelu: 1,
  leaky_relu: 1 / 1.01,
  identity: 0.5,
};

/** "unsupported" for a residual around tanh or sigmoid. */
export function denseStack({ config, weights }: StoredAdapter): readonly DenseLayer[] {
  const layers = layersOf(config);
  if (isResidual(config)) return new ResidualChain(config.features, weights).chain(layers);
  return layers.map((layer) => ({
    weight: weights.get(layer.weight)!,
    bias: layer.bias === undefined ? undefined : weights.get(layer.bias)!,
    activation: layer.activation,
  }));
}

class ResidualChain {
  private readonly features: number;
  private readonly weights: StoredAdapter["weights"];
  private returns = 0; // c of what travels; 0: the input still is x itself

  constructor(features: number, weights: StoredAdapter["weights"]) {
    this.features = features;
    this.weights = weights;
  }

  chain(layers: readonly AdapterLayer[]): readonly DenseLayer[] {
    const last = layers.at(-1)!;
    const merges = last.activation === "identity";
    const inner = (merges ? layers.slice(0, -1) : layers).map((layer) => this.widened(layer));
    const block = new Block(this.features, last.outputs);
    for (let row = 0; row < this.features; row++) block.values[row * last.outputs + row] = 1;
    const final = merges ? this.joined(this.block(last), this.bias(last)) : this.joined(block, undefined);
    return [...inner, final];
  }

  /** [W 0 0; 0 cI −cI; 0 −cI cI] on (f, act(x), act(−x)); at first [W; I; −I] on x. */
  private widened(layer: AdapterLayer): DenseLayer {
    const { features } = this;
    const returns = RETURNS[layer.activation];
    if (returns === undefined) {
      const text = `a residual around ${layer.activation} is no chain of Dense modules`;
      throw new RetuneError("unsupported", `${text}; export the adapter for LlamaIndex instead`);
    }
    const block = new Block(layer.outputs + 2 * features, this.width(layer.inputs));
    block.put(this.block(layer), 0, 0, 1);
    this.carry(block, layer.outputs, layer.inputs, 1);
    this.carry(block, layer.outputs + features, layer.inputs, -1);
    this.returns = returns;
    const bias = this.bias(layer);
    const values = new Float32Array(block.rows);
    if (bias) values.set(bias);
    return { weight: block.tensor(), bias: { shape: [block.rows], values }, activation: layer.activation };
  }

  /** r·(W f + b) + x. */
  private joined(inner: Block, bias: Float32Array | undefined): DenseLayer {
    const r = this.weights.get(RESIDUAL)!.values[0]!;
    const block = new Block(this.features, this.width(inner.columns));
    block.put(inner, 0, 0, r);
    this.carry(block, 0, inner.columns, 1);
    const values = bias?.map((value) => r * value);
    return {
      weight: block.tensor(),
      bias: values ? { shape: [values.length], values } : undefined,
      activation: "identity",
    };
  }

  /** Adds ±x to the rows from `row` on. */
  private carry(block: Block, row: number, inputs: number, sign: number): void {
    const { features } = this;
    for (let index = 0; index < features; index++) {
      const at = (row + index) * block.columns;
      if (this.returns === 0) {
        block.values[at + index]! += sign;
        continue;
      }
      block.values[at + inputs + index]! += sign * this.returns;
      block.values[at + inputs + features + index]! -= sign * this.returns;
    }
  }

  private width(inputs: number): number {
    return this.returns === 0 ? inputs : inputs + 2 * this.features;
  }

  private block(layer: AdapterLayer): Block {
    return new Block(layer.outputs, layer.inputs, this.weights.get(layer.weight)!.values);
  }

  private bias(layer: AdapterLayer): Float32Array | undefined {
    return layer.bias === undefined ? undefined : this.weights.get(layer.bias)!.values;
  }
}

class Block {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;

  constructor(rows: number, columns: number, values: Float32Array = new Float32Array(rows * columns)) {
    this.rows = rows;
    this.columns = columns;
    this.values = values;
  }

  put(other: Block, row: number, column: number, factor: number): void {
    for (let index = 0; index < other.values.length; index++) {
      const at = (row + Math.floor(index / other.columns)) * this.columns + column + (index % other.columns);
      this.values[at]! += factor * other.values[index]!;
    }
  }

  tensor(): TensorData {
    return { shape: [this.rows, this.columns], values: this.values };
  }
}
