import type { Feeds } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";

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

/** Sizes that buckets are rounded up to: multiples of `step`, each at most a `ratio` above the one before (or one step). */
export function roundedUp(size: number, step: number, ratio: number): number {
  let rounded = step;
  while (rounded < size) rounded = Math.max(rounded + step, Math.floor((rounded * ratio) / step) * step);
  return rounded;
}

const ROWS = { step: 64, ratio: 1.125 };
const SEGMENTS = { step: 8, ratio: 2 };
const LONGEST = { step: 32, ratio: 2 };

/**
 * The bucket of a batch: few different ones, so that few executables are compiled, at the cost of at most 12.5 % (or 63)
 * rows that belong to no text. `segments` fixes S where a loss needs to know it.
 */
export function bucketFor(sequences: readonly TokenSequence[], segments?: number): Bucket {
  const lengths = sequences.map(({ ids }) => ids.length);
  return {
    rows: roundedUp(
      lengths.reduce((sum, length) => sum + length, 0),
      ROWS.step,
      ROWS.ratio,
    ),
    segments: segments ?? roundedUp(sequences.length, SEGMENTS.step, SEGMENTS.ratio),
    longest: roundedUp(Math.max(1, ...lengths), LONGEST.step, LONGEST.ratio),
  };
}

/** Equal for equal buckets. */
export function bucketKey({ rows, segments, longest }: Bucket): string {
  return `${rows}x${segments}x${longest}`;
}

/** Packs sequences in the order given. Throws "shape" where they do not fit the bucket or one is empty. */
export function packBatch(
  sequences: readonly TokenSequence[],
  bucket: Bucket = bucketFor(sequences),
): PackedBatch {
  const tokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
  checkFit(sequences, tokens, bucket);
  const batch = emptyBatch(bucket, tokens, sequences.length);
  let start = 0;
  for (const [index, { ids, types }] of sequences.entries()) {
    const end = start + ids.length;
    for (const [position, id] of ids.entries()) {
      const row = start + position;
      batch.ids[row] = id;
      batch.positions[row] = position;
      batch.types[row] = types?.[position] ?? 0;
      batch.ranges.set([start, end], 2 * row);
    }
    batch.spans.set([start, end], 2 * index);
    batch.firsts[index] = start;
    start = end;
  }
  return batch;
}

function emptyBatch(bucket: Bucket, tokens: number, sequences: number): PackedBatch {
  const { rows, segments } = bucket;
  return {
    bucket,
    tokens,
    sequences,
    ids: new Uint32Array(rows),
    positions: new Uint32Array(rows),
    types: new Uint32Array(rows),
    ranges: new Uint32Array(2 * rows),
    spans: new Uint32Array(2 * segments),
    firsts: new Uint32Array(segments),
  };
}

function checkFit(sequences: readonly TokenSequence[], tokens: number, bucket: Bucket): void {
  const { rows, segments, longest } = bucket;
  const off = sequences.findIndex(({ ids }) => ids.length === 0 || ids.length > longest);
  if (off >= 0) {
    const got = `sequence ${off} has ${sequences[off]!.ids.length} tokens`;
    throw new RetuneError("shape", `pack: ${got}; expected 1 to ${longest}`);
  }
  if (tokens > rows || sequences.length > segments) {
    const got = `${sequences.length} sequences of ${tokens} tokens`;
    throw new RetuneError("shape", `pack: ${got} do not fit ${segments} segments and ${rows} rows`);
  }
}

/**
 * Indices of sequences in batches of at most `tokens` tokens: the longest first, each batch filled up with the longest
 * that still fits, so that nearly all batches are full and share a bucket. A longer sequence is a batch of its own.
 */
export function packsByLength(lengths: readonly number[], tokens: number): number[][] {
  const byLength = new Map<number, number[]>();
  for (let index = lengths.length - 1; index >= 0; index--) {
    const length = lengths[index]!;
    const known = byLength.get(length);
    if (known) known.push(index);
    else byLength.set(length, [index]);
  }
  const sizes = [...byLength.keys()].sort((a, b) => b - a);
  const packs: number[][] = [];
  while (sizes.length > 0) {
    const pack: number[] = [];
    let room = Math.max(tokens, sizes[0]!);
    for (let at = 0; at < sizes.length;) {
      const size = sizes[at]!;
      const waiting = byLength.get(size)!;
      while (size <= room && waiting.length > 0) {
        pack.push(waiting.pop()!);
        room -= size;
      }
      if (waiting.length === 0) sizes.splice(at, 1);
      else at++;
    }
    packs.push(pack);
  }
  return packs;
}
