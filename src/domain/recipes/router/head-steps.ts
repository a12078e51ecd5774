import { grad } from "../../../engine/autodiff.ts";
import type { Backend, Executable, LogRow } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { addBias } from "../../../engine/ops/elementwise.ts";
import { matmul } from "../../../engine/ops/matmul.ts";
import { mnrl } from "../../../engine/ops/mnrl.ts";
import { gather } from "../../../engine/ops/rows.ts";
import { softmaxCrossEntropy } from "../../../engine/ops/softmax-cross-entropy.ts";
import { adamw } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import { NO_COLUMN, type PlanSummary } from "../../../engine/plan.ts";
import { cosineScores, dotScores, inverseNorms, unitRows } from "../../eval/dense.ts";
import type { Matrix, Weights } from "../../matrix.ts";
import type { AdapterConfig } from "../../models/adapter-config.ts";
import { traceAdapter } from "../../models/adapter-graph.ts";
import { initialWeights } from "../../models/adapter-weights.ts";
import { applyAdapter } from "../../models/apply-adapter.ts";
import { captureParameters, resetParameters, restoreParameters } from "../trained-parameters.ts";
import type { RouterVectors } from "./router-job.ts";

/** What is trained on frozen vectors: a name, its shapes, how it starts and how it scores. */
export interface Head {
  readonly initial: Weights;
  readonly residents: Readonly<Record<string, Float32Array>>; // beside the queries
  /** Loss of a batch: queries [B, D], positives u32 [B, P] among the choices. */
  trace(
    graph: Graph,
    queries: Tensor,
    positives: Tensor,
  ): { readonly loss: Tensor; readonly parameters: readonly Tensor[] };
  /** queries [n, D] → scores [n, C]. */
  scores(weights: Weights, queries: Matrix): Matrix;
}

export const HEAD_WEIGHT = "head.weight";
export const HEAD_BIAS = "head.bias";

/**
 * logits = x·Wᵀ + b over unit vectors x, softmax cross-entropy over all choices, uniform over several right ones. W starts
 * as scale · the unit vectors of the descriptions, so before its first step the head is the embedding router.
 */
export function softmaxHead({ choices }: RouterVectors, scale: number): Head {
  const { rows, columns } = choices;
  const norms = inverseNorms(choices);
  const start = choices.values.map((value, index) => scale * value * norms[Math.floor(index / columns)]!);
  const initial: Weights = new Map([
    [HEAD_WEIGHT, { shape: [rows, columns], values: start }],
    [HEAD_BIAS, { shape: [rows], values: new Float32Array(rows) }],
  ]);
  return {
    initial,
    residents: {},
    trace(graph, queries, positives) {
      const weight = graph.parameter(HEAD_WEIGHT, [rows, columns]);
      const bias = graph.parameter(HEAD_BIAS, [rows]);
      const logits = addBias(matmul(queries, weight, { transposeB: true }), bias);
      return { loss: softmaxCrossEntropy(logits, { positives }), parameters: [weight, bias] };
    },
    scores: (weights, queries) =>
      softmaxLogits(queries, weights.get(HEAD_WEIGHT)!.values, weights.get(HEAD_BIAS)!.values),
  };
}

/** queries [n, D] (divided by their lengths), weight [C, D], bias [C] → logits [n, C]. */
export function softmaxLogits(queries: Matrix, weight: Float32Array, bias: Float32Array): Matrix {
  const { rows, columns } = queries;
  const sums = dotScores(queries, { rows: bias.length, columns, values: weight });
  const norms = inverseNorms(queries);
  const values = Float32Array.from(sums, (sum, index) => {
    const row = Math.floor(index / bias.length);
    return sum * norms[row]! + bias[index % bias.length]!;
  });
  return { rows, columns: bias.length, values };
}

