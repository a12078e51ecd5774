import type { Backend, Executable } from "../../../engine/backend.ts";
import { compile } from "../../../engine/compile.ts";
import type { Graph } from "../../../engine/graph.ts";
import type { StepResults } from "../../../engine/step-results.ts";
import type { Weights } from "../../matrix.ts";
import { inferenceTokens } from "../../models/inference.ts";
import { bucketFor, bucketKey, packBatch, packedFeeds, packsByLength } from "../../text/pack.ts";
import type { TokenSequence } from "../../text/pack.ts";
import type { StateTensors } from "../guarded-progress.ts";
import {
  captureParameters,
  readParameters,
  resetParameters,
  restoreParameters,
} from "../trained-parameters.ts";
import type { TracedEncoder } from "./traced-encoder.ts";

const KEPT_BYTES = 1.25e9; // of executables beside the one that runs: activations of a long batch take a gigabyte

interface Kept {
  readonly executable: Executable;
  readonly bytes: number; // its own, not shared ones
  readonly trains: boolean; // it has all parameters and their moments
}

/** The executables of one encoder under training, all over the same weights, moments and step count. */
export class EncoderExecutables {
  readonly encoder: TracedEncoder;
  readonly #backend: Backend;
  readonly #kept = new Map<string, Kept>(); // least recently used first

  #frozenWritten = false;

  constructor(backend: Backend, encoder: TracedEncoder) {
    this.#backend = backend;
    this.encoder = encoder;
  }

  /**
   * The executable of `key`, compiled where it is not there yet; `trains`: it takes steps with all parameters. The first
   * one compiled must. `busy` are kept whatever room is needed.
   */
  async compiled(
    key: string,
    trains: boolean,
    build: (graph: Graph) => StepResults,
    busy: readonly Executable[] = [],
  ): Promise<Executable> {
    const known = this.#kept.get(key);
    if (known) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known.executable;
    }
    await this.#makeRoom(busy);
    const [sharing] = this.#training();
    let graph: Graph | undefined;
    const traced = (own: Graph): StepResults => build((graph = own));
    const executable = await compile(this.#backend, traced, sharing ? { sharing } : {});
    const bytes = Math.max(0, executable.plan.peakBytes - 3 * executable.plan.parameterBytes);
    this.#kept.set(key, { executable, bytes, trains });
    this.#writeFrozen(executable, graph);
    return executable;
  }

  /** Vectors of texts by the weights as they are now, without dropout, [n, W] in the order given. */
  async embed(sequences: readonly TokenSequence[]): Promise<Float32Array> {
    const width = this.encoder.model.config.hiddenSize;
    const values = new Float32Array(sequences.length * width);
    const lengths = sequences.map(({ ids }) => ids.length);
    for (const pack of packsByLength(lengths, inferenceTokens(this.#backend))) {
      const own = pack.map((index) => sequences[index]!);
      const bucket = bucketFor(own);
      const executable = await this.compiled(`embed ${bucketKey(bucket)}`, false, (graph) => ({
        outputs: { vectors: this.encoder.embed(graph, bucket) },
      }));
      executable.run(packedFeeds(packBatch(own, bucket), this.encoder.model.pooling));
      const found = await executable.read("vectors");
      for (const [place, index] of pack.entries()) {
        values.set(found.subarray(place * width, (place + 1) * width), index * width);
      }
    }
    return values;
  }

  /** Starts over from `weights` (the trained ones): moments and step count are zero. A step must have been prepared. */
  reset(weights: Weights): void {
    resetParameters(this.#owner(), weights);
  }

  /** The trained weights as they are. */
  weights(): Promise<Weights> {
    return readParameters(this.#owner(), this.encoder.trained);
  }

  /** Weights, moments and step count by name: what `restore` puts back to the same bits. */
  capture(): Promise<Record<string, Float32Array>> {
    return captureParameters(this.#owner(), this.encoder.trained.keys());
  }

  restore(tensors: StateTensors): void {
    restoreParameters(this.#owner(), this.encoder.trained.keys(), tensors);
  }

  dispose(): void {
    for (const { executable } of this.#kept.values()) executable.dispose();
    this.#kept.clear();
  }

  /** Frozen weights are residents, written by the first executable that reads them. */
  #writeFrozen(executable: Executable, graph: Graph | undefined): void {
    const { frozen } = this.encoder;
    if (this.#frozenWritten || !graph) return;
    const reads = graph.nodes.some(
      ({ operation }) => operation.kind === "resident" && frozen.has(operation.name),
    );
    if (!reads) return;
    for (const [name, { values }] of frozen) executable.write(name, values);
    this.#frozenWritten = true;
  }

  #owner(): Executable {
    const [first] = this.#training();
    if (!first) throw new Error("EncoderExecutables: prepare a step before anything else");
    return first;
  }

  #training(): Executable[] {
    return [...this.#kept.values()].flatMap(({ executable, trains }) => (trains ? [executable] : []));
  }

  /** Lets go of executables that were not used lately; one that trains stays, for it holds the weights. */
  async #makeRoom(busy: readonly Executable[]): Promise<void> {
    let total = [...this.#kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { executable, bytes, trains }] of [...this.#kept]) {
      if (total <= KEPT_BYTES) return;
      if (busy.includes(executable) || (trains && this.#training().length === 1)) continue;
      await executable.settle();
      executable.dispose();
      this.#kept.delete(key);
      total -= bytes;
    }
  }
}
