// Numbers as people read them. One place, so that a percentage or a duration looks the same on every screen.
const MINUS = "\u2212";
const NARROW_SPACE = "\u202f";

const integers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const plurals = new Intl.PluralRules("en");

export function count(value: number): string {
  return integers.format(value);
}

/** plural(2, "question", "questions") → "2 questions". */
export function plural(value: number, one: string, other: string): string {
  return `${count(value)} ${plurals.select(value) === "one" ? one : other}`;
}

/** 0.873 → "87 %" (narrow no-break space). */
export function percent(fraction: number, digits = 0): string {
  return `${(fraction * 100).toFixed(digits)}${NARROW_SPACE}%`;
}

function signed(text: string, value: number): string {
  if (Number(text) === 0) return text;
  return value > 0 ? `+${text}` : `${MINUS}${text}`;
}

/** A difference of two shares in percentage points: 0.16 → "+16", −0.004 → "−0.4". */
export function points(fraction: number): string {
  const value = fraction * 100;
  const digits = Math.abs(value) < 9.95 && Math.abs(value - Math.round(value)) > 0.05 ? 1 : 0;
  return signed(Math.abs(value).toFixed(digits), value);
}

/** A signed difference with a fixed number of decimals: "+0.021". */
export function difference(value: number, digits = 3): string {
  return signed(Math.abs(value).toFixed(digits), value);
}

/** Metrics between 0 and 1: "0.683". */
export function metric(value: number): string {
  return value.toFixed(3);
}

/** p values: never "0.000". */
export function probability(p: number): string {
  return p < 0.001 ? `<${NARROW_SPACE}0.001` : p.toFixed(3);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes in decimal units: 48_200_000 → "48 MB". */
export function bytes(value: number): string {
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && scaled < 9.95 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${BYTE_UNITS[unit]!}`;
}

/** Seconds as "0.4 s", "12 s", "3 min 05 s", "2 h 10 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** Learning rates and losses: three significant digits, exponents only where needed. */
export function significant(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e5
    ? value.toExponential(1).replace("-", MINUS)
    : String(Number(value.toPrecision(3)));
}

export function day(milliseconds: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(milliseconds);
}

/** Share done, 0–1, safe for a total that is not known yet. */
export function share(done: number, total: number): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
}
