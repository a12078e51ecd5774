/**
 * Counter-based random bits: a pure function of (x, y, z), so no state is kept, every backend makes the same bits and
 * a resumed run repeats them. pcg3d of Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020; the
 * first of its three results. The WGSL twin is in `kernels/elementwise.wgsl`.
 */
export function randomBits(x: number, y: number, z: number): number {
  let a = (Math.imul(x, 1664525) + 1013904223) | 0;
  let b = (Math.imul(y, 1664525) + 1013904223) | 0;
  let c = (Math.imul(z, 1664525) + 1013904223) | 0;
  a = (a + Math.imul(b, c)) | 0;
  b = (b + Math.imul(c, a)) | 0;
  c = (c + Math.imul(a, b)) | 0;
  a ^= a >>> 16;
  b ^= b >>> 16;
  c ^= c >>> 16;
  return (a + Math.imul(b, c)) >>> 0;
}

/** Bits below this drop a value: rate · 2³², so rate 0.5 drops half. */
export function dropThreshold(rate: number): number {
  return Math.min(0xffffffff, Math.floor(rate * 0x1_0000_0000));
}

/** Whether dropout keeps element `index` (row · columns + column) at `counter`. */
export function keeps(index: number, counter: number, seed: number, threshold: number): boolean {
  return randomBits(index, counter, seed) >= threshold;
}
