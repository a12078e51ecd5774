/** The twins of layer normalisation; the formulas stand at the launches in plan-sequence.ts. */
import type { LayerNormGammaLaunch, LayerNormGradientLaunch, LayerNormLaunch } from "../plan-sequence.ts";
import type { Buffers, TwinArray } from "./buffers.ts";

export function layerNorm(launch: LayerNormLaunch, buffers: Buffers): void {
  const { rows, columns, epsilon } = launch;
  const [x, gamma, beta] = [launch.source, launch.gamma, launch.beta].map(buffers) as TwinArray3;
  const out = buffers(launch.out);
  for (let row = 0; row < rows; row++) {
    const unit = standardized(x, row, columns, epsilon).values;
    for (let c = 0; c < columns; c++) out[row * columns + c] = unit[c]! * gamma[c]! + beta[c]!;
  }
}

export function layerNormGradient(launch: LayerNormGradientLaunch, buffers: Buffers): void {
  const { rows, columns, epsilon } = launch;
  const [x, gamma, upstream] = [launch.source, launch.gamma, launch.upstream].map(buffers) as TwinArray3;
  const out = buffers(launch.out);
  for (let row = 0; row < rows; row++) {
    const { values, inverse } = standardized(x, row, columns, epsilon);
    let [mean, along] = [0, 0];
    for (let c = 0; c < columns; c++) {
      const g = upstream[row * columns + c]! * gamma[c]!;
      mean += g / columns;
      along += (g * values[c]!) / columns;
    }
    for (let c = 0; c < columns; c++) {
      const g = upstream[row * columns + c]! * gamma[c]!;
      out[row * columns + c] = (g - mean - values[c]! * along) * inverse;
    }
  }
}

export function layerNormGamma(launch: LayerNormGammaLaunch, buffers: Buffers): void {
  const { rows, columns, epsilon } = launch;
  const [x, upstream] = [buffers(launch.source), buffers(launch.upstream)];
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const { values } = standardized(x, row, columns, epsilon);
    for (let c = 0; c < columns; c++) sums[c]! += upstream[row * columns + c]! * values[c]!;
  }
  buffers(launch.out).set(sums);
}

type TwinArray3 = [TwinArray, TwinArray, TwinArray];

/** x̂ = (x − mean) · inverse of one row, with inverse = 1/√(variance + ε). */
function standardized(
  x: TwinArray,
  row: number,
  columns: number,
  epsilon: number,
): { readonly values: Float64Array; readonly inverse: number } {
  const values = Float64Array.from(x.subarray(row * columns, (row + 1) * columns));
  const mean = values.reduce((sum, value) => sum + value, 0) / columns;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
  const inverse = 1 / Math.sqrt(variance + epsilon);
  return { values: values.map((value) => (value - mean) * inverse), inverse };
}
