import { grad } from "../../../engine/autodiff.ts";
import type { Backend, Executable } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import { RetuneError } from "../../../engine/errors.ts";
import { gather, l2Normalize } from "../../../engine/ops/rows.ts";
import { adamw } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import { warmupLinear } from "../../../engine/optim/schedules.ts";
import { dotScores, unitRows } from "../../eval/dense.ts";
import { selectRows, type Matrix, type Weights } from "../../matrix.ts";
import type { AdapterConfig } from "../../models/adapter-config.ts";
import { traceAdapter } from "../../models/adapter-graph.ts";
import { initialWeights, trainableNames } from "../../models/adapter-weights.ts";
import { applyAdapter } from "../../models/apply-adapter.ts";
import type { RunControl } from "../../ports.ts";
import { CounterRandom } from "../../random.ts";
import { NO_CANDIDATE, retrieverLoss } from "./retriever-loss.ts";
import { divergence, FLOOR, softmax } from "./supervision.ts";
import { resetParameters } from "../../recipes/trained-parameters.ts";

/** Questions with the passages that were scored for them. */
export interface RetrieverData {
  readonly queries: Matrix; // [Q, D]
  readonly passages: Matrix; // [N, D]
  readonly candidates: readonly (readonly number[])[]; // [Q] rows of passages
  readonly targets: readonly Float64Array[]; // [Q] p_LSR of the candidates
}

export interface RetrieverSettings {
  readonly temperature: number; // τ of p_R
  readonly epochs: number;
  readonly learningRate: number; // peak
  readonly batchSize: number;
  readonly heldOut: number; // share of the questions whose KL chooses the epoch; 0: the last one is kept
  readonly seed: number;
}

export const RETRIEVER_DEFAULTS: RetrieverSettings = {
  ...{ temperature: 0.05, epochs: 30, learningRate: 2e-3, batchSize: 32, heldOut: 0.2, seed: 0 },
};

export interface TunedRetriever {
  readonly config: AdapterConfig; // of a query adapter, which LlamaIndex loads
  readonly weights: Weights;
  readonly epoch: number; // whose weights these are; 0: nothing was better than the base
  readonly losses: readonly number[]; // one a step
  readonly divergence: { readonly before: number; readonly after: number }; // mean KL over all questions
  readonly heldOut: { readonly before: number; readonly after: number } | null;
}

/** Trains a linear query adapter from the identity on. Rejects with "too-little-data" without questions, and "cancelled". */
export async function tuneRetriever(
  backend: Backend,
  data: RetrieverData,
  given: Partial<RetrieverSettings> = {},
  { signal, onProgress }: RunControl = {},
): Promise<TunedRetriever> {
  const settings = { ...RETRIEVER_DEFAULTS, ...given };
  const { train, held } = parted(data, settings);
  const config: AdapterConfig = { kind: "linear", features: data.queries.columns, bias: false };
  const judged = held.length > 0 ? held : train;
  const kl = (weights: Weights, rows: readonly number[]): number =>
    meanDivergence(data, config, weights, rows, settings);
  const initial = initialWeights(config, settings.seed);
  const before = kl(initial, judged);
  let best = { weights: initial, epoch: 0, kl: before };
  const losses: number[] = [];
  const batch = Math.min(settings.batchSize, train.length);
  const training = await Training.open(backend, data, config, settings, batch);
  try {
    training.begin(initial);
    for (let epoch = 1; epoch <= settings.epochs; epoch++) {
      if (signal?.aborted) throw new RetuneError("cancelled", "tuning the retriever was cancelled");
      losses.push(...(await training.epoch(train, epoch)));
      const weights = await training.weights();
      const own = kl(weights, judged);
      if (own < best.kl || held.length === 0) best = { weights, epoch, kl: own };
      onProgress?.({ done: epoch, total: settings.epochs, label: `KL ${own.toFixed(4)}` });
    }
  } finally {
    training.dispose();
  }
  const all = Array.from(data.candidates.keys());
  const divergence = { before: kl(initial, all), after: kl(best.weights, all) };
  const heldOut = held.length > 0 ? { before, after: best.kl } : null;
  return { config, weights: best.weights, epoch: best.epoch, losses, divergence, heldOut };
}

function parted(
  { candidates }: RetrieverData,
  { heldOut, seed }: RetrieverSettings,
): { readonly train: readonly number[]; readonly held: readonly number[] } {
  const order = Array.from(CounterRandom.stream(seed, 21).permutation(candidates.length));
  const usable = order.filter((row) => candidates[row]!.length > 1);
  if (usable.length === 0)
    throw new RetuneError(
      "too-little-data",
      "no question has two candidates to choose between; give more passages",
    );
  const held = Math.min(Math.floor(heldOut * usable.length), usable.length - 1);
  return { train: usable.slice(held), held: usable.slice(0, held) };
}

