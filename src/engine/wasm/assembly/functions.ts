/**
 * exp, log, softplus, tanh, sigmoid and the exact gelu on four f32 lanes, and a scalar log.
 *
 * exp(x) = 2ⁿ·e^r with n = round(x / ln 2), r = x − n·ln 2 in two parts, e^r by a polynomial of degree 7; 2ⁿ is applied
 * in two halves so that results run from denormal to 3.4e38 and overflow to ∞. exp, log, tanh: polynomials of the Cephes
 * library (S. Moshier, single precision). Largest relative error against float64 measured by
 * tests/engine/cpu-functions.test.ts: below 6e-7, in gelu's far tail below 1e-5.
 * NaN stays NaN in every function.
 */
import { multiplyAdd } from "./vector";

@inline
function constant(value: f32): v128 {
  return f32x4.splat(value);
}

/** x + 1.5·2²³ has the nearest whole number of x in its last bits. */
const ROUNDING: f32 = 12582912;

/** The larger, or x where x is NaN: one instruction, where f32x4.max is many. */
@inline
function higher(x: v128, least: f32): v128 {
  return f32x4.pmax(x, constant(least));
}

@inline
function lower(x: v128, most: f32): v128 {
  return f32x4.pmin(x, constant(most));
}

@inline
function powerOfTwo(exponent: v128): v128 {
  return i32x4.shl(i32x4.add(exponent, i32x4.splat(127)), 23);
}

@inline
export function exp(argument: v128): v128 {
  const x = lower(higher(argument, -104), 89);
  const shifted = multiplyAdd(x, constant(1.44269504088896341), constant(ROUNDING));
  const n = f32x4.sub(shifted, constant(ROUNDING));
  const p = expOfRest(multiplyAdd(n, constant(2.12194440e-4), multiplyAdd(n, constant(-0.693359375), x)));
  const whole = i32x4.sub(shifted, constant(ROUNDING));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** e^r for |r| ≤ ln 2 / 2. */
@inline
function expOfRest(r: v128): v128 {
  let p = constant(1.9875691500e-4);
  p = multiplyAdd(p, r, constant(1.3981999507e-3));
  p = multiplyAdd(p, r, constant(8.3334519073e-3));
  p = multiplyAdd(p, r, constant(4.1665795894e-2));
  p = multiplyAdd(p, r, constant(1.6666665459e-1));
  p = multiplyAdd(p, r, constant(5.0000001201e-1));
  return f32x4.add(multiplyAdd(p, f32x4.mul(r, r), r), constant(1));
}

/** e^x for x ≤ 0, cheaper than `exp`: below −87 it stays at 1.6e-38. */
@inline
export function expOfNegative(argument: v128): v128 {
  const x = higher(argument, -87);
  const shifted = multiplyAdd(x, constant(1.44269504088896341), constant(ROUNDING));
  const n = f32x4.sub(shifted, constant(ROUNDING));
  const p = expOfRest(multiplyAdd(n, constant(2.12194440e-4), multiplyAdd(n, constant(-0.693359375), x)));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** 1 / (1 + e^−x). */
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(constant(1), f32x4.add(constant(1), exp(f32x4.neg(x))));
}

/** x + x³·P(x²) below 0.625, else ±(1 − 2 / (e^2|x| + 1)). */
@inline
export function tanh(x: v128): v128 {
  const size = f32x4.abs(x);
  const square = f32x4.mul(x, x);
  let p = constant(-5.70498872745e-3);
  p = multiplyAdd(p, square, constant(2.06390887954e-2));
  p = multiplyAdd(p, square, constant(-5.37397155531e-2));
  p = multiplyAdd(p, square, constant(1.33314422036e-1));
  p = multiplyAdd(p, square, constant(-3.33332819422e-1));
  const near = multiplyAdd(f32x4.mul(p, square), x, x);
  const decay = f32x4.div(constant(2), f32x4.add(exp(f32x4.add(size, size)), constant(1)));
  const far = v128.or(f32x4.sub(constant(1), decay), v128.and(x, constant(-0.0)));
  return v128.bitselect(far, near, f32x4.gt(size, constant(0.625)));
}

/**
 * Φ(−|x|) = e^(−x²/2)·Q(t) with t = 1 / (1 + 0.3·|x|), from the exponential, which the gradient needs as well. Q is the
 * polynomial of degree 8 nearest to erfcx(|x|/√2)/2 for |x| ≤ 12 (Remez, relative error 5.5e-8).
 */
@inline
function normalTail(size: v128, exponential: v128): v128 {
  const t = f32x4.div(constant(1), multiplyAdd(size, constant(0.3), constant(1)));
  let q = constant(3.806479740716196e-2);
  q = multiplyAdd(q, t, constant(-1.6763361951080719e-1));
  q = multiplyAdd(q, t, constant(2.2547337170842577e-1));
  q = multiplyAdd(q, t, constant(-7.283364401032029e-2));
  q = multiplyAdd(q, t, constant(1.3997565688681085e-1));
  q = multiplyAdd(q, t, constant(9.578562673147575e-2));
  q = multiplyAdd(q, t, constant(1.216347721750585e-1));
  q = multiplyAdd(q, t, constant(1.1952832473064448e-1));
  q = multiplyAdd(q, t, constant(4.741164952607698e-6));
  return f32x4.mul(exponential, q);
}

/** The normal distribution function Φ(x): the tail left of 0, 1 less the tail right of it. */
@inline
function normal(x: v128, exponential: v128): v128 {
  const tail = normalTail(f32x4.abs(x), exponential);
  return v128.bitselect(tail, f32x4.sub(constant(1), tail), f32x4.lt(x, constant(0)));
}

/** e^(−x²/2) */
@inline
function bell(x: v128): v128 {
  return expOfNegative(f32x4.mul(f32x4.mul(x, x), constant(-0.5)));
}

/** x·Φ(x), the exact (erf) gelu. */
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(x, normal(x, bell(x)));
}

