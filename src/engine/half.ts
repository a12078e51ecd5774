/** IEEE 754 half precision: 1 sign bit, 5 of exponent, 10 of fraction. Storage only; nothing is computed in it. */
const SCRATCH = new Float32Array(1);
const BITS = new Uint32Array(SCRATCH.buffer);

/** The half nearest to `value`, ties to even, as its 16 bits; beyond 65,504 ± 16 it is infinite. */
export function halfBits(value: number): number {
  SCRATCH[0] = value;
  const bits = BITS[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0xff) return sign | (bits & 0x7fffff ? 0x7e00 : 0x7c00);
  const shifted = exponent - 112;
  if (shifted >= 31) return sign | 0x7c00;
  const fraction = bits & 0x7fffff;
  if (shifted > 0) return sign | rounded((shifted << 23) | fraction, 13); // a carry moves to the next exponent
  return shifted < -10 ? sign : sign | rounded(fraction | 0x800000, 14 - shifted);
}

/** The number that the 16 bits of a half stand for. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  BITS[0] = ((bits & 0x8000) << 16) | ((exponent + 112) << 23) | (fraction << 13);
  return SCRATCH[0]!;
}

/** Values as halves into `target` from its element `start` on. */
export function encodeHalves(values: Float32Array, target: Uint16Array, start: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < words.length; index++) {
    const bits = words[index]!;
    const size = bits & 0x7fffffff;
    const normal = size >= 0x38800000 && size < 0x47000000; // 2^−14 ≤ |x| < 2^15: only the fraction is rounded
    target[start + index] = normal
      ? ((bits >>> 16) & 0x8000) | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13)
      : halfBits(values[index]!);
  }
}

/** Values as halves, ready to be stored. */
export function halvesOf(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

/** Each value as the nearest half holds it. */
export function roundedToHalf(values: ArrayLike<number>): Float32Array {
  return Float32Array.from(values, (value) => halfValue(halfBits(value)));
}

/** value · 2^−shift, to the nearest whole number, ties to even. */
function rounded(value: number, shift: number): number {
  const whole = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && whole & 1) ? whole + 1 : whole;
}
