// Weights at one byte each, for a model that travels with the page: every matrix [out, in] is kept row by row,
//   q[r, c] = round(w[r, c] / s[r])     s[r] = max|w[r, :]| / 127     w ≈ q · s
// as "<name>" (I8) and "<name>.scale" (F32 [out]) in a safetensors file; vectors stay F32. Once read, it is float32 again.
import { RetuneError } from "../../../engine/errors.ts";
import type { TensorData } from "../../matrix.ts";
import { readSafetensors, writeSafetensors, type WrittenTensor } from "../../formats/safetensors.ts";
import type { NamedWeights } from "../encoder-model.ts";

const LEVELS = 127;
const SCALE = ".scale";

/** Matrices at one byte a value, the largest scale of the error being half a step of its row. */
export function writeInt8Weights(weights: NamedWeights): Uint8Array {
  const tensors = new Map<string, WrittenTensor>();
  for (const [name, tensor] of weights) {
    if (tensor.shape.length !== 2) tensors.set(name, tensor);
    else {
      const { steps, scales } = quantized(tensor);
      tensors.set(name, { shape: tensor.shape, values: steps });
      tensors.set(`${name}${SCALE}`, { shape: [scales.length], values: scales });
    }
  }
  return writeSafetensors(tensors, new Map([["format", "retune-int8"]]));
}

/**
 * The weights of a safetensors file as float32, whether it holds floats or one byte a value. Throws E_SAFETENSORS where
 * the file is broken or a matrix of bytes lacks its scales.
 */
export function readInt8Weights(bytes: Uint8Array, file?: string): NamedWeights {
  const { tensors, integers } = readSafetensors(bytes, file);
  const weights = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    if (!integers.has(name.slice(0, -SCALE.length))) weights.set(name, tensor);
  }
  for (const [name, { shape, values }] of integers) {
    if (shape.length !== 2 && !tensors.has(`${name}${SCALE}`)) continue; // token ids, positions: no weights
    const scales = tensors.get(`${name}${SCALE}`)?.values;
    const [rows, columns] = [shape[0]!, shape[1]];
    if (shape.length !== 2 || columns === undefined || scales?.length !== rows) {
      const what = `${file ?? "weights"}: "${name}" [${shape.join(", ")}] needs ${rows} scales as "${name}${SCALE}"`;
      throw new RetuneError(
        "E_SAFETENSORS",
        `${what}, got ${scales?.length ?? "none"}; fetch the file again`,
      );
    }
    const read = Float32Array.from(values, (value, at) => value * scales[Math.floor(at / columns)]!);
    weights.set(name, { shape, values: read });
  }
  return weights;
}

function quantized({ shape, values }: TensorData): { steps: Int8Array; scales: Float32Array } {
  const [rows, columns] = [shape[0]!, shape[1]!];
  const steps = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const from = values.subarray(row * columns, (row + 1) * columns);
    const largest = from.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    scales[row] = largest / LEVELS;
    const step = scales[row]!;
    if (step === 0) continue;
    for (let column = 0; column < columns; column++) {
      steps[row * columns + column] = Math.round(from[column]! / step);
    }
  }
  return { steps, scales };
}
