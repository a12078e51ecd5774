export type FloatType = "F64" | "F32" | "F16" | "BF16";

export const FLOAT_BYTES: Readonly<Record<FloatType, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Little-endian floats of any width → float32, exact but for F64, which is rounded. */
export function decodeFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  const copy = new Uint8Array(bytes); // aligned, no view of a whole file kept alive; slice() of a Node Buffer copies nothing
  if (type === "F32") return new Float32Array(copy.buffer);
  if (type === "F64") return Float32Array.from(new Float64Array(copy.buffer));
  const units = new Uint16Array(copy.buffer);
  if (type === "F16") return decodeHalves(units);
  const wide = new Uint32Array(units.length);
  for (let index = 0; index < units.length; index++) wide[index] = units[index]! << 16; // the upper half of a float32
  return new Float32Array(wide.buffer);
}

let halves: Float32Array | undefined; // of all 65,536 units, made for the first large tensor

function decodeHalves(units: Uint16Array): Float32Array {
  if (units.length < 0x1_0000) return Float32Array.from(units, halfToNumber);
  halves ??= Float32Array.from({ length: 0x1_0000 }, (_, unit) => halfToNumber(unit));
  const values = new Float32Array(units.length);
  for (let index = 0; index < units.length; index++) values[index] = halves[units[index]!]!;
  return values;
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(unit: number): number {
  const sign = unit & 0x8000 ? -1 : 1;
  const exponent = (unit >> 10) & 0x1f;
  const fraction = unit & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Index of the first value that is NaN or infinite, or −1. */
export function firstNotFinite(values: Float32Array): number {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index]!)) return index;
  return -1;
}
