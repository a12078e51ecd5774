import { grad } from "../../../engine/autodiff.ts";
import type { Backend, Executable, Feeds, LogRow } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { adamw } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import { bceLoss } from "../../losses/bce.ts";
import { packedListwiseLoss } from "../../losses/listwise.ts";
import { pairMarginMseLoss } from "../../losses/pair-margin-mse.ts";
import { pairLogits } from "../../models/bert/classifier.ts";
import type { BertConfig } from "../../models/bert/config.ts";
import { batchInputs } from "../../models/bert/inputs.ts";
import { crossEncoderShapes, decays } from "../../models/bert/names.ts";
import { traceWeights } from "../../models/bert/weights.ts";
import type { NamedWeights } from "../../models/encoder-model.ts";
import {
  bucketFor,
  bucketKey,
  packBatch,
  packedFeeds,
  packsByLength,
  type Bucket,
  type TokenSequence,
} from "../../text/pack.ts";
import {
  captureParameters,
  readParameters,
  resetParameters,
  restoreParameters,
} from "../trained-parameters.ts";
import type { CrossEncoderLoss } from "./cross-encoder-job.ts";
import { lossFeeds, type PairUnit } from "./pair-batches.ts";

/** What is fixed for all steps of a run. */
export interface StepSettings {
  readonly loss: CrossEncoderLoss;
  readonly batchSize: number; // units a step
  readonly positiveWeight: number;
  readonly weightDecay: number;
  readonly dropoutSeed: number | undefined; // undefined: nothing is dropped
}

const MOST_EXECUTABLES = 8; // of each kind, beside the one that owns the parameters
const SCORING_TOKENS = 2048;

/** The compiled steps of a cross-encoder, one executable a bucket over the same parameters; norm clipped to 1, AdamW. */
export class CrossEncoderSteps {
  readonly #backend: Backend;
  readonly #config: BertConfig;
  readonly #settings: StepSettings;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #executables = new Map<string, Executable>(); // least recently used first
  #owner: Executable | undefined;
  #pending: Executable[] = [];

  constructor(backend: Backend, config: BertConfig, settings: StepSettings) {
    this.#backend = backend;
    this.#config = config;
    this.#settings = settings;
    this.#shapes = crossEncoderShapes(config);
  }

