// Near-duplicates by meaning: pairs of rows with cosine ≥ t (t = .95, trainers.md §10.3). Exact up to EXACT_ROWS rows;
// beyond, only pairs are compared that agree in one of 32 bands of 12 sign bits of random projections of the centred
// rows (Charikar 2002), centred because encoders' vectors crowd around their mean (there, bge-small: cosine about .6):
//
//   P(one bit agrees) = 1 − acos(c)/π        c = (.95 − .6)/(1 − .6): .839;  P(compared) = 1 − (1 − .839¹²)³² = .98
import { dotScores, unitRows } from "../eval/dense.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { CounterRandom } from "../random.ts";
import { Pace } from "./pace.ts";

export const NEAR_COSINE = 0.95;
const EXACT_ROWS = 8_000;
const BLOCK = 128; // rows compared at once
const BANDS = 32;
const BITS = 12;

/** Two rows of the matrix, first < second, and their cosine. */
export interface NearPair {
  readonly first: number;
  readonly second: number;
  readonly cosine: number;
}

export interface NearOptions extends RunControl {
  readonly atLeast?: number;
  readonly between?: (first: number, second: number) => boolean;
  readonly exactRows?: number;
  readonly label?: string;
}

/** Pairs of rows [N, D] whose cosine reaches `atLeast` (.95), in the order of `first`. Rows of zeros have none. */
export async function nearPairs(vectors: Matrix, options: NearOptions = {}): Promise<readonly NearPair[]> {
  const { atLeast = NEAR_COSINE, between = () => true, exactRows = EXACT_ROWS } = options;
  const pace = new Pace(options);
  const unit = unitRows(vectors);
  const label = options.label ?? "Comparing meanings";
  const found: NearPair[] = [];
  if (unit.rows <= exactRows) {
    for (let start = 0; start < unit.rows; start += BLOCK) {
      addNear(unit, start, atLeast, between, found);
      await pace.turn(start, unit.rows, label);
    }
    return found;
  }
  for (const pair of await proposedPairs(unit, atLeast, pace, label)) {
    const [first, second] = [Math.floor(pair / unit.rows), pair % unit.rows];
    if (between(first, second)) found.push({ first, second, cosine: dot(unit, first, second) });
  }
  return found.sort((a, b) => a.first - b.first || a.second - b.second);
}

/** Pairs of the rows from `start` on, a block of them, with every later row. */
function addNear(
  unit: Matrix,
  start: number,
  atLeast: number,
  between: NonNullable<NearOptions["between"]>,
  found: NearPair[],
): void {
  const rows = Math.min(BLOCK, unit.rows - start);
  const from = (count: number): Matrix => ({
    rows: count,
    columns: unit.columns,
    values: unit.values.subarray(start * unit.columns, (start + count) * unit.columns),
  });
  const later = unit.rows - start;
  const scores = dotScores(from(rows), from(later));
  for (let row = 0; row < rows; row++) {
    for (let column = row + 1; column < later; column++) {
      const cosine = scores[row * later + column]!;
      if (cosine < atLeast || !between(start + row, start + column)) continue;
      found.push({ first: start + row, second: start + column, cosine });
    }
  }
}

function dot({ values, columns }: Matrix, first: number, second: number): number {
  const [a, b] = [first * columns, second * columns];
  let [even, odd] = [0, 0];
  let k = 0;
  for (; k + 1 < columns; k += 2) {
    even += values[a + k]! * values[b + k]!;
    odd += values[a + k + 1]! * values[b + k + 1]!;
  }
  return k < columns ? even + odd + values[a + k]! * values[b + k]! : even + odd;
}

async function proposedPairs(
  unit: Matrix,
  atLeast: number,
  pace: Pace,
  label: string,
): Promise<ReadonlySet<number>> {
  const random = new CounterRandom(0x51e);
  const centre = meanRow(unit);
  const pairs = new Set<number>();
  for (let band = 0; band < BANDS; band++) {
    const planes = Array.from({ length: BITS }, () => planeThrough(centre, random));
    const buckets = new Map<number, number[]>();
    for (let row = 0; row < unit.rows; row++) {
      const key = signs(rowOf(unit, row), planes);
      const bucket = buckets.get(key);
      if (bucket) bucket.push(row);
      else buckets.set(key, [row]);
    }
    for (const bucket of buckets.values()) {
      addPairs(bucket, unit, atLeast, pairs);
      await pace.turn(band, BANDS, label);
    }
  }
  return pairs;
}

function meanRow(unit: Matrix): Float64Array {
  const mean = new Float64Array(unit.columns);
  for (let row = 0; row < unit.rows; row++) {
    const own = rowOf(unit, row);
    for (let k = 0; k < mean.length; k++) mean[k]! += own[k]! / unit.rows;
  }
  return mean;
}

interface Plane {
  readonly normal: Float64Array;
  readonly offset: number; // of the centre along the normal
}

function planeThrough(centre: Float64Array, random: CounterRandom): Plane {
  const normal = Float64Array.from(
    centre,
    () => random.uniform() + random.uniform() + random.uniform() - 1.5,
  );
  return { normal, offset: normal.reduce((sum, value, k) => sum + value * centre[k]!, 0) };
}

function signs(row: Float32Array, planes: readonly Plane[]): number {
  let key = 0;
  for (const [bit, { normal, offset }] of planes.entries()) {
    let sum = 0;
    for (let k = 0; k < row.length; k++) sum += row[k]! * normal[k]!;
    if (sum > offset) key |= 1 << bit;
  }
  return key;
}

function addPairs(bucket: readonly number[], unit: Matrix, atLeast: number, pairs: Set<number>): void {
  for (let i = 0; i < bucket.length; i++) {
    for (let j = i + 1; j < bucket.length; j++) {
      const [first, second] = [bucket[i]!, bucket[j]!];
      if (dot(unit, first, second) >= atLeast) pairs.add(first * unit.rows + second);
    }
  }
}
