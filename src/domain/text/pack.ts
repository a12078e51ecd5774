import type { Feeds } from "../../engine/backend.ts";

/** The token ids of a text or a pair, special tokens included; types are 0, or 1 for the second text of a pair. */
export interface TokenSequence {
  readonly ids: readonly number[];
  readonly types?: readonly number[]; // all 0 where absent
}

/** What an executable is compiled for. */
export interface Bucket {
  readonly rows: number; // R, a multiple of 64
  readonly segments: number; // S
  readonly longest: number; // no sequence has more tokens
}

/**
 * Sequences one after the other in the rows of one matrix, without padding between them. Rows past `tokens` belong to
 * no sequence: range [0, 0). Segments past `sequences` are empty: span [0, 0), first row 0.
 */
export interface PackedBatch {
  readonly bucket: Bucket;
  readonly tokens: number;
  readonly sequences: number;
  readonly ids: Uint32Array; // [R]
  readonly positions: Uint32Array; // [R], from 0 in every sequence
  readonly types: Uint32Array; // [R]
  readonly ranges: Uint32Array; // [R, 2] half-open rows of the sequence a row belongs to
  readonly spans: Uint32Array; // [S, 2] half-open rows of each sequence
  readonly firsts: Uint32Array; // [S] first row of each sequence: its [CLS]
}

/** Feeds of a batch by the input names of `bert/inputs.ts`; CLS pooling reads `firsts`, mean pooling `spans`. */
export function packedFeeds(batch: PackedBatch, pooling: "cls" | "mean"): Feeds {
  const { ids, positions, types, ranges, spans, firsts } = batch;
  return { ids, positions, types, ranges, ...(pooling === "cls" ? { firsts } : { spans }) };
}
