/** The twins of layer normalisation; the formulas stand at the launches in plan-sequence.ts. */
import type { LayerNormGammaLaunch, LayerNormGradientLaunch, LayerNormLaunch } from "../plan-sequence.ts";
import type { Buffers, TwinArray } from "./buffers.ts";

export function layerNorm(launch: LayerNormLaunch, buffers: Buffers): void {
  const { rows, columns } = launch;
  const [x, gamma, out] = [launch.source, launch.gamma, launch.out].map(buffers) as TwinArray3;
  const beta = launch.beta === undefined ? undefined : buffers(launch.beta);
  for (let row = 0; row < rows; row++) {
    const unit = standardized(x, row, launch).values;
    for (let c = 0; c < columns; c++) out[row * columns + c] = unit[c]! * gamma[c]! + (beta?.[c] ?? 0);
  }
}

export function layerNormGradient(launch: LayerNormGradientLaunch, buffers: Buffers): void {
  const { rows, columns, centred } = launch;
  const [x, gamma, upstream] = [launch.source, launch.gamma, launch.upstream].map(buffers) as TwinArray3;
  const out = buffers(launch.out);
  for (let row = 0; row < rows; row++) {
    const { values, inverse } = standardized(x, row, launch);
    let [mean, along] = [0, 0];
    for (let c = 0; c < columns; c++) {
      const g = upstream[row * columns + c]! * gamma[c]!;
      mean += centred ? g / columns : 0;
      along += (g * values[c]!) / columns;
    }
    for (let c = 0; c < columns; c++) {
      const g = upstream[row * columns + c]! * gamma[c]!;
      out[row * columns + c] = (g - mean - values[c]! * along) * inverse;
    }
  }
}

export function layerNormGamma(launch: LayerNormGammaLaunch, buffers: Buffers): void {
  const { rows, columns } = launch;
  const [x, upstream] = [buffers(launch.source), buffers(launch.upstream)];
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const { values } = standardized(x, row, launch);
    for (let c = 0; c < columns; c++) sums[c]! += upstream[row * columns + c]! * values[c]!;
  }
  buffers(launch.out).set(sums);
}

type TwinArray3 = [TwinArray, TwinArray, TwinArray];

/** x̂ = (x − mean) · inverse of one row, with inverse = 1/√(variance + ε); the mean counts as 0 where not centred. */
function standardized(
  x: TwinArray,
  row: number,
  { columns, epsilon, centred }: Pick<LayerNormLaunch, "columns" | "epsilon" | "centred">,
): { readonly values: Float64Array; readonly inverse: number } {
  const values = Float64Array.from(x.subarray(row * columns, (row + 1) * columns));
  const mean = centred ? values.reduce((sum, value) => sum + value, 0) / columns : 0;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
  const inverse = 1 / Math.sqrt(variance + epsilon);
  return { values: values.map((value) => (value - mean) * inverse), inverse };
}