/** MNRL from the adapted query to the description over all choices; starts at the identity (llamaindex.md §3). */
export function adapterHead(
  config: AdapterConfig,
  { choices }: RouterVectors,
  scale: number,
  seed: number,
): Head {
  return {
    initial: initialWeights(config, seed),
    residents: { choices: choices.values },
    trace(graph, queries, positives) {
      const adapter = traceAdapter(graph, config);
      const descriptions = graph.resident("choices", "f32", [choices.rows, choices.columns]);
      return {
        loss: mnrl(adapter.forward(queries), descriptions, { scale, positives }),
        parameters: adapter.parameters,
      };
    },
    scores: (weights, queries) => cosineScores(applyAdapter(config, weights, queries), choices),
  };
}

export function linearAdapter(features: number): AdapterConfig {
  return { kind: "linear", features, bias: false };
}

/** The one compiled step of a head: batches of B rows of the resident query vectors. */
export class HeadSteps {
  readonly #executable: Executable;
  readonly #head: Head;
  readonly #batchSize: number;
  readonly #right: readonly (readonly number[])[];
  readonly #perRow: number;
  readonly #names: readonly string[];

  private constructor(
    executable: Executable,
    head: Head,
    batchSize: number,
    right: readonly (readonly number[])[],
    names: readonly string[],
    perRow: number,
  ) {
    this.#executable = executable;
    this.#head = head;
    this.#batchSize = batchSize;
    this.#right = right;
    this.#names = names;
    this.#perRow = perRow;
  }

  static async open(
    backend: Backend,
    head: Head,
    queries: Matrix,
    right: readonly (readonly number[])[],
    batchSize: number,
  ): Promise<HeadSteps> {
    const perRow = Math.max(1, ...right.map((columns) => columns.length));
    const names: string[] = [];
    const executable = await compile(backend, (graph) => {
      const table = graph.resident("queries", "f32", [queries.rows, queries.columns]);
      const rows = gather(table, graph.input("rows", "u32", [batchSize]));
      const positives = graph.input("positives", "u32", [batchSize, perRow]);
      const { loss, parameters } = head.trace(graph, rows, positives);
      const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
      for (const parameter of parameters) {
        const { operation } = graph.node(parameter);
        if (operation.kind === "parameter") names.push(operation.name);
      }
      const learningRate = graph.scalar("learningRate");
      return { updates: adamw(parameters, gradients, { learningRate }), log: { loss, norm } };
    });
    executable.write("queries", unitRows(queries).values);
    for (const [name, values] of Object.entries(head.residents)) executable.write(name, values);
    return new HeadSteps(executable, head, batchSize, right, names, perRow);
  }

  get plan(): PlanSummary {
    return this.#executable.plan;
  }

  reset(): void {
    const { initial } = this.#head;
    resetParameters(this.#executable, new Map(this.#names.map((name) => [name, initial.get(name)!])));
  }

  run(rows: Uint32Array, learningRate: number): void {
    const positives = new Uint32Array(this.#batchSize * this.#perRow).fill(NO_COLUMN);
    for (const [place, row] of rows.entries()) positives.set(this.#right[row]!, place * this.#perRow);
    this.#executable.run({ rows, positives, learningRate });
  }

  async collect(): Promise<readonly LogRow[]> {
    await this.#executable.settle();
    return await this.#executable.log();
  }

  /** All tensors of the head, those without a gradient as they began. */
  async weights(): Promise<Weights> {
    const weights = new Map(this.#head.initial);
    for (const name of this.#names) {
      weights.set(name, { shape: weights.get(name)!.shape, values: await this.#executable.read(name) });
    }
    return weights;
  }

  capture(): Promise<Record<string, Float32Array>> {
    return captureParameters(this.#executable, this.#names);
  }

  restore(tensors: Readonly<Record<string, Float32Array>>): void {
    restoreParameters(this.#executable, this.#names, tensors);
  }

  dispose(): void {
    this.#executable.dispose();
  }
}
