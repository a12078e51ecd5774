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
