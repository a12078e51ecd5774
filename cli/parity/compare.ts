/** The outcome of one check: the largest scaled error and what of it is allowed. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly worst: number; // largest |a − b| / max(1, |b|)
  readonly detail: string;
}

export interface Allowance {
  readonly tolerance: number; // of |a − b| / max(1, |b|)
  /** Share of the values that may exceed the tolerance, and the bound that none may exceed. */
  readonly outliers?: { readonly share: number; readonly bound: number };
}

/** Compares value by value; NaN and a different count never pass. */
export function check(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { tolerance, outliers }: Allowance,
): Check {
  if (got.length !== want.length) {
    const detail = `${got.length} values, expected ${want.length}`;
    return { name, passed: false, worst: Infinity, detail };
  }
  let worst = { error: 0, index: 0 };
  let beyond = 0;
  for (let index = 0; index < want.length; index++) {
    const difference = Math.abs(got[index]! - want[index]!) / Math.max(1, Math.abs(want[index]!));
    const error = Number.isNaN(difference) ? Infinity : difference;
    if (error > tolerance) beyond++;
    if (error > worst.error) worst = { error, index };
  }
  const share = outliers?.share ?? 0;
  const passed = beyond <= share * want.length && worst.error <= (outliers?.bound ?? tolerance);
  const allowed = `allowed ${tolerance}${outliers ? `, ${share * 100} % up to ${outliers.bound}` : ""}`;
  const at = `at ${worst.index}: got ${got[worst.index] ?? "nothing"}, expected ${want[worst.index] ?? "nothing"}`;
  const detail = passed ? allowed : `${at}; ${beyond} of ${want.length} beyond; ${allowed}`;
  return { name, passed, worst: worst.error, detail };
}

/**
 * Compares against the size of the whole: largest |a − b| / max(largest |b|, floor). For gradients, whose small values
 * carry the rounding of the large ones; `floor` keeps what is only rounding (a key's bias) from being judged.
 */
export function checkRelative(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
  floor = 0,
): Check {
  let size = floor;
  for (let index = 0; index < want.length; index++) size = Math.max(size, Math.abs(want[index]!));
  const scaled = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value) => (size === 0 ? value : value / size));
  return check(name, scaled(got), scaled(want), { tolerance });
}

/** |a − b| / |b| of every number. */
export function checkEach(
  name: string,
  got: readonly number[],
  want: readonly number[],
  tolerance: number,
): Check {
  const ratios = got.map((value, index) => value / (want[index] ?? NaN));
  return check(
    name,
    ratios,
    want.map(() => 1),
    { tolerance },
  );
}

/** The largest magnitude. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Math.abs(values[index]!));
  return most;
}
