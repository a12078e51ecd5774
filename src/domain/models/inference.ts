import type { Backend, Executable } from "../../engine/backend.ts";
import { compile } from "../../engine/compile.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import {
  bucketFor,
  bucketKey,
  packBatch,
  packedFeeds,
  packsByLength,
  type Bucket,
  type TokenSequence,
} from "../text/pack.ts";
import type { RunControl } from "../ports.ts";
import type { NamedWeights, Pooling } from "./encoder-model.ts";

/** Tokens in a batch on a CPU: few, so that activations stay in the cache. */
export const INFERENCE_TOKENS = 1024;
const GPU_TOKENS = 4096; // enough to fill it

/** Tokens in a batch of inference on this backend. */
export function inferenceTokens({ kind, software }: Backend): number {
  return kind === "webgpu" && !software ? GPU_TOKENS : INFERENCE_TOKENS;
}

const OUTPUT = "out";
const MOST_EXECUTABLES = 8;

/** A traced model: what it gives for each sequence of a bucket, [S, width]. Weights are residents by their names. */
export type Traced = (graph: Graph, bucket: Bucket) => Tensor;

/** Runs a traced model over sequences of any number and length, one executable a bucket, all over the same weights. */
export class SequenceInference {
  private readonly backend: Backend;
  private readonly trace: Traced;
  private readonly pooling: Pooling;
  private readonly weights: NamedWeights;
  private readonly width: number;
  private readonly tokens: number;
  private readonly executables = new Map<string, Executable>(); // least recently used first
  private first: Executable | undefined; // keeps the weights alive

  constructor(parts: {
    readonly backend: Backend;
    readonly trace: Traced;
    readonly pooling: Pooling;
    readonly weights: NamedWeights;
    readonly width: number; // values a sequence
    readonly tokens?: number;
  }) {
    this.backend = parts.backend;
    this.trace = parts.trace;
    this.pooling = parts.pooling;
    this.weights = parts.weights;
    this.width = parts.width;
    this.tokens = parts.tokens ?? inferenceTokens(parts.backend);
  }

  /** [n, width] in the order given. Rejects with "cancelled" when the signal fires; progress counts tokens. */
  async run(sequences: readonly TokenSequence[], control: RunControl = {}): Promise<Float32Array> {
    const { width } = this;
    const lengths = sequences.map(({ ids }) => ids.length);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const values = new Float32Array(sequences.length * width);
    let [done, finished] = [0, 0];
    for (const pack of packsByLength(lengths, this.tokens)) {
      if (control.signal?.aborted) {
        throw new RetuneError("cancelled", "Embedding was cancelled; what was done is kept.");
      }
      const out = await this.runPack(pack.map((index) => sequences[index]!));
      for (const [position, index] of pack.entries()) {
        values.set(out.subarray(position * width, (position + 1) * width), index * width);
        done += lengths[index]!;
      }
      finished += pack.length;
      control.onProgress?.({ done, total, label: `${finished} of ${sequences.length} texts` });
      await nextTask(); // kernels may hold the thread: let a cancel come in
    }
    return values;
  }

  dispose(): void {
    for (const executable of this.executables.values()) {
      if (executable !== this.first) executable.dispose();
    }
    this.executables.clear();
    this.first?.dispose();
    this.first = undefined;
  }

  private async runPack(sequences: readonly TokenSequence[]): Promise<Float32Array> {
    const batch = packBatch(sequences, bucketFor(sequences));
    const executable = await this.executableFor(batch.bucket);
    executable.run(packedFeeds(batch, this.pooling));
    return await executable.read(OUTPUT);
  }

  private async executableFor(bucket: Bucket): Promise<Executable> {
    const key = bucketKey(bucket);
    const known = this.executables.get(key);
    const executable = known ?? (await this.compile(bucket));
    this.executables.delete(key);
    this.executables.set(key, executable);
    for (const [oldest, old] of this.executables) {
      if (this.executables.size <= MOST_EXECUTABLES) break;
      if (old === this.first || old === executable) continue;
      old.dispose();
      this.executables.delete(oldest);
    }
    return executable;
  }

  private async compile(bucket: Bucket): Promise<Executable> {
    const names = new Set<string>();
    const executable = await compile(
      this.backend,
      (graph) => {
        const out = this.trace(graph, bucket);
        for (const { operation } of graph.nodes) if (operation.kind === "resident") names.add(operation.name);
        return { outputs: { [OUTPUT]: out } };
      },
      this.first ? { sharing: this.first } : {},
    );
    if (this.first) return executable;
    this.first = executable;
    for (const name of names) executable.write(name, this.weights.get(name)!.values);
    return executable;
  }
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
