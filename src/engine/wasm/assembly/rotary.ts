/**
 * Rotary positions, rotate-half (formula at src/engine/plan-sequence.ts): in each head of each row, with h = headSize/2,
 *   out[i] = x[i]·cos[i] − turn·x[i + h]·sin[i];  out[i + h] = x[i + h]·cos[i] + turn·x[i]·sin[i]
 * The row's table line, h cosines then h sines, stays in L1 for all its heads; both halves are read before either is written, so
 * the result may be written over x. Edges: the 1 to 3 last pairs of a half by partial loads and stores.
 */
import { loadPartial, multiplyAdd, storePartial } from "./vector";

/** Rows [firstRow, endRow); a position past the table reads its last line. */
export function rotary(
  firstRow: usize, endRow: usize, heads: usize, headSize: usize, turn: f32, source: usize, positions: usize,
  table: usize, tableRows: u32, out: usize,
): void {
  const half = headSize >> 1, far = half << 2;
  const whole = (half & ~3) << 2, rest = <u32>(half & 3);
  const sign = f32x4.splat(turn);
  for (let row = firstRow; row < endRow; row++) {
    const line = table + <usize>min<u32>(load<u32>(positions + (row << 2)), tableRows - 1) * (headSize << 2);
    for (let head: usize = 0; head < heads; head++) {
      const at = ((row * heads + head) * headSize) << 2;
      const x = source + at, y = out + at;
      for (let i: usize = 0; i < whole; i += 16) {
        const first = v128.load(x + i), second = v128.load(x + far + i);
        const cosine = v128.load(line + i), sine = f32x4.mul(sign, v128.load(line + far + i));
        v128.store(y + i, multiplyAdd(first, cosine, f32x4.neg(f32x4.mul(second, sine))));
        v128.store(y + far + i, multiplyAdd(second, cosine, f32x4.mul(first, sine)));
      }
      if (rest) {
        const first = loadPartial(x + whole, rest), second = loadPartial(x + far + whole, rest);
        const cosine = loadPartial(line + whole, rest), sine = f32x4.mul(sign, loadPartial(line + far + whole, rest));
        storePartial(y + whole, multiplyAdd(first, cosine, f32x4.neg(f32x4.mul(second, sine))), rest);
        storePartial(y + far + whole, multiplyAdd(second, cosine, f32x4.mul(first, sine)), rest);
      }
    }
  }
}
