/**
 * Counter-based random bits (pcg3d, first result; Jarzynski & Olano, JCGT 9(3), 2020): the same integers as
 * src/engine/random.ts, so every backend drops the same values.
 */
export function randomBits(x: u32, y: u32, z: u32): u32 {
  let a = x * 1664525 + 1013904223;
  let b = y * 1664525 + 1013904223;
  let c = z * 1664525 + 1013904223;
  a += b * c;
  b += c * a;
  c += a * b;
  a ^= a >> 16;
  b ^= b >> 16;
  c ^= c >> 16;
  return a + b * c;
}

/** The bits of four neighbouring elements, from the vector of their numbers. */
@inline
export function randomBitsOfFour(x: v128, y: u32, z: u32): v128 {
  const factor = i32x4.splat(1664525), offset = i32x4.splat(1013904223);
  let a = i32x4.add(i32x4.mul(x, factor), offset);
  let b = i32x4.splat(y * 1664525 + 1013904223);
  let c = i32x4.splat(z * 1664525 + 1013904223);
  a = i32x4.add(a, i32x4.mul(b, c));
  b = i32x4.add(b, i32x4.mul(c, a));
  c = i32x4.add(c, i32x4.mul(a, b));
  a = v128.xor(a, i32x4.shr_u(a, 16));
  b = v128.xor(b, i32x4.shr_u(b, 16));
  c = v128.xor(c, i32x4.shr_u(c, 16));
  return i32x4.add(a, i32x4.mul(b, c));
}

/** `kept` in lanes that dropout keeps, 0 in the others, for elements `first` to `first` + 3 (mod 2³²). */
@inline
export function dropoutFactors(first: u32, counter: u32, seed: u32, threshold: u32, kept: f32): v128 {
  const elements = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  const bits = randomBitsOfFour(elements, counter, seed);
  // unsigned bits ≥ threshold, by a signed comparison of both less 2³¹
  const keeps = i32x4.ge_s(v128.xor(bits, i32x4.splat(0x80000000)), i32x4.splat(threshold ^ 0x80000000));
  return v128.and(keeps, f32x4.splat(kept));
}
