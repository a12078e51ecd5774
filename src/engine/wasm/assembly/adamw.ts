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
 * One segment of the arena. `keepWeight` is 1 − lr·decay and `rest1`, `rest2` are 1 − β, all made in float64 by the
 * caller. Addresses are of the segment's first parameter.
 */
export function adamw(
  weights: usize, gradients: usize, first: usize, second: usize, elements: usize, clip: f32, beta1: f32, rest1: f32,
  beta2: f32, rest2: f32, keepWeight: f32, learningRate: f32, correction1: f32, correction2: f32, epsilon: f32,
): void {
  const scale = f32x4.splat(clip), b1 = f32x4.splat(beta1), r1 = f32x4.splat(rest1);
  const b2 = f32x4.splat(beta2), r2 = f32x4.splat(rest2), decay = f32x4.splat(keepWeight);
  const rate = f32x4.splat(learningRate), c1 = f32x4.splat(correction1), c2 = f32x4.splat(correction2);
  const eps = f32x4.splat(epsilon);
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
