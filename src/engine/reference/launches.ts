/** The twin of every launch: plain loops that accumulate in float64, the oracle of the kernels. One family per function. */
import type {
  AccumulateLaunch,
  AdamWLaunch,
  ElementwiseLaunch,
  GatherLaunch,
  Launch,
  MatmulLaunch,
  Reduction,
  RowNormalizeGradientLaunch,
  RowNormalizeLaunch,
  ScatterLaunch,
  SumSquaresLaunch,
} from "../plan.ts";
import type { SequenceLaunch } from "../plan-sequence.ts";
import { storedStride } from "../stored.ts";
import { attention, attentionGradient } from "./attention.ts";
import type { Buffers, TwinArray } from "./buffers.ts";
import { cachedAttention, storeRows } from "./cached-attention.ts";
import { applySteps, readOperand } from "./chain.ts";
import { layerNorm, layerNormGamma, layerNormGradient } from "./layer-norm.ts";
import { rotary } from "./rotary.ts";
import { block, segmentMean, segmentMeanGradient } from "./segments.ts";
import { softmaxRows } from "./softmax-rows.ts";

const SMALLEST_NORM = 1e-12;

/** Executes one launch over `buffers`. */
export function executeLaunch(launch: Launch, buffers: Buffers): void {
  switch (launch.kind) {
    case "gather":
      return gather(launch, buffers);
    case "scatter":
      return scatter(launch, buffers);
    case "matmul":
      return matmul(launch, buffers);
    case "elementwise":
      return elementwise(launch, buffers);
    case "reduce":
      return launch.reductions.forEach((reduction) => reduce(reduction, buffers));
    case "rowNormalize":
      return rowNormalize(launch, buffers);
    case "rowNormalizeGradient":
      return rowNormalizeGradient(launch, buffers);
    case "softmaxRows": {
      const of = (buffer: number | undefined) => (buffer === undefined ? undefined : floats(buffers(buffer)));
      const [coefficients, beta] = [of(launch.coefficients), of(launch.queries?.beta)];
      return softmaxRows(launch, buffers, { loss: floats(buffers(launch.loss)), coefficients, beta });
    }
    case "sumSquares":
      return sumSquares(launch, buffers);
    case "adamw":
      return adamw(launch, buffers);
    case "accumulate":
      return accumulate(launch, buffers);
    default:
      return executeSequenceLaunch(launch, buffers);
  }
}

function executeSequenceLaunch(launch: SequenceLaunch, buffers: Buffers): void {
  switch (launch.kind) {
    case "layerNorm":
      return layerNorm(launch, buffers);
    case "layerNormGradient":
      return layerNormGradient(launch, buffers);
    case "layerNormGamma":
      return layerNormGamma(launch, buffers);
    case "rotary":
      return rotary(launch, buffers);
    case "attention":
      return attention(launch, buffers);
    case "attentionGradient":
      return attentionGradient(launch, buffers);
    case "storeRows":
      return storeRows(launch, buffers);
    case "cachedAttention":
      return cachedAttention(launch, buffers);
    case "segmentMean":
      return segmentMean(launch, buffers);
    case "segmentMeanGradient":
      return segmentMeanGradient(launch, buffers);
    case "block":
      return block(launch, buffers);
    default:
      return launch satisfies never;
  }
}

function floats(values: TwinArray): Float32Array | Float64Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new TypeError("a buffer of another type where f32 is written");
}

function accumulate({ elements, source, target }: AccumulateLaunch, buffers: Buffers): void {
  for (let index = 0; index < elements; index++) buffers(target)[index]! += buffers(source)[index]!;
}

function gather({ copies }: GatherLaunch, buffers: Buffers): void {
  for (const { table, tableRows, indices, out, rows, columns, dtype } of copies) {
    const stride = storedStride(dtype, columns);
    for (let row = 0; row < rows; row++) {
      const from = Math.min(buffers(indices)[row]!, tableRows - 1) * stride;
      buffers(out).set(buffers(table).subarray(from, from + columns), row * columns);
    }
  }
}

function scatter({ source, indices, out, rows, tableRows, columns }: ScatterLaunch, buffers: Buffers): void {
  buffers(out).fill(0, 0, tableRows * columns);
  for (let row = 0; row < rows; row++) {
    const target = Math.min(buffers(indices)[row]!, tableRows - 1);
    for (let column = 0; column < columns; column++) {
      buffers(out)[target * columns + column]! += buffers(source)[row * columns + column]!;
    }
  }
}

