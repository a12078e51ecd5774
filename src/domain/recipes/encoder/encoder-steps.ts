import { grad } from "../../../engine/autodiff.ts";
import type { Backend, Executable, Feeds, LogRow } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { adamw } from "../../../engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../../engine/optim/clip.ts";
import type { PlanSummary } from "../../../engine/plan.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import type { TensorData, Weights } from "../../matrix.ts";
import { decays } from "../../models/bert/names.ts";
import { bucketFor, bucketKey, packBatch, packedFeeds, packsByLength } from "../../text/pack.ts";
import type { Bucket, TokenSequence } from "../../text/pack.ts";
import { INFERENCE_TOKENS } from "../../models/inference.ts";
import type { ResolvedSettings } from "./defaults.ts";
import { traceLoss, type LossShape } from "./loss-graph.ts";
import type { TracedEncoder } from "./traced-encoder.ts";

const KEPT_BYTES = 1.25e9; // of executables beside the one that runs: activations of a long batch take a gigabyte

interface Kept {
  readonly executable: Executable;
  readonly bytes: number; // its own, not shared ones
}

/** The compiled steps of one encoder, one a bucket, all over the same weights, moments and step count. */
export class EncoderSteps {
  readonly #backend: Backend;
  readonly #encoder: TracedEncoder;
  readonly #settings: ResolvedSettings;
  readonly #shape: LossShape;
  readonly #executables = new Map<string, Kept>(); // least recently used first
  #pending: Executable[] = [];

  constructor(backend: Backend, encoder: TracedEncoder, settings: ResolvedSettings, shape: LossShape) {
    this.#backend = backend;
    this.#encoder = encoder;
    this.#settings = settings;
    this.#shape = shape;
  }

