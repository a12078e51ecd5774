// UMAP (McInnes, Healy & Melville 2018) on a sample, by umap-js; every other point is placed among the sample:
//
//   place(x) = Σ_{s ∈ N₁₅(x)} w_s · place(s) / Σ w_s,     w_s = 1 / (d(x, s)² + ε²),   ε² a thousandth of the sample's spread
//
// A point of the sample lies where UMAP put it, and points that come later (the tuned vectors) use the same layout.
import { RetuneError } from "../../../engine/errors.ts";
import { rowOf, selectRows, type Matrix } from "../../matrix.ts";
import type { RunControl } from "../../ports.ts";
import { CounterRandom } from "../../random.ts";

export interface UmapLayout {
  readonly sample: Matrix; // [s, d]
  readonly places: Matrix; // [s, 2]
  readonly tolerance: number; // ε²
}

const UMAP_SAMPLE = 2000; // points laid out by UMAP itself; more take minutes
const NEIGHBOURS = 15;
const FEW = 4; // UMAP needs more points than this

/** Lays out a sample of the rows [n, d], evenly spread over them. Rejects with "cancelled" when the signal fires. */
export async function umapLayout(rows: Matrix, seed: number, control: RunControl = {}): Promise<UmapLayout> {
  if (rows.rows <= FEW) {
    const text = `UMAP needs more than ${FEW} texts; there are ${rows.rows}. The plain map shows them.`;
    throw new RetuneError("too-little-data", text);
  }
  const sample = selectRows(rows, evenly(rows.rows, UMAP_SAMPLE));
  const { UMAP } = await import("umap-js");
  const random = CounterRandom.stream(seed, 12);
  const nNeighbors = Math.min(NEIGHBOURS, sample.rows - 1);
  const umap = new UMAP({ nNeighbors, random: () => random.uniform() });
  const near = nearest(sample, sample, nNeighbors);
  umap.setPrecomputedKNN(near.indices, near.distances);
  const epochs = umap.initializeFit(Array.from({ length: sample.rows }, (_, row) => [...rowOf(sample, row)]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    if (epoch % 10 > 0) continue;
    control.onProgress?.({ done: epoch, total: epochs, label: "UMAP" });
    await new Promise((resolve) => setTimeout(resolve)); // so that a cancel gets through
    if (control.signal?.aborted) throw new RetuneError("cancelled", "The map was cancelled.");
  }
  const places = { rows: sample.rows, columns: 2, values: Float32Array.from(umap.getEmbedding().flat()) };
  return { sample, places, tolerance: spread(sample) / 1000 };
}

/** Places of rows [n, d] in a layout: [n, 2]. */
export function inLayout({ sample, places, tolerance }: UmapLayout, rows: Matrix): Float32Array {
  const out = new Float32Array(rows.rows * 2);
  const near = nearest(rows, sample, Math.min(NEIGHBOURS, sample.rows));
  for (let row = 0; row < rows.rows; row++) {
    const found = near.indices[row]!;
    const exact = near.distances[row]![0]! ** 2 <= tolerance * 1e-6;
    let [x, y, weights] = [0, 0, 0];
    for (const [order, index] of (exact ? found.slice(0, 1) : found).entries()) {
      const weight = 1 / (near.distances[row]![order]! ** 2 + tolerance);
      x += weight * places.values[index * 2]!;
      y += weight * places.values[index * 2 + 1]!;
      weights += weight;
    }
    out.set([x / weights, y / weights], row * 2);
  }
  return out;
}

/** At most `most` positions of `length`, evenly spaced. */
export function evenly(length: number, most: number): number[] {
  const count = Math.min(length, most);
  return Array.from({ length: count }, (_, index) => Math.floor((index * length) / count));
}

interface Neighbours {
  readonly indices: number[][]; // [n][k], nearest first; a row of the sample finds itself first
  readonly distances: number[][];
}

function nearest(rows: Matrix, sample: Matrix, count: number): Neighbours {
  const indices: number[][] = [];
  const distances: number[][] = [];
  const squares = new Float64Array(sample.rows);
  for (let row = 0; row < rows.rows; row++) {
    squaredDistances(rowOf(rows, row), sample, squares);
    const order = smallest(squares, count);
    indices.push(order);
    distances.push(order.map((index) => Math.sqrt(squares[index]!)));
  }
  return { indices, distances };
}

function squaredDistances(vector: Float32Array, sample: Matrix, out: Float64Array): void {
  const width = sample.columns;
  for (let row = 0, at = 0; row < sample.rows; row++) {
    let sum = 0;
    for (let index = 0; index < width; index++, at++) {
      const difference = vector[index]! - sample.values[at]!;
      sum += difference * difference;
    }
    out[row] = sum;
  }
}

/** Positions of the `count` smallest values, smallest first, by insertion into a short list. */
function smallest(values: Float64Array, count: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === count && values[index]! >= values[best[count - 1]!]!) continue;
    let place = best.length === count ? count - 1 : best.length;
    while (place > 0 && values[best[place - 1]!]! > values[index]!) {
      best[place] = best[place - 1]!;
      place--;
    }
    best[place] = index;
  }
  return best;
}

function spread(rows: Matrix): number {
  const mean = new Float64Array(rows.columns);
  for (let at = 0; at < rows.values.length; at++) mean[at % rows.columns]! += rows.values[at]! / rows.rows;
  let sum = 0;
  for (let at = 0; at < rows.values.length; at++) sum += (rows.values[at]! - mean[at % rows.columns]!) ** 2;
  return sum / rows.rows;
}