/** Mean KL(p_R ‖ p_LSR) of some questions, in float64. */
function meanDivergence(
  { queries, passages, candidates, targets }: RetrieverData,
  config: AdapterConfig,
  weights: Weights,
  rows: readonly number[],
  { temperature }: RetrieverSettings,
): number {
  const adapted = unitRows(applyAdapter(config, weights, selectRows(queries, rows)));
  const scores = dotScores(adapted, unitRows(passages));
  const each = rows.map((row, at) => {
    const own = candidates[row]!.map((place) => scores[at * passages.rows + place]! / temperature);
    return divergence(softmax(Float64Array.from(own)), targets[row]!);
  });
  return each.reduce((sum, value) => sum + value, 0) / Math.max(1, each.length);
}

/** The compiled step; batches are filled up from the front, so that one executable does. */
class Training {
  readonly #step: Executable;
  readonly #data: RetrieverData;
  readonly #config: AdapterConfig;
  readonly #settings: RetrieverSettings;
  readonly #batch: number;
  #taken = 0;

  private constructor(
    step: Executable,
    data: RetrieverData,
    config: AdapterConfig,
    settings: RetrieverSettings,
    batch: number,
  ) {
    this.#step = step;
    this.#data = data;
    this.#config = config;
    this.#settings = settings;
    this.#batch = batch;
  }

  static async open(
    backend: Backend,
    data: RetrieverData,
    config: AdapterConfig,
    settings: RetrieverSettings,
    batch: number,
  ): Promise<Training> {
    const { queries, passages } = data;
    const step = await compile(backend, (graph) => {
      const adapter = traceAdapter(graph, config);
      const table = graph.resident("queries", "f32", [queries.rows, queries.columns]);
      const chosen = gather(table, graph.input("rows", "u32", [batch]));
      const loss = retrieverLoss(
        l2Normalize(adapter.forward(chosen)),
        graph.resident("passages", "f32", [passages.rows, passages.columns]),
        {
          temperature: settings.temperature,
          logTargets: graph.input("logTargets", "f32", [batch, passages.rows]),
          mask: graph.input("mask", "f32", [batch, passages.rows]),
        },
      );
      const { gradients, norm } = clipByGlobalNorm(grad(loss, adapter.parameters), 1);
      const learningRate = graph.scalar("learningRate");
      return {
        updates: adamw(adapter.parameters, gradients, { learningRate, weightDecay: 0 }),
        log: { loss, norm },
      };
    });
    step.write("queries", queries.values);
    step.write("passages", unitRows(passages).values);
    return new Training(step, data, config, settings, batch);
  }

  begin(weights: Weights): void {
    const trained = trainableNames(this.#config).map((name) => [name, weights.get(name)!] as const);
    resetParameters(this.#step, new Map(trained));
  }

  /** Losses of an epoch's steps. */
  async epoch(rows: readonly number[], epoch: number): Promise<readonly number[]> {
    const { epochs, seed, learningRate } = this.#settings;
    const order = CounterRandom.stream(seed, 100 + epoch).permutation(rows.length);
    const steps = Math.ceil(rows.length / this.#batch);
    const totalSteps = steps * epochs;
    const rateAt = warmupLinear({
      peak: learningRate,
      warmupSteps: Math.ceil(0.05 * totalSteps),
      totalSteps,
    });
    for (let at = 0; at < steps; at++) {
      const own = Array.from({ length: this.#batch }, (_, place) => {
        return rows[order[(at * this.#batch + place) % rows.length]!]!;
      });
      this.#step.run({ ...this.#feeds(own), learningRate: rateAt(this.#taken++) });
    }
    await this.#step.settle();
    return (await this.#step.log()).map((row) => row["loss"]!);
  }

  async weights(): Promise<Weights> {
    const names = trainableNames(this.#config);
    const { features } = this.#config;
    const read = await Promise.all(
      names.map(
        async (name) => [name, { shape: [features, features], values: await this.#step.read(name) }] as const,
      ),
    );
    return new Map(read);
  }

  dispose(): void {
    this.#step.dispose();
  }

  #feeds(rows: readonly number[]): {
    readonly rows: Uint32Array;
    readonly logTargets: Float32Array;
    readonly mask: Float32Array;
  } {
    const { candidates, targets, passages } = this.#data;
    const logTargets = new Float32Array(rows.length * passages.rows);
    const mask = new Float32Array(rows.length * passages.rows).fill(NO_CANDIDATE);
    for (const [at, row] of rows.entries()) {
      for (const [place, passage] of candidates[row]!.entries()) {
        logTargets[at * passages.rows + passage] = Math.log(Math.max(targets[row]![place]!, FLOOR));
        mask[at * passages.rows + passage] = 0;
      }
    }
    return { rows: Uint32Array.from(rows), logTargets, mask };
  }
}

/** Vectors of questions through the adapter: what searches afterwards. */
export function adaptedQueries({ config, weights }: TunedRetriever, queries: Matrix): Matrix {
  return applyAdapter(config, weights, queries);
}
