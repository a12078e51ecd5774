//   err(n) = a + b·n^−c,   0 ≤ a ≤ 1, b ≥ 0, .05 ≤ c ≤ 2         (Cortes et al., NIPS 1993; Viering & Loog 2021)
//
// For one c the best a and b are a linear least-squares problem in two variables inside a box, solved exactly by trying
// its inside and its edges; c is then searched on a grid that is refined twice. No start value, no local minimum.

export interface PowerLaw {
  readonly a: number; // the error that more data does not remove
  readonly b: number;
  readonly c: number;
}

const LEAST_EXPONENT = 0.05;
const MOST_EXPONENT = 2;
const GRID = 24;

export function errorAt({ a, b, c }: PowerLaw, n: number): number {
  return a + b * n ** -c;
}

/** Least squares over points (n > 0, error); weights are the questions behind a point or all 1. */
export function fitPowerLaw(sizes: readonly number[], errors: readonly number[]): PowerLaw {
  let [low, high] = [LEAST_EXPONENT, MOST_EXPONENT];
  let best: PowerLaw = { a: 0, b: 0, c: 1 };
  let loss = Infinity;
  for (let round = 0; round < 3; round++) {
    const step = (high - low) / GRID;
    for (let place = 0; place <= GRID; place++) {
      const c = low + place * step;
      const fit = { ...fitScale(sizes, errors, c), c };
      const own = lossOf(fit, sizes, errors);
      if (own < loss - 1e-15) [best, loss] = [fit, own];
    }
    low = Math.max(LEAST_EXPONENT, best.c - step);
    high = Math.min(MOST_EXPONENT, best.c + step);
  }
  return best;
}

/** a ∈ [0, 1] and b ≥ 0 for a given exponent. */
function fitScale(sizes: readonly number[], errors: readonly number[], c: number): Pick<PowerLaw, "a" | "b"> {
  const x = sizes.map((n) => n ** -c);
  const count = x.length;
  const [sx, sy] = [total(x), total(errors)];
  const sxx = total(x.map((value) => value * value));
  const sxy = total(x.map((value, index) => value * errors[index]!));
  const determinant = count * sxx - sx * sx;
  const slope = determinant > 1e-18 ? (count * sxy - sx * sy) / determinant : 0;
  const offset = (sy - slope * sx) / count;
  if (slope >= 0 && offset >= 0 && offset <= 1) return { a: offset, b: slope };
  const onEdge = (a: number) => ({ a, b: Math.max(0, (sxy - a * sx) / sxx) });
  const level = { a: Math.min(1, Math.max(0, sy / count)), b: 0 };
  return [onEdge(0), onEdge(1), level].reduce((best, each) =>
    lossOf({ ...each, c }, sizes, errors) < lossOf({ ...best, c }, sizes, errors) ? each : best,
  );
}

function lossOf(law: PowerLaw, sizes: readonly number[], errors: readonly number[]): number {
  return sizes.reduce((sum, n, index) => sum + (errorAt(law, n) - errors[index]!) ** 2, 0);
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
