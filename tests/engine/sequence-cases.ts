import type { Launch } from "../../src/engine/plan.ts";
import { numbers, type LaunchBuffers } from "./single-launch.ts";

export interface LaunchCase {
  readonly launch: Launch;
  readonly buffers: LaunchBuffers;
}

/** Rows and columns: one of each, odd ones, a row of bge, more than a strip of 256. */
export const NORM_SHAPES = [
  [1, 1],
  [3, 7],
  [5, 12],
  [9, 384],
  [2, 301],
] as const;

/** Layer normalisation and its gradients over rows with a mean of about 3, so that digits could be lost. */
export function layerNormCases(rows: number, columns: number): readonly LaunchCase[] {
  const size = rows * columns;
  const x = numbers(size, 1).map((value) => 3 + 2 * value);
  const [gamma, beta, dY] = [numbers(columns, 2), numbers(columns, 3), numbers(size, 4)];
  const shape = { rows, columns, epsilon: 1e-5, centred: true, source: 0 };
  return [
    {
      launch: { kind: "layerNorm", ...shape, gamma: 1, beta: 2, out: 3 },
      buffers: [x, gamma, beta, new Float32Array(size)],
    },
    {
      launch: { kind: "layerNormGradient", ...shape, gamma: 1, upstream: 2, out: 3 },
      buffers: [x, gamma, dY, new Float32Array(size)],
    },
    {
      launch: { kind: "layerNormGamma", ...shape, upstream: 1, out: 2 },
      buffers: [x, dY, new Float32Array(columns)],
    },
  ];
}

/** The same without centring, over rows whose mean counts. */
export function rmsNormCases(rows: number, columns: number): readonly LaunchCase[] {
  return layerNormCases(rows, columns).map(({ launch, buffers }) => {
    if (launch.kind === "layerNorm")
      return { launch: { ...launch, centred: false, beta: undefined }, buffers };
    if (launch.kind === "layerNormGradient" || launch.kind === "layerNormGamma") {
      return { launch: { ...launch, centred: false }, buffers };
    }
    return { launch, buffers };
  });
}

/** Sequences of these lengths one after the other, then padding rows; a 0 is a row of no sequence in between. */
export interface Packing {
  readonly lengths: readonly number[];
  readonly padding: number;
  readonly heads: number;
  readonly headSize: number;
}

export const PACKINGS: readonly Packing[] = [
  { lengths: [1], padding: 0, heads: 1, headSize: 4 },
  { lengths: [3, 1, 5], padding: 2, heads: 2, headSize: 8 },
  { lengths: [2, 0, 7], padding: 1, heads: 3, headSize: 5 },
  { lengths: [19, 64, 7], padding: 6, heads: 2, headSize: 32 },
  { lengths: [131, 42], padding: 3, heads: 2, headSize: 12 },
];

export function rangesOf({ lengths, padding }: Packing): Uint32Array {
  const pairs: number[] = [];
  for (const length of lengths) {
    const first = pairs.length / 2;
    if (length === 0) pairs.push(0, 0);
    for (let row = 0; row < length; row++) pairs.push(first, first + length);
  }
  for (let row = 0; row < padding; row++) pairs.push(0, 0);
  return Uint32Array.from(pairs);
}

const RATE = 0.3;

function readsOf(packing: Packing, dropout: boolean) {
  const { heads, headSize, lengths } = packing;
  const ranges = rangesOf(packing);
  const rows = ranges.length / 2;
  const matrix = (seed: number): Float32Array => numbers(rows * heads * headSize, seed).map((x) => 2 * x);
  const dropped = { rate: RATE, seed: 7, counter: 4 };
  const reads = {
    rows,
    heads,
    keyHeads: heads,
    headSize,
    causal: false,
    longest: Math.max(...lengths),
    scale: 1 / Math.sqrt(headSize),
    queries: 0,
    keys: 1,
    values: 2,
    ranges: 3,
    dropout: dropout ? dropped : undefined,
  };
  return { reads, matrix, buffers: [matrix(1), matrix(2), matrix(3), ranges, Uint32Array.of(5)] };
}

/** What results are filled with before, to show what a launch leaves as it was. */
function unwritten(count: number): Float32Array {
  return new Float32Array(count).fill(9);
}

export function attentionCase(packing: Packing, dropout: boolean): LaunchCase {
  const { reads, buffers } = readsOf(packing, dropout);
  const out = unwritten(buffers[0]!.length);
  return {
    launch: { kind: "attention", ...reads, out: 5, logSumExp: 6 },
    buffers: [...buffers, out, unwritten(reads.heads * reads.rows)],
  };
}

/** `forward` is what the launch of `attentionCase` leaves in its buffers. */
export function attentionGradientCase(
  packing: Packing,
  dropout: boolean,
  forward: readonly ArrayLike<number>[],
): LaunchCase {
  const { reads, matrix, buffers } = readsOf(packing, dropout);
  const size = buffers[0]!.length;
  const [out, logSumExp] = [Float32Array.from(forward[5]!), Float32Array.from(forward[6]!)];
  const results = { out: 5, logSumExp: 6, upstream: 7, dQueries: 8, dKeys: 9, dValues: 10 };
  return {
    launch: { kind: "attentionGradient", ...reads, ...results },
    buffers: [...buffers, out, logSumExp, matrix(4), unwritten(size), unwritten(size), unwritten(size)],
  };
}

/** Spans with an empty one, a row of no span and padding; pooling and its gradient. */
export function segmentCases(columns: number): readonly LaunchCase[] {
  const rows = 12;
  const spans = Uint32Array.of(0, 3, 3, 4, 0, 0, 5, 11);
  const shape = { segments: 4, columns };
  return [
    {
      launch: { kind: "segmentMean", ...shape, source: 0, spans: 1, out: 2 },
      buffers: [numbers(rows * columns, 1), spans, unwritten(4 * columns)],
    },
    {
      launch: { kind: "segmentMeanGradient", rows, ...shape, upstream: 0, spans: 1, out: 2 },
      buffers: [numbers(4 * columns, 2), spans, unwritten(rows * columns)],
    },
  ];
}

/** Parts of a matrix, and a matrix as part of a larger one, at every side. */
export function blockCases(): readonly LaunchCase[] {
  const [sourceRows, sourceColumns] = [5, 7];
  const places = [
    [2, 3, 1, 4],
    [5, 7, 0, 0],
    [8, 11, -2, -3],
    [4, 4, 3, 5],
    [3, 6, -1, 2],
    [2, 2, 9, 9],
    [3, 3, 0, -5],
  ] as const;
  return places.map(([rows, columns, rowOffset, columnOffset]) => {
    const shape = { rows, columns, sourceRows, sourceColumns, rowOffset, columnOffset };
    return {
      launch: { kind: "block", ...shape, source: 0, out: 1 },
      buffers: [numbers(sourceRows * sourceColumns, 3), unwritten(rows * columns)],
    };
  });
}
