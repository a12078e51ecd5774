import { grad } from "../../src/engine/autodiff.ts";
import { checkpointed } from "../../src/engine/checkpointed.ts";
import type { Graph, Tensor } from "../../src/engine/graph.ts";
import { gelu } from "../../src/engine/ops/activations.ts";
import { attention } from "../../src/engine/ops/attention.ts";
import { dropout } from "../../src/engine/ops/dropout.ts";
import { add, addBias } from "../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../src/engine/ops/layer-norm.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { gather } from "../../src/engine/ops/rows.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import type { StepResults } from "../../src/engine/step-results.ts";

/** An encoder of BERT's shape over packed sequences, for tests of the engine alone. */
export interface EncoderShape {
  readonly layers: number;
  readonly width: number;
  readonly hidden: number; // of the feed-forward part
  readonly heads: number;
  readonly words: number; // of the embedding table
  readonly rows: number;
  readonly pairs: number;
  readonly longest: number;
  readonly dropout?: number;
  readonly frozen?: boolean; // weights are residents but for the last layer's
  readonly recompute?: "layers" | "gelu";
}

const EPSILON = 1e-12;

/** Hidden states [rows, width] and the parameters that take part. */
export function traceEncoder(graph: Graph, shape: EncoderShape): { hidden: Tensor; parameters: Tensor[] } {
  const { layers, width, words, rows, longest } = shape;
  const parameters: Tensor[] = [];
  const weight = (name: string, size: readonly number[]): Tensor => {
    if (shape.frozen && !name.startsWith(`layer ${layers - 1}`)) return graph.resident(name, "f32", size);
    const parameter = graph.parameter(name, size);
    parameters.push(parameter);
    return parameter;
  };
  const [ids, positions] = [graph.input("ids", "u32", [rows]), graph.input("positions", "u32", [rows])];
  const ranges = graph.input("ranges", "u32", [rows, 2]);
  const counter = shape.dropout === undefined ? undefined : graph.input("counter", "u32", [1]);
  let hidden = add(
    gather(weight("words", [words, width]), ids),
    gather(weight("positions table", [longest, width]), positions),
  );
  hidden = layerNorm(hidden, weight("norm γ", [width]), weight("norm β", [width]), { epsilon: EPSILON });
  for (let index = 0; index < layers; index++) {
    const layer = traceLayer(shape, `layer ${index}`, weight, ranges, counter, index * 3);
    hidden = shape.recompute === "layers" ? checkpointed([hidden], ([x]) => layer(x!)) : layer(hidden);
  }
  return { hidden, parameters };
}

/** The weights of a layer, and the function of its input that they make. */
function traceLayer(
  { width, hidden, heads, longest, dropout: rate, recompute }: EncoderShape,
  name: string,
  weight: (name: string, size: readonly number[]) => Tensor,
  ranges: Tensor,
  counter: Tensor | undefined,
  seed: number,
): (x: Tensor) => Tensor {
  const linear = (part: string, from: number, to: number) => {
    const [w, b] = [weight(`${name} ${part} w`, [to, from]), weight(`${name} ${part} b`, [to])];
    return (x: Tensor): Tensor => addBias(matmul(x, w, { transposeB: true }), b);
  };
  const norm = (part: string) => {
    const [gamma, beta] = [weight(`${name} ${part} γ`, [width]), weight(`${name} ${part} β`, [width])];
    return (x: Tensor): Tensor => layerNorm(x, gamma, beta, { epsilon: EPSILON });
  };
  const drop = (x: Tensor, at: number): Tensor =>
    counter && rate !== undefined ? dropout(x, { rate, seed: seed + at, counter }) : x;
  const [q, k, v, out] = ["q", "k", "v", "out"].map((part) => linear(part, width, width));
  const [up, down] = [linear("up", width, hidden), linear("down", hidden, width)];
  const [first, second] = [norm("first"), norm("second")];
  const narrowed = (x: Tensor): Tensor =>
    recompute === "gelu" ? checkpointed([x], ([wide]) => down(gelu(wide!))) : down(gelu(x));
  const drops = counter && rate !== undefined ? { dropout: { rate, seed, counter } } : {};
  return (x) => {
    const mixed = attention(q!(x), k!(x), v!(x), ranges, { heads, longest, ...drops });
    const middle = first(add(drop(out!(mixed), 1), x));
    return second(add(drop(narrowed(up(middle)), 2), middle));
  };
}

/** A whole training step: queries and documents are the first rows of their sequences. */
export function traceEncoderStep(graph: Graph, shape: EncoderShape): StepResults {
  const { hidden, parameters } = traceEncoder(graph, shape);
  const pooled = (name: string): Tensor => gather(hidden, graph.input(name, "u32", [shape.pairs]));
  const loss = mnrl(pooled("queries"), pooled("documents"), { scale: 20 });
  const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
  const learningRate = graph.scalar("learningRate");
  return { log: { loss, norm }, updates: adamw(parameters, gradients, { learningRate }) };
}

export const BGE_SMALL: EncoderShape = {
  ...{ layers: 12, width: 384, hidden: 1536, heads: 12, words: 30_522 },
  ...{ rows: 4096, pairs: 10, longest: 512 },
};
