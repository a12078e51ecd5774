// Numbers within bounds as EBNF. Whole numbers digit by digit: those of one length from a to b are, with a₁ and b₁ their first digits,
//   a₁ (rest ≥ a's) | [a₁+1 … b₁−1] any rest | b₁ (rest ≤ b's)
// A bounded number is a whole one inside the bounds, with up to six decimals where all of them stay inside; where no whole number lies
// inside, it is one of the decimals there that are shortest to write.

const MOST_DIGITS = 15; // a float64 tells all of these apart
const LARGEST = 10 ** MOST_DIGITS - 1;
const DECIMALS = "[0-9]{1,6}";

export interface NumberBounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Right side of a rule for whole numbers inside the bounds; undefined where there are none. */
export function integerGrammar(bounds: NumberBounds): string | undefined {
  const { low, high } = wholeBounds(bounds);
  return either(signed(low, high));
}

/** Right side of a rule for numbers inside the bounds; undefined where there are none. */
export function numberGrammar(bounds: NumberBounds): string | undefined {
  const { low, high } = wholeBounds(bounds);
  if (low > high) return either(shortDecimals(bounds).map((text) => JSON.stringify(text)));
  const fractions = [
    ...withDecimals(wholes(Math.max(0, low), high - 1)),
    ...negative(withDecimals(wholes(Math.max(0, -high), -low - 1))),
  ];
  return either([...signed(low, high), ...fractions]);
}

/** One branch for all: of dozens side by side, xgrammar takes some for others. */
function negative(alternatives: readonly string[]): string[] {
  return alternatives.length === 0 ? [] : [`"-" (${alternatives.join(" | ")})`];
}

function withDecimals(alternatives: readonly string[]): string[] {
  return alternatives.length === 0 ? [] : [`(${alternatives.join(" | ")}) "." ${DECIMALS}`];
}

function either(alternatives: readonly string[]): string | undefined {
  return alternatives.length === 0 ? undefined : alternatives.join(" | ");
}

/** The smallest and the largest whole number inside. */
function wholeBounds(bounds: NumberBounds): { readonly low: number; readonly high: number } {
  const { minimum = -Infinity, maximum = Infinity } = bounds;
  const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds;
  return {
    low: Math.max(-LARGEST, Math.ceil(minimum), Math.floor(exclusiveMinimum) + 1),
    high: Math.min(LARGEST, Math.floor(maximum), Math.ceil(exclusiveMaximum) - 1),
  };
}

function signed(low: number, high: number): string[] {
  return [...wholes(Math.max(0, low), high), ...negative(wholes(Math.max(1, -high), -low))];
}

/** Whole numbers from low to high, both from 0, without a sign; none where low > high. */
function wholes(low: number, high: number): string[] {
  const found: string[] = [];
  const full: number[] = []; // lengths of which every number lies inside
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const [least, most] = [digits === 1 ? 0 : 10 ** (digits - 1), 10 ** digits - 1];
    const [from, to] = [Math.max(low, least), Math.min(high, most)];
    if (digits > 1 && from === least && to === most) full.push(digits);
    else if (from <= to) found.push(...ofOneLength(String(from), String(to)));
  }
  if (full.length > 0) found.push(`[1-9] [0-9]{${full[0]! - 1},${full.at(-1)! - 1}}`);
  return found;
}

/** Strings of digits from a to b, all as long. */
function ofOneLength(a: string, b: string): string[] {
  if (a === b) return [JSON.stringify(a)];
  const length = a.length - 1;
  if (/^0*$/.test(a.slice(1)) && /^9*$/.test(b.slice(1)))
    return [joined(range(a[0]!, b[0]!), anyDigits(length))];
  if (a[0] === b[0]) return ofOneLength(a.slice(1), b.slice(1)).map((rest) => joined(`"${a[0]!}"`, rest));
  const [after, before] = [Number(a[0]) + 1, Number(b[0]) - 1];
  return [
    ...ofOneLength(a.slice(1), "9".repeat(length)).map((rest) => joined(`"${a[0]!}"`, rest)),
    ...(after <= before ? [joined(range(String(after), String(before)), anyDigits(length))] : []),
    ...ofOneLength("0".repeat(length), b.slice(1)).map((rest) => joined(`"${b[0]!}"`, rest)),
  ];
}

function range(from: string, to: string): string {
  return from === to ? `"${from}"` : `[${from}-${to}]`;
}

function anyDigits(count: number): string {
  return count === 0 ? "" : `[0-9]{${count}}`;
}

function joined(first: string, rest: string): string {
  return rest === "" ? first : `${first} ${rest}`;
}

/** Numbers inside bounds between two whole ones, with as few decimals as give ten of them. */
function shortDecimals(bounds: NumberBounds): string[] {
  const low = Math.max(bounds.minimum ?? -Infinity, bounds.exclusiveMinimum ?? -Infinity);
  const high = Math.min(bounds.maximum ?? Infinity, bounds.exclusiveMaximum ?? Infinity);
  let found: string[] = [];
  for (let decimals = 1; decimals <= 12 && found.length < 10; decimals++) {
    const unit = 10 ** decimals;
    const count = Math.min(100, Math.floor(high * unit) - Math.ceil(low * unit) + 1);
    const all = Array.from({ length: Math.max(0, count) }, (_, index) =>
      ((Math.ceil(low * unit) + index) / unit).toFixed(decimals),
    );
    found = all.filter((text) => isInside(Number(text), bounds));
  }
  return found;
}

function isInside(value: number, bounds: NumberBounds): boolean {
  const { minimum = -Infinity, maximum = Infinity } = bounds;
  const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds;
  return value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
}
