import type { Executable } from "../../engine/backend.ts";
import { softmaxRows } from "../../engine/ops/softmax-cross-entropy.ts";
import { gather } from "../../engine/ops/rows.ts";
import { rows } from "../../engine/ops/slices.ts";
import { NO_COLUMN } from "../../engine/plan.ts";
import { decoderInputs } from "../models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../models/llama/llama.ts";
import { predictingRows, supervisedTokens, type SupervisedSequence } from "../models/llama/supervision.ts";
import {
  bucketFor,
  bucketKey,
  packBatch,
  packsByLength,
  roundedUp,
  type Bucket,
  type PackedBatch,
  type TokenSequence,
} from "../text/pack.ts";
import type { DecoderStore } from "./decoder-store.ts";
import { Executables } from "./executables.ts";

const MOST_EXECUTABLES = 8;
const LOGIT_VALUES = 2 ** 22; // that come back at a time: 16 MiB
const CHUNK = 64; // rows of logits at a time where only losses come back
const LAST = { step: 4, ratio: 2 }; // sizes of batches by sequences

/** Whole sequences through the model, packed: nothing is kept between passes. */
export class PackedPasses {
  readonly #store: DecoderStore;
  readonly #tokens: number;
  readonly #executables = new Executables(MOST_EXECUTABLES);

  /** @param tokens of a batch; a longer sequence is a batch of its own */
  constructor(store: DecoderStore, tokens: number) {
    this.#store = store;
    this.#tokens = tokens;
  }

  /** Indices of sequences by batch: few enough that their logits come back at once. */
  batches(sequences: readonly TokenSequence[]): readonly (readonly number[])[] {
    const most = Math.max(1, Math.floor(LOGIT_VALUES / this.#store.config.vocabSize));
    const packs = packsByLength(
      sequences.map(({ ids }) => ids.length),
      this.#tokens,
    );
    return packs.flatMap((pack) =>
      Array.from({ length: Math.ceil(pack.length / most) }, (_, part) =>
        pack.slice(part * most, (part + 1) * most),
      ),
    );
  }

  /** Logits of what follows each sequence, [sequences, vocabulary]: one batch. */
  async logitsAfter(sequences: readonly TokenSequence[]): Promise<Float32Array> {
    const batch = packBatch(sequences, bucketFor(sequences));
    const count = roundedUp(sequences.length, LAST.step, LAST.ratio);
    const executable = await this.#lastRows(batch.bucket, count);
    const last = new Uint32Array(count);
    for (let index = 0; index < sequences.length; index++) last[index] = batch.spans[2 * index + 1]! - 1;
    executable.run({ ...feedsOf(batch), last });
    const logits = await executable.read("logits");
    return logits.subarray(0, sequences.length * this.#store.config.vocabSize);
  }

  /** −ln p of the supervised tokens of each sequence, those with a token before them: one batch. [T, V] is never held. */
  async losses(sequences: readonly SupervisedSequence[]): Promise<readonly Float32Array[]> {
    const batch = packBatch(sequences, bucketFor(sequences));
    const places = predictingRows(sequences);
    const executable = await this.#supervisedRows(batch.bucket, places);
    executable.run({ ...feedsOf(batch), ...lossFeeds(sequences, places) });
    const losses = new Float32Array(places);
    for (const from of chunks(places)) losses.set(await executable.read(`losses ${from}`), from);
    let from = 0;
    return sequences.map((sequence) => losses.subarray(from, (from += supervisedTokens([sequence]))));
  }

  dispose(): void {
    this.#executables.dispose();
  }

  #lastRows(bucket: Bucket, count: number): Promise<Executable> {
    const { config, positions } = this.#store;
    return this.#executables.get(`last ${count} of ${bucketKey(bucket)}`, () =>
      this.#store.compile((graph, weights) => {
        const inputs = decoderInputs(graph, config, bucket, positions);
        const last = graph.input("last", "u32", [count]);
        return { logits: nextTokenLogits(weights, llama(config, weights, inputs), last) };
      }),
    );
  }

  #supervisedRows(bucket: Bucket, places: number): Promise<Executable> {
    const { config, positions } = this.#store;
    return this.#executables.get(`${places} losses of ${bucketKey(bucket)}`, () =>
      this.#store.compile((graph, weights) => {
        const inputs = decoderInputs(graph, config, bucket, positions);
        const hidden = llama(config, weights, inputs);
        const seen = gather(hidden, graph.input("predicting", "u32", [places]));
        const losses = chunks(places).map((from) => {
          const count = Math.min(CHUNK, places - from);
          const positives = graph.input(`targets ${from}`, "u32", [count, 1]);
          const logits = weights.logits(rows(seen, from, count));
          return [`losses ${from}`, softmaxRows(logits, undefined, 1, { positives })] as const;
        });
        return Object.fromEntries(losses);
      }),
    );
  }
}

function feedsOf({ ids, positions, ranges }: PackedBatch) {
  return { ids, positions, ranges };
}

function chunks(places: number): readonly number[] {
  return Array.from({ length: Math.ceil(places / CHUNK) }, (_, index) => index * CHUNK);
}

/** Rows that predict a supervised token, in the order of sequences, and what they should predict. */
function lossFeeds(
  sequences: readonly SupervisedSequence[],
  places: number,
): Readonly<Record<string, Uint32Array>> {
  const [predicting, targets] = [new Uint32Array(places), new Uint32Array(places).fill(NO_COLUMN)];
  let [place, start] = [0, 0];
  for (const { ids, supervised } of sequences) {
    for (let token = 1; token < ids.length; token++) {
      if (!supervised[token]) continue;
      predicting[place] = start + token - 1;
      targets[place++] = ids[token]!;
    }
    start += ids.length;
  }
  const feeds = chunks(places).map((from) => [`targets ${from}`, targets.subarray(from, from + CHUNK)]);
  return { predicting, ...(Object.fromEntries(feeds) as Record<string, Uint32Array>) };
}
