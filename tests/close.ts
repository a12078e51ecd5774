/** One comparison for all numeric tests: scaled tolerance, the worst element named, NaN never agrees. */
export interface Tolerance {
  readonly absolute?: number;
  readonly relative?: number;
}

/** Throws unless |got − want| ≤ absolute + relative·|want| for every element. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { absolute = 0, relative = 0 }: Tolerance,
  name = "values",
): void {
  if (!(got.length >= 0 && got.length === want.length)) {
    throw new Error(`${name}: ${got.length} values, expected ${want.length}`);
  }
  let worst = { index: -1, got: 0, want: 0, excess: 1 };
  for (let index = 0; index < want.length; index++) {
    const g = got[index]!;
    const w = want[index]!;
    const room = absolute + relative * Math.abs(w);
    const difference = Math.abs(g - w);
    const excess = difference === 0 ? 0 : difference / room;
    if (!(excess <= worst.excess)) worst = { index, got: g, want: w, excess }; // also true for NaN
  }
  if (worst.index >= 0) {
    throw new Error(
      `${name}[${worst.index}]: got ${worst.got}, expected ${worst.want} ` +
        `(${worst.excess.toPrecision(3)} × the tolerance of ${absolute} + ${relative}·|expected|)`,
    );
  }
}
