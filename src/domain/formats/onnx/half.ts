const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);
const LARGEST = 65_504;

/** float32 → IEEE 754 binary16 as bits, to nearest, ties to even; beyond ±65504 the largest finite number is taken. */
export function halfBits(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index++) bits[index] = toHalf(values[index]!);
  return bits;
}

function toHalf(value: number): number {
  FLOAT[0] = Math.max(-LARGEST, Math.min(LARGEST, value));
  const bits = BITS[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112; // 127 − 15
  const fraction = bits & 0x7fffff;
  if (exponent > 0) return sign | rounded((exponent << 23) | fraction, 13);
  if (exponent < -10) return sign;
  return sign | rounded(fraction | 0x800000, 14 - exponent);
}

/** bits >> shift, to nearest even. */
function rounded(bits: number, shift: number): number {
  const kept = bits >>> shift;
  const rest = bits & (2 ** shift - 1);
  const middle = 2 ** (shift - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}
