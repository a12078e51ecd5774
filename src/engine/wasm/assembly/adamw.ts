/**
 * AdamW as torch's (Loshchilov & Hutter 2019), arithmetic in f32:
 *   g ← g·clip;  m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²
 *   w ← w·(1 − lr·decay) − lr·(m·c₁) / (√(v·c₂) + ε)       c = 1/(1−βᵗ)
 *
 * Plan: one pass, four parameters at a time: 4 loads and 3 stores for 28 bytes a parameter, which is memory traffic
 * and one square root and one division per vector. Edges: 1 to 3 last parameters by partial loads and stores.
 */
import { loadPartial, multiplyAdd, storePartial } from "./vector";

/** The four parameters whose w, g, m, v are given; m and v are left in memory by `keep`. */
@inline
function moved(w: v128, m: v128, v: v128, decay: v128, rate: v128, c1: v128, c2: v128, epsilon: v128): v128 {
  const denominator = f32x4.add(f32x4.sqrt(f32x4.mul(v, c2)), epsilon);
  const change = f32x4.div(f32x4.mul(m, c1), denominator);
  return f32x4.sub(f32x4.mul(w, decay), f32x4.mul(rate, change));
}

/**
 * One segment of the arena. `scalars` is the address of clip, β₁, 1 − β₁, β₂, 1 − β₂, lr, c₁, c₂, ε; `keepWeight` that
 * of 1 − lr·decay: made in float64 by the caller, anew for each step. The others are addresses of the first parameter.
 */
export function adamw(
  weights: usize, gradients: usize, first: usize, second: usize, elements: usize, scalars: usize, keepWeight: usize,
): void {
  const scale = v128.load32_splat(scalars), b1 = v128.load32_splat(scalars, 4), r1 = v128.load32_splat(scalars, 8);
  const b2 = v128.load32_splat(scalars, 12), r2 = v128.load32_splat(scalars, 16);
  const rate = v128.load32_splat(scalars, 20), c1 = v128.load32_splat(scalars, 24);
  const c2 = v128.load32_splat(scalars, 28), decay = v128.load32_splat(keepWeight);
  const eps = v128.load32_splat(scalars, 32);
  const whole = (elements & ~3) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(gradients + i), scale);
    const m = multiplyAdd(b1, v128.load(first + i), f32x4.mul(r1, g));
    const v = multiplyAdd(b2, v128.load(second + i), f32x4.mul(r2, f32x4.mul(g, g)));
    v128.store(first + i, m);
    v128.store(second + i, v);
    v128.store(weights + i, moved(v128.load(weights + i), m, v, decay, rate, c1, c2, eps));
  }
  const left = <u32>(elements & 3);
  if (!left) return;
  const g = f32x4.mul(loadPartial(gradients + whole, left), scale);
  const m = multiplyAdd(b1, loadPartial(first + whole, left), f32x4.mul(r1, g));
  const v = multiplyAdd(b2, loadPartial(second + whole, left), f32x4.mul(r2, f32x4.mul(g, g)));
  storePartial(first + whole, m, left);
  storePartial(second + whole, v, left);
  storePartial(weights + whole, moved(loadPartial(weights + whole, left), m, v, decay, rate, c1, c2, eps), left);
}
