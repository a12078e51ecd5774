// GradCache (losses/cached.ts): vectors of the whole batch by mini-batches, the loss over all of them, then each mini-batch
// once more towards its part of the gradient; accumulators add up, one small executable takes the step.
import { grad } from "../../../engine/autodiff.ts";
import type { Backend, Executable, Feeds, LogRow } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import type { Graph } from "../../../engine/graph.ts";
import { accumulate, accumulated } from "../../../engine/optim/accumulate.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import { cachedSurrogate } from "../../losses/cached.ts";
import { bucketFor, bucketKey, packBatch, packedFeeds, type PackedBatch } from "../../text/pack.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderExecutables } from "./encoder-executables.ts";
import { optimizerStep, settled, type StepTaker, type StepTurn } from "./encoder-steps.ts";
import { traceLoss, type LossShape } from "./loss-graph.ts";
import type { TrainingBatch } from "./training-batch.ts";

const MOST_CHUNKS = 65_536; // of a step: each has a dropout counter of its own

export class CachedSteps implements StepTaker {
  readonly #backend: Backend;
  readonly #executables: EncoderExecutables;
  readonly #settings: ResolvedSettings;
  readonly #shape: LossShape;
  readonly #segments: number; // sequences of a whole batch at most
  readonly #longestFirst: () => TrainingBatch;
  #loss: Executable | undefined;
  #rows: LogRow[] = [];

  constructor(
    backend: Backend,
    executables: EncoderExecutables,
    settings: ResolvedSettings,
    shape: LossShape,
    batches: { readonly segments: number; readonly longest: () => TrainingBatch },
  ) {
    this.#backend = backend;
    this.#executables = executables;
    this.#settings = settings;
    this.#shape = shape;
    this.#segments = batches.segments;
    this.#longestFirst = batches.longest;
  }

  async prepare(): Promise<PlanSummary> {
    const apply = await this.#apply();
    const chunks = this.#chunks(this.#longestFirst());
    const plans: PlanSummary[] = [];
    for (const chunk of chunks) plans.push((await this.#backward(chunk)).plan);
    const largest = plans.reduce((most, plan) => (plan.peakBytes > most.peakBytes ? plan : most));
    const flops = plans.reduce((sum, plan) => sum + (plan.flops * 4) / 3, 0); // each forward pass twice
    const launches = plans.reduce((sum, plan) => sum + plan.launches, apply.plan.launches);
    return { ...largest, flops, launches };
  }

  async run(batch: TrainingBatch, feeds: Feeds, turn: StepTurn): Promise<void> {
    const { width } = this.#shape;
    const chunks = this.#chunks(batch);
    const vectors = new Float32Array(this.#segments * width);
    let filled = 0;
    for (const [index, chunk] of chunks.entries()) {
      const forward = await this.#forward(chunk);
      forward.run(this.#chunkFeeds(chunk, turn, index));
      const found = await forward.read("vectors");
      vectors.set(found.subarray(0, chunk.sequences * width), filled);
      filled += chunk.sequences * width;
    }
    const { loss, gradients } = await this.#towards(vectors, feeds);
    filled = 0;
    for (const [index, chunk] of chunks.entries()) {
      const backward = await this.#backward(chunk);
      const part = new Float32Array(chunk.bucket.segments * width);
      part.set(gradients.subarray(filled, filled + chunk.sequences * width));
      filled += chunk.sequences * width;
      backward.run({ ...this.#chunkFeeds(chunk, turn, index), vectorGradients: part });
    }
    const apply = await this.#apply();
    apply.run({ learningRate: turn.learningRate });
    await settled(apply);
    const [row] = await apply.log();
    this.#rows.push({ loss, norm: row!["norm"]! });
  }

  collect(): Promise<readonly LogRow[]> {
    const rows = this.#rows;
    this.#rows = [];
    return Promise.resolve(rows);
  }

  dispose(): void {
    this.#loss?.dispose();
  }

  /** Consecutive sequences, as many at a time as a mini-batch has questions. */
  #chunks({ sequences }: TrainingBatch): PackedBatch[] {
    const size = Math.max(this.#settings.miniBatch, Math.ceil(sequences.length / MOST_CHUNKS));
    return Array.from({ length: Math.ceil(sequences.length / size) }, (_, index) => {
      const own = sequences.slice(index * size, (index + 1) * size);
      return packBatch(own, bucketFor(own, size));
    });
  }

  #chunkFeeds(chunk: PackedBatch, { counter }: StepTurn, index: number): Feeds {
    const { model, drops } = this.#executables.encoder;
    const own = (Math.imul(counter, MOST_CHUNKS) + index) >>> 0; // the same in both passes
    return {
      ...packedFeeds(chunk, model.pooling),
      ...(drops ? { dropoutCounter: Uint32Array.of(own) } : {}),
    };
  }

  #forward({ bucket }: PackedBatch): Promise<Executable> {
    return this.#executables.compiled(`forward ${bucketKey(bucket)}`, false, (graph) => ({
      outputs: { vectors: this.#executables.encoder.train(graph, bucket).vectors },
    }));
  }

  #backward({ bucket }: PackedBatch): Promise<Executable> {
    return this.#executables.compiled(`backward ${bucketKey(bucket)}`, false, (graph) => {
      const { vectors, parameters } = this.#executables.encoder.train(graph, bucket);
      const gradients = graph.input("vectorGradients", "f32", [bucket.segments, this.#shape.width]);
      const surrogate = cachedSurrogate(vectors, gradients);
      return { updates: accumulate(parameters, grad(surrogate, parameters)) };
    });
  }

  /** Clips and takes the step; the first executable compiled, so that it holds the weights. */
  #apply(): Promise<Executable> {
    return this.#executables.compiled("apply", true, (graph) => {
      const { trained } = this.#executables.encoder;
      const parameters = Array.from(trained, ([name, shape]) => graph.parameter(name, shape));
      const gradients = accumulated(graph, parameters);
      const { updates, norm } = optimizerStep(graph, parameters, gradients, this.#settings);
      return { updates, log: { norm } };
    });
  }

  /** The loss over all vectors [S, W], and its gradient towards them. */
  async #towards(vectors: Float32Array, feeds: Feeds): Promise<{ loss: number; gradients: Float32Array }> {
    const { normalize } = this.#executables.encoder.model;
    this.#loss ??= await compile(this.#backend, (graph: Graph) => {
      const leaf = graph.parameter("vectors", [this.#segments, this.#shape.width]);
      const loss = traceLoss(leaf, this.#settings, this.#shape, normalize);
      return { outputs: { loss, gradients: grad(loss, [leaf])[0]! } };
    });
    this.#loss.write("vectors", vectors);
    this.#loss.run(feeds);
    const [loss] = await this.#loss.read("loss");
    return { loss: loss!, gradients: await this.#loss.read("gradients") };
  }
}