  /** Compiles the step of these units, the first of which owns the parameters, and says what it takes. */
  async prepare(units: readonly PairUnit[]): Promise<PlanSummary> {
    return (await this.#step(bucketOf(units))).plan;
  }

  /** Starts over from `weights`: moments and step count are zero. */
  reset(weights: NamedWeights): void {
    const trained = Array.from(this.#shapes.keys(), (name) => [name, weights.get(name)!] as const);
    resetParameters(this.#main(), new Map(trained));
  }

  /** One step, not waited for. `step` counts from 0 and chooses what dropout drops. */
  async run(units: readonly PairUnit[], step: number, learningRate: number): Promise<void> {
    const { loss, batchSize, dropoutSeed } = this.#settings;
    const bucket = bucketOf(units);
    const executable = await this.#step(bucket);
    const packed = packBatch(
      units.flatMap(({ sequences }) => sequences),
      bucket,
    );
    const drops: Feeds = dropoutSeed === undefined ? {} : { dropoutStep: Uint32Array.of(step) };
    executable.run({
      ...packedFeeds(packed, "cls"),
      ...lossFeeds(loss, units, bucket.segments, batchSize),
      ...drops,
      learningRate,
    });
    this.#pending.push(executable);
  }

  /** Loss and gradient norm of every step since the last call, in order, once the device has done them. */
  async collect(): Promise<readonly LogRow[]> {
    const rows = new Map<Executable, LogRow[]>();
    for (const executable of new Set(this.#pending)) {
      await executable.settle();
      rows.set(executable, [...(await executable.log())]);
    }
    const ordered = this.#pending.map((executable) => rows.get(executable)!.shift()!);
    this.#pending = [];
    this.#forgetOldest();
    return ordered;
  }

  /** Logits of pairs by the weights as they are now, without dropout, in the order given. */
  async score(sequences: readonly TokenSequence[]): Promise<Float32Array> {
    const logits = new Float32Array(sequences.length);
    const lengths = sequences.map(({ ids }) => ids.length);
    for (const pack of packsByLength(lengths, SCORING_TOKENS)) {
      const batch = packBatch(pack.map((index) => sequences[index]!));
      const executable = await this.#scoring(batch.bucket);
      executable.run(packedFeeds(batch, "cls"));
      const own = await executable.read("logits");
      for (const [place, index] of pack.entries()) logits[index] = own[place]!;
    }
    this.#forgetOldest();
    return logits;
  }

  /** Weights as they are, in the order of the state dict. */
  weights(): Promise<NamedWeights> {
    return readParameters(this.#main(), this.#shapes);
  }

  /** Weights, moments and step count by name. */
  capture(): Promise<Record<string, Float32Array>> {
    return captureParameters(this.#main(), this.#shapes.keys());
  }

  /** Puts back what `capture` gave. */
  restore(tensors: Readonly<Record<string, Float32Array>>): void {
    restoreParameters(this.#main(), this.#shapes.keys(), tensors);
  }

  dispose(): void {
    for (const executable of this.#executables.values()) {
      if (executable !== this.#owner) executable.dispose();
    }
    this.#executables.clear();
    this.#owner?.dispose();
    this.#owner = undefined;
  }

  #main(): Executable {
    if (!this.#owner) throw new Error("CrossEncoderSteps: prepare a step before anything else");
    return this.#owner;
  }

  #step(bucket: Bucket): Promise<Executable> {
    return this.#compiled(`train ${bucketKey(bucket)}`, (graph) => this.#traceStep(graph, bucket));
  }

  #traceStep(graph: Graph, bucket: Bucket): StepResults {
    const { weightDecay, dropoutSeed } = this.#settings;
    const traced = traceWeights(graph, this.#shapes, () => true);
    const dropout =
      dropoutSeed === undefined
        ? undefined
        : { seed: dropoutSeed, counter: graph.input("dropoutStep", "u32", [1]) };
    const batch = batchInputs(graph, bucket, "cls");
    const logits = pairLogits(this.#config, traced, batch, dropout ? { dropout } : {});
    const loss = this.#loss(graph, logits, bucket.segments);
    const parameters = traced.parameters();
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const updates = adamw(parameters, gradients, {
      learningRate: graph.scalar("learningRate"),
      weightDecay: (name) => (decays(name) ? weightDecay : 0),
    });
    return { updates, log: { loss, norm } };
  }

  #loss(graph: Graph, logits: Tensor, segments: number): Tensor {
    const { loss, batchSize, positiveWeight } = this.#settings;
    const column = (name: string): Tensor => graph.input(name, "f32", [segments, 1]);
    const square = (name: string): Tensor => graph.input(name, "f32", [segments, segments]);
    if (loss === "bce") {
      return bceLoss(logits, column("labels"), { posWeight: positiveWeight, shares: column("shares") });
    }
    if (loss === "margin-mse") {
      return pairMarginMseLoss(logits, {
        differences: square("differences"),
        margins: column("margins"),
        shares: column("shares"),
      });
    }
    return packedListwiseLoss(logits, {
      mask: graph.input("mask", "f32", [batchSize, segments]),
      targets: graph.input("targets", "f32", [batchSize, segments]),
      identity: square("identity"),
      correction: graph.scalar("correction"),
    });
  }

  #scoring(bucket: Bucket): Promise<Executable> {
    return this.#compiled(`score ${bucketKey(bucket)}`, (graph) => {
      const traced = traceWeights(graph, this.#shapes, () => true);
      return { outputs: { logits: pairLogits(this.#config, traced, batchInputs(graph, bucket, "cls")) } };
    });
  }

  async #compiled(key: string, build: (graph: Graph) => StepResults): Promise<Executable> {
    const known = this.#executables.get(key);
    const executable =
      known ?? (await compile(this.#backend, build, this.#owner ? { sharing: this.#owner } : {}));
    this.#owner ??= executable;
    this.#executables.delete(key);
    this.#executables.set(key, executable);
    return executable;
  }

  /** Only where nothing is pending: a disposed executable takes its losses along. */
  #forgetOldest(): void {
    if (this.#pending.length > 0) return;
    for (const [key, executable] of this.#executables) {
      if (this.#executables.size <= 2 * MOST_EXECUTABLES) break;
      if (executable === this.#owner) continue;
      executable.dispose();
      this.#executables.delete(key);
    }
  }
}

function bucketOf(units: readonly PairUnit[]): Bucket {
  return bucketFor(units.flatMap(({ sequences }) => sequences));
}