/** out [M, N] = steps(A · B) */
function matmul(launch: MatmulLaunch, buffers: Buffers): void {
  const { layout, m, n, k, strideA, strideB, strideOut, steps } = launch;
  const [a, b, out] = [buffers(launch.a), buffers(launch.b), buffers(launch.out)];
  const [rowA, stepA] = layout.startsWith("N") ? [strideA, 1] : [1, strideA];
  const [columnB, stepB] = layout.endsWith("N") ? [1, strideB] : [strideB, 1];
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += a[row * rowA + i * stepA]! * b[column * columnB + i * stepB]!;
      out[row * strideOut + column] = applySteps(steps, sum, row, column, n, buffers);
    }
  }
}

function elementwise({ rows, columns, source, out, steps }: ElementwiseLaunch, buffers: Buffers): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = readOperand(source, row, column, columns, buffers);
      buffers(out)[row * columns + column] = applySteps(steps, value, row, column, columns, buffers);
    }
  }
}

function reduce(reduction: Reduction, buffers: Buffers): void {
  const { axis, rows, columns, source, times, factor, scale, root, out, at } = reduction;
  const sums = new Float64Array(axis === "all" ? 1 : axis === "rows" ? rows : columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const index = row * columns + column;
      const value = buffers(source)[index]! * (times === undefined ? 1 : buffers(times)[index]!);
      sums[axis === "all" ? 0 : axis === "rows" ? row : column]! += value;
    }
  }
  const by = scale * (factor === undefined ? 1 : buffers(factor)[0]!);
  sums.forEach((sum, index) => {
    buffers(out)[at + index] = root ? Math.sqrt(sum * by) : sum * by;
  });
}

function rowNormalize({ rows, columns, source, out }: RowNormalizeLaunch, buffers: Buffers): void {
  for (let row = 0; row < rows; row++) {
    const x = buffers(source).subarray(row * columns, (row + 1) * columns);
    const norm = Math.max(Math.sqrt(dot(x, x)), SMALLEST_NORM);
    for (let column = 0; column < columns; column++) buffers(out)[row * columns + column] = x[column]! / norm;
  }
}

function rowNormalizeGradient(launch: RowNormalizeGradientLaunch, buffers: Buffers): void {
  const { rows, columns } = launch;
  for (let row = 0; row < rows; row++) {
    const x = buffers(launch.source).subarray(row * columns, (row + 1) * columns);
    const dY = buffers(launch.upstream).subarray(row * columns, (row + 1) * columns);
    const norm = Math.sqrt(dot(x, x));
    const along = norm > SMALLEST_NORM ? dot(x, dY) / (norm * norm) : 0;
    for (let column = 0; column < columns; column++) {
      const value = (dY[column]! - x[column]! * along) / Math.max(norm, SMALLEST_NORM);
      buffers(launch.out)[row * columns + column] = value;
    }
  }
}

function dot(a: TwinArray, b: TwinArray): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function sumSquares({ source, elements, chunk, count, partials }: SumSquaresLaunch, buffers: Buffers): void {
  for (let part = 0; part < count; part++) {
    const values = buffers(source).subarray(part * chunk, Math.min(elements, (part + 1) * chunk));
    buffers(partials)[part] = dot(values, values);
  }
}

function adamw(launch: AdamWLaunch, buffers: Buffers): void {
  const { partials, partialCount, maxNorm, segments, normAt, loss } = launch;
  const squares = sumOf(buffers(partials), partialCount);
  const log = buffers(launch.log);
  log[0] = Number.isFinite(squares) ? 0 : 1;
  const norm = Math.sqrt(squares);
  if (normAt !== undefined) log[normAt] = norm;
  if (loss) log[loss.at] = loss.scale * sumOf(buffers(loss.rows), loss.count);
  if (log[0] === 1) return;
  const clip = Math.min(1, maxNorm / (norm + 1e-6));
  for (const segment of segments) updateSegment(launch, segment, clip, buffers);
}

function updateSegment(
  launch: AdamWLaunch,
  segment: AdamWLaunch["segments"][number],
  clip: number,
  buffers: Buffers,
): void {
  const [beta1, beta2] = launch.betas;
  const [w, g, moments] = [buffers(launch.weights), buffers(launch.gradients), buffers(launch.moments)];
  const [c1, c2] = launch.corrections.map((buffer) => buffers(buffer)[0]!);
  const rate = buffers(launch.learningRate)[0]!;
  for (let index = segment.offset; index < segment.offset + segment.elements; index++) {
    const gradient = g[index]! * clip;
    const m = beta1 * moments[index]! + (1 - beta1) * gradient;
    const v = beta2 * moments[launch.elements + index]! + (1 - beta2) * gradient * gradient;
    moments[index] = m;
    moments[launch.elements + index] = v;
    const update = (m * c1!) / (Math.sqrt(v * c2!) + launch.epsilon);
    w[index] = w[index]! * (1 - rate * segment.weightDecay) - rate * update;
  }
}

function sumOf(values: TwinArray, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[index]!;
  return sum;
}
