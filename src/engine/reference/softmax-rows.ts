import { EXCLUDED, NO_COLUMN, type SoftmaxRowsLaunch } from "../plan.ts";
import type { Reader } from "./chain.ts";

export interface SoftmaxResults {
  readonly loss: Float64Array | Float32Array;
  readonly coefficients: Float64Array | Float32Array | undefined;
  readonly beta: Float64Array | Float32Array | undefined;
}

const SMALLEST_NORM = 1e-12;

/** The twin of kernels/softmax_rows.wgsl; the formulas stand at SoftmaxRowsLaunch. */
export function softmaxRows(launch: SoftmaxRowsLaunch, read: Reader, results: SoftmaxResults): void {
  for (let row = 0; row < launch.rows; row++) softmaxRow(launch, row, read, results);
}

function softmaxRow(launch: SoftmaxRowsLaunch, row: number, read: Reader, results: SoftmaxResults): void {
  const { columns, stride, rows } = launch;
  const norm = normOf(launch, row, read);
  const factor = launch.scale / Math.max(norm, SMALLEST_NORM);
  const targets = targetsOf(launch, row, read);
  results.coefficients?.fill(0, row * stride, (row + 1) * stride);
  results.loss[row] = 0;
  if (results.beta) results.beta[row] = 0;
  if (!targets.some((target) => target > 0)) return;
  const kept = Array.from({ length: columns }, (_, column) => column).filter(
    (column) => targets[column]! > 0 || keeps(launch, row, column, read),
  );
  const scores = kept.map((column) => factor * read(launch.logits)[row * stride + column]!);
  const largest = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  let loss = largest + Math.log(total);
  let weighted = 0;
  kept.forEach((column, index) => {
    const score = scores[index]!;
    const target = targets[column]!;
    const error = (Math.exp(score - largest) / total - target) / rows;
    loss -= target * score;
    weighted += error * score;
    if (results.coefficients) results.coefficients[row * stride + column] = factor * error;
  });
  results.loss[row] = loss;
  if (results.beta && norm > SMALLEST_NORM) results.beta[row] = weighted / (norm * norm);
}

function normOf({ queries }: SoftmaxRowsLaunch, row: number, read: Reader): number {
  if (!queries) return 1;
  const values = read(queries.buffer);
  let sum = 0;
  for (let column = 0; column < queries.width; column++) sum += values[row * queries.width + column]! ** 2;
  return Math.sqrt(sum);
}

/** What each column of a row should have of the row's probability. */
function targetsOf(
  { columns, positives, targets }: SoftmaxRowsLaunch,
  row: number,
  read: Reader,
): Float64Array {
  const shares = new Float64Array(columns);
  if (targets !== undefined) {
    const values = read(targets);
    return shares.map((_, column) => values[row * columns + column]!);
  }
  const list = positives ? positivesOf(positives, row, read) : [row];
  for (const column of list) shares[column] = 1 / list.length;
  return shares;
}

function positivesOf(
  { buffer, perRow }: NonNullable<SoftmaxRowsLaunch["positives"]>,
  row: number,
  read: Reader,
): number[] {
  const all = Array.from({ length: perRow }, (_, index) => read(buffer)[row * perRow + index]!);
  const end = all.indexOf(NO_COLUMN);
  return end < 0 ? all : all.slice(0, end);
}

function keeps({ groups }: SoftmaxRowsLaunch, row: number, column: number, read: Reader): boolean {
  if (!groups) return true;
  const group = read(groups.columns)[column]!;
  return group !== EXCLUDED && group !== read(groups.rows)[row]!;
}
