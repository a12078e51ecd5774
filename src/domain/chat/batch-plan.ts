// How rows come together in batches. "packed": rows of any length one after the other, batches nearly full (best fit of
// the longest first); "buckets": rows of about one length together. Both need no padding between sequences: attention
// keeps to the ranges of text/pack.ts.
import { RetuneError } from "../../engine/errors.ts";
import type { CounterRandom } from "../random.ts";
import {
  bucketFor,
  packBatch,
  packsByLength,
  roundedUp,
  type Bucket,
  type PackedBatch,
} from "../text/pack.ts";
import { scoredPlaces, type RenderedRow } from "./rendered-row.ts";

export type BatchOrder = "packed" | "buckets";

/**
 * Indices of rows in batches of at most `tokens` tokens, in a random order, another one with every call: rows of one
 * length change places, and so do batches. Every row is in exactly one batch; one that is longer has a batch of its own.
 */
export function batchPlan(
  lengths: readonly number[],
  tokens: number,
  order: BatchOrder,
  random: CounterRandom,
): number[][] {
  const shuffled = [...random.permutation(lengths.length)];
  const own = shuffled.map((row) => lengths[row]!);
  const plan = order === "packed" ? packsByLength(own, tokens) : bucketsByLength(own, tokens);
  const batches = plan.map((batch) => batch.map((place) => shuffled[place]!));
  return [...random.permutation(batches.length)].map((place) => batches[place]!);
}

const BUCKET = { step: 32, ratio: 1.25 };

/** Batches of rows whose lengths round up to one size, as many as fit at that size. */
function bucketsByLength(lengths: readonly number[], tokens: number): number[][] {
  const waiting = new Map<number, number[]>();
  const full: number[][] = [];
  for (const [row, length] of lengths.entries()) {
    const size = roundedUp(length, BUCKET.step, BUCKET.ratio);
    const batch = [...(waiting.get(size) ?? []), row];
    const isFull = (batch.length + 1) * size > tokens;
    if (isFull) full.push(batch);
    waiting.set(size, isFull ? [] : batch);
  }
  return [...full, ...[...waiting.values()].filter((batch) => batch.length > 0)];
}

/**
 * A batch with what it is told by: the logits of row `rows[i]` of the packed batch are scored against token `targets[i]`
 * with weight `weights[i]`. Only rows that carry a loss are listed, so prompts never meet the head. Past `scored` the
 * weights are 0.
 */
export interface ScoredBatch {
  readonly packed: PackedBatch;
  readonly scored: number;
  readonly rows: Uint32Array; // [S]
  readonly targets: Uint32Array; // [S]
  readonly weights: Float32Array; // [S]
}

/** What executables are compiled for: the packed rows, and how many of them are scored (a multiple of 64). */
export interface ScoredBucket {
  readonly packed: Bucket;
  readonly scored: number;
}

const SCORED = { step: 64, ratio: 1.125 };

export function scoredBucketFor(rows: readonly RenderedRow[]): ScoredBucket {
  const scored = rows.reduce((sum, row) => sum + scoredPlaces(row).length, 0);
  return { packed: bucketFor(rows), scored: roundedUp(Math.max(1, scored), SCORED.step, SCORED.ratio) };
}

/** Packs rows in the order given. Throws "shape" where they do not fit the bucket. */
export function packRows(
  sequences: readonly RenderedRow[],
  bucket: ScoredBucket = scoredBucketFor(sequences),
): ScoredBatch {
  const packed = packBatch(sequences, bucket.packed);
  const [rows, targets] = [new Uint32Array(bucket.scored), new Uint32Array(bucket.scored)];
  const weights = new Float32Array(bucket.scored);
  let [start, scored] = [0, 0];
  for (const sequence of sequences) {
    for (const place of scoredPlaces(sequence)) {
      if (scored === bucket.scored)
        throw new RetuneError("shape", `pack: more than the ${bucket.scored} scored rows of the bucket`);
      rows[scored] = start + place - 1;
      targets[scored] = sequence.ids[place]!;
      weights[scored++] = sequence.weights[place]!;
    }
    start += sequence.ids.length;
  }
  return { packed, scored, rows, targets, weights };
}

/**
 * What the losses of one optimizer step are divided by: the weights of all its batches together, not batch by batch,
 * else tokens of short batches count more (the known fault of gradient accumulation).
 */
export function stepWeight(batches: readonly ScoredBatch[]): number {
  return batches.reduce((sum, { weights }) => sum + weights.reduce((own, weight) => own + weight, 0), 0);
}
