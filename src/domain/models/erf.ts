//   erf(x) = 2/√π · ∫₀ˣ e^{−t²} dt
//
// |x| < 3: the Maclaurin series in the form 2/√π · e^{−x²} · Σ 2ⁿ x^{2n+1} / (1·3·…·(2n+1)), all terms of one sign.
// Beyond: 1 − e^{−x²}/(x√π) · continued fraction (Abramowitz & Stegun 7.1.6 and 7.1.14). Absolute error below 1e-14.
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  return Math.sign(x) * (size < 3 ? series(size) : 1 - tail(size));
}

function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function tail(x: number): number {
  let fraction = x;
  for (let n = 60; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