/** d gelu / dx = Φ(x) + x·e^(−x²/2) / √(2π). */
@inline
export function geluGradient(x: v128): v128 {
  const exponential = bell(x);
  return multiplyAdd(x, f32x4.mul(exponential, constant(0.39894228040143268)), normal(x, exponential));
}

/** Natural logarithm of one normal positive number: log m + e·ln 2, log m = 2·artanh((m − 1)/(m + 1)), m in [√½, √2). */
export function log(x: f32): f32 {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x > f32.MAX_VALUE) return x;
  const bits = reinterpret<u64>(<f64>x);
  let exponent = <i32>(bits >> 52) - 1023;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const q = s * s;
  const series = 1 / 3.0 + q * (1 / 5.0 + q * (1 / 7.0 + q * (1 / 9.0 + q * (1 / 11.0 + q / 13.0))));
  return <f32>(2 * (s + s * q * series) + <f64>exponent * 0.6931471805599453);
}

/**
 * Natural logarithm of four numbers (Cephes logf): x = 2ᵉ·m with m in [√½, √2), z = m − 1,
 * log x = z − z²/2 + z³·P(z) + e·ln 2. 0 → −∞, ∞ → ∞, negative and NaN → NaN.
 */
@inline
export function logOfFour(argument: v128): v128 {
  const tiny = f32x4.lt(argument, constant(1.17549435e-38));
  const x = v128.bitselect(f32x4.mul(argument, constant(8388608)), argument, tiny);
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3)); // bits of √½: e counts from there
  const e = i32x4.shr_s(shifted, 23);
  const m = i32x4.sub(x, i32x4.shl(e, 23));
  const z = f32x4.sub(m, constant(1));
  const exponent = f32x4.sub(f32x4.convert_i32x4_s(e), v128.and(constant(23), tiny));
  const square = f32x4.mul(z, z);
  let p = constant(7.0376836292e-2);
  p = multiplyAdd(p, z, constant(-1.1514610310e-1));
  p = multiplyAdd(p, z, constant(1.1676998740e-1));
  p = multiplyAdd(p, z, constant(-1.2420140846e-1));
  p = multiplyAdd(p, z, constant(1.4249322787e-1));
  p = multiplyAdd(p, z, constant(-1.6668057665e-1));
  p = multiplyAdd(p, z, constant(2.0000714765e-1));
  p = multiplyAdd(p, z, constant(-2.4999993993e-1));
  p = multiplyAdd(p, z, constant(3.3333331174e-1));
  p = f32x4.mul(f32x4.mul(p, z), square);
  p = multiplyAdd(exponent, constant(-2.12194440e-4), p);
  p = multiplyAdd(square, constant(-0.5), p);
  const result = multiplyAdd(exponent, constant(0.693359375), f32x4.add(z, p));
  const bad = v128.or(f32x4.lt(argument, constant(0)), f32x4.ne(argument, argument));
  const finite = v128.bitselect(constant(-Infinity), result, f32x4.eq(argument, constant(0)));
  const large = v128.bitselect(argument, finite, f32x4.eq(argument, constant(Infinity)));
  return v128.bitselect(constant(NaN), large, bad);
}

/** log(1 + e^x) = max(x, 0) + log1p(e^−|x|); log1p(u) = log(w)·u/(w − 1) with w = 1 + u rounded, u itself where w = 1. */
@inline
export function softplus(x: v128): v128 {
  const u = exp(f32x4.neg(f32x4.abs(x)));
  const w = f32x4.add(u, constant(1));
  const excess = f32x4.sub(w, constant(1));
  const corrected = f32x4.mul(logOfFour(w), f32x4.div(u, excess));
  const rest = v128.bitselect(u, corrected, f32x4.eq(excess, constant(0)));
  return f32x4.add(f32x4.max(x, constant(0)), rest);
}