  /** Compiles the training step of a bucket where it is not compiled yet. */
  async prepare(bucket: Bucket): Promise<PlanSummary> {
    return (await this.#step(bucket)).plan;
  }

  /** One optimizer step over packed texts, not waited for once compiled. */
  async run(
    sequences: readonly TokenSequence[],
    bucket: Bucket,
    feeds: Feeds,
    turn: { readonly learningRate: number; readonly counter: number },
  ): Promise<void> {
    const executable = await this.#step(bucket);
    const { pooling } = this.#encoder.model;
    executable.run({
      ...packedFeeds(packBatch(sequences, bucket), pooling),
      ...feeds,
      ...(this.#encoder.drops ? { dropoutCounter: Uint32Array.of(turn.counter) } : {}),
      learningRate: turn.learningRate,
    });
    this.#pending.push(executable);
  }

  /**
   * Loss and gradient norm of every step since the last call, in order, once the device has done them. A step that was
   * skipped because its gradient is not finite has a row like others, with a norm that is not.
   */
  async collect(): Promise<readonly LogRow[]> {
    const rows = new Map<Executable, LogRow[]>();
    for (const executable of new Set(this.#pending)) {
      await executable.settle().catch(allowNotFinite);
      rows.set(executable, [...(await executable.log())]);
    }
    const ordered = this.#pending.map((executable) => rows.get(executable)!.shift()!);
    this.#pending = [];
    return ordered;
  }

  /** Vectors of texts by the weights as they are now, without dropout, [n, W] in the order given. */
  async embed(sequences: readonly TokenSequence[]): Promise<Float32Array> {
    const width = this.#shape.width;
    const values = new Float32Array(sequences.length * width);
    const lengths = sequences.map(({ ids }) => ids.length);
    for (const pack of packsByLength(lengths, INFERENCE_TOKENS)) {
      const own = pack.map((index) => sequences[index]!);
      const bucket = bucketFor(own);
      const executable = await this.#compiled(`embed ${bucketKey(bucket)}`, (graph) => ({
        outputs: { vectors: this.#encoder.embed(graph, bucket) },
      }));
      executable.run(packedFeeds(packBatch(own, bucket), this.#encoder.model.pooling));
      const found = await executable.read("vectors");
      for (const [place, index] of pack.entries()) {
        values.set(found.subarray(place * width, (place + 1) * width), index * width);
      }
    }
    return values;
  }

  /** Starts over from `weights` (the trained ones): moments and step count are zero. A step must have been prepared. */
  reset(weights: Weights): void {
    const owner = this.#owner();
    for (const [name, { values }] of weights) {
      owner.write(name, values);
      owner.write(`${name}.m`, new Float32Array(values.length));
      owner.write(`${name}.v`, new Float32Array(values.length));
    }
    owner.write("step", Float32Array.of(0));
  }

  /** The trained weights as they are. */
  async weights(): Promise<Weights> {
    const owner = this.#owner();
    const weights = new Map<string, TensorData>();
    for (const [name, shape] of this.#encoder.trained) {
      weights.set(name, { shape, values: await owner.read(name) });
    }
    return weights;
  }

  /** Weights, moments and step count by name: what `restore` puts back to the same bits. */
  async capture(): Promise<Record<string, Float32Array>> {
    const owner = this.#owner();
    const tensors: Record<string, Float32Array> = { step: await owner.read("step") };
    for (const name of this.#encoder.trained.keys()) {
      for (const part of [name, `${name}.m`, `${name}.v`]) tensors[part] = await owner.read(part);
    }
    return tensors;
  }

  restore(tensors: Readonly<Record<string, Float32Array>>): void {
    const owner = this.#owner();
    for (const name of this.#encoder.trained.keys()) {
      for (const part of [name, `${name}.m`, `${name}.v`]) {
        const values = tensors[part];
        if (!values) throw new RetuneError("corrupt", `resume: the checkpoint lacks the tensor "${part}"`);
        owner.write(part, values);
      }
    }
    owner.write("step", tensors["step"]!);
  }

  dispose(): void {
    for (const { executable } of this.#executables.values()) executable.dispose();
    this.#executables.clear();
    this.#pending = [];
  }

  #owner(): Executable {
    const [first] = this.#training();
    if (!first) throw new Error("EncoderSteps: prepare a step before anything else");
    return first;
  }

  #training(): Executable[] {
    return [...this.#executables].flatMap(([key, { executable }]) =>
      key.startsWith("train ") ? [executable] : [],
    );
  }

  #step(bucket: Bucket): Promise<Executable> {
    return this.#compiled(`train ${bucketKey(bucket)}`, (graph) => this.#traceStep(graph, bucket));
  }

  #traceStep(graph: Graph, bucket: Bucket): StepResults {
    const { clip, weightDecay } = this.#settings;
    const { vectors, parameters } = this.#encoder.train(graph, bucket);
    const loss: Tensor = traceLoss(vectors, this.#settings, this.#shape, this.#encoder.model.normalize);
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), clip);
    const updates = adamw(parameters, gradients, {
      learningRate: graph.scalar("learningRate"),
      weightDecay: (name) => (decays(name) ? weightDecay : 0),
    });
    return { updates, log: { loss, norm } };
  }

  async #compiled(key: string, build: (graph: Graph) => StepResults): Promise<Executable> {
    const known = this.#executables.get(key);
    if (known) {
      this.#executables.delete(key);
      this.#executables.set(key, known);
      return known.executable;
    }
    await this.#makeRoom();
    const [sharing] = this.#training();
    const executable = await compile(this.#backend, build, sharing ? { sharing } : {});
    const bytes = Math.max(0, executable.plan.peakBytes - 3 * executable.plan.parameterBytes);
    this.#executables.set(key, { executable, bytes });
    if (!sharing) for (const [name, { values }] of this.#encoder.frozen) executable.write(name, values);
    return executable;
  }

  /** Lets go of executables that were not used lately; one training step stays, which holds the weights. */
  async #makeRoom(): Promise<void> {
    let total = [...this.#executables.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { executable, bytes }] of [...this.#executables]) {
      if (total <= KEPT_BYTES) return;
      if (this.#pending.includes(executable)) continue;
      if (key.startsWith("train ") && this.#training().length === 1) continue;
      await executable.settle();
      executable.dispose();
      this.#executables.delete(key);
      total -= bytes;
    }
  }
}

function allowNotFinite(error: unknown): void {
  if (!(error instanceof RetuneError && error.code === "not-finite")) throw error;
}
