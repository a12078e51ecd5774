/** The twins of attention and its gradient; the formulas stand at the launches in plan-sequence.ts. */
import type { AttentionGradientLaunch, AttentionLaunch, AttentionReads } from "../plan-sequence.ts";
import { dropThreshold, keeps } from "../random.ts";
import type { Buffers, TwinArray } from "./buffers.ts";

export function attention(launch: AttentionLaunch, buffers: Buffers): void {
  const { rows, heads, headSize } = launch;
  const [values, out] = [buffers(launch.values), buffers(launch.out)];
  out.fill(0, 0, rows * heads * headSize);
  eachRow(launch, buffers, (head, row, first, end) => {
    const scores = scoresOf(launch, buffers, head, row, first, end);
    const sum = logSumExp(scores);
    if (launch.logSumExp !== undefined) buffers(launch.logSumExp)[head * rows + row] = sum;
    const at = placeOf(launch, head, row);
    scores.forEach((score, index) => {
      const share = Math.exp(score - sum) * dropFactor(launch, buffers, head, row, first + index);
      const from = keyPlaceOf(launch, head, first + index);
      for (let c = 0; c < headSize; c++) out[at + c]! += share * values[from + c]!;
    });
  });
}

export function attentionGradient(launch: AttentionGradientLaunch, buffers: Buffers): void {
  const { rows, heads, keyHeads, headSize } = launch;
  buffers(launch.dQueries).fill(0, 0, rows * heads * headSize);
  for (const result of [launch.dKeys, launch.dValues]) buffers(result).fill(0, 0, rows * keyHeads * headSize);
  eachRow(launch, buffers, (head, row, first, end) => {
    const scores = scoresOf(launch, buffers, head, row, first, end);
    const sum = buffers(launch.logSumExp)[head * rows + row]!;
    const at = placeOf(launch, head, row);
    const delta = dot(buffers(launch.upstream), at, buffers(launch.out), at, headSize);
    scores.forEach((score, index) => {
      const p = Math.exp(score - sum);
      addPair(launch, buffers, { head, row, column: first + index, p, delta });
    });
  });
}

/** What row and column of one head give to the three gradients. */
function addPair(
  launch: AttentionGradientLaunch,
  buffers: Buffers,
  pair: { head: number; row: number; column: number; p: number; delta: number },
): void {
  const { scale, headSize } = launch;
  const { head, row, column, p, delta } = pair;
  const [i, j] = [placeOf(launch, head, row), keyPlaceOf(launch, head, column)];
  const factor = dropFactor(launch, buffers, head, row, column);
  const [q, k, v, dO] = [launch.queries, launch.keys, launch.values, launch.upstream].map(buffers);
  const dS = p * (factor * dot(dO!, i, v!, j, headSize) - delta);
  const [dQ, dK, dV] = [launch.dQueries, launch.dKeys, launch.dValues].map(buffers);
  for (let c = 0; c < headSize; c++) {
    dQ![i + c]! += scale * dS * k![j + c]!;
    dK![j + c]! += scale * dS * q![i + c]!;
    dV![j + c]! += factor * p * dO![i + c]!;
  }
}

/** Calls with every head and row and the rows it attends; an empty range gets a logSumExp of 0. */
function eachRow(
  launch: AttentionLaunch | AttentionGradientLaunch,
  buffers: Buffers,
  visit: (head: number, row: number, first: number, end: number) => void,
): void {
  const ranges = buffers(launch.ranges);
  for (let head = 0; head < launch.heads; head++) {
    for (let row = 0; row < launch.rows; row++) {
      const [first, end] = [ranges[2 * row]!, ranges[2 * row + 1]!];
      if (end > first) visit(head, row, first, launch.causal ? Math.min(end, row + 1) : end);
      else if (launch.kind === "attention" && launch.logSumExp !== undefined)
        buffers(launch.logSumExp)[head * launch.rows + row] = 0;
    }
  }
}

/** Where a head's part of a row begins. */
function placeOf({ heads, headSize }: AttentionReads, head: number, row: number): number {
  return (row * heads + head) * headSize;
}

/** Where the part of a row begins that a head reads of keys and values. */
function keyPlaceOf({ heads, keyHeads, headSize }: AttentionReads, head: number, row: number): number {
  return (row * keyHeads + Math.floor((head * keyHeads) / heads)) * headSize;
}

function scoresOf(
  launch: AttentionReads,
  buffers: Buffers,
  head: number,
  row: number,
  first: number,
  end: number,
): Float64Array {
  const [queries, keys] = [buffers(launch.queries), buffers(launch.keys)];
  const at = placeOf(launch, head, row);
  const scores = new Float64Array(end - first);
  return scores.map((_, index) => {
    return launch.scale * dot(queries, at, keys, keyPlaceOf(launch, head, first + index), launch.headSize);
  });
}

function logSumExp(scores: Float64Array): number {
  const largest = Math.max(...scores);
  return largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
}

function dropFactor(
  { dropout, rows }: AttentionReads,
  buffers: Buffers,
  head: number,
  row: number,
  column: number,
): number {
  if (!dropout) return 1;
  const { rate, seed, counter } = dropout;
  const element = (head * rows + row) * rows + column; // the generator takes it modulo 2³²
  return keeps(element, buffers(counter)[0]!, seed, dropThreshold(rate)) ? 1 / (1 - rate) : 0;
}

function dot(a: TwinArray, atA: number, b: TwinArray, atB: number, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += a[atA + index]! * b[atB + index]!;
  return sum;
}
