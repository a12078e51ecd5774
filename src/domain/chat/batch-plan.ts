// How rows come together in batches. "packed": rows of any length one after the other, batches nearly full (best fit of
// the longest first); "buckets": rows of about one length together. Both need no padding between sequences: attention
// keeps to the ranges of text/pack.ts, and models/llama/supervision.ts packs a batch with its loss.
import type { CounterRandom } from "../random.ts";
import { packsByLength, roundedUp } from "../text/pack.ts";

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
