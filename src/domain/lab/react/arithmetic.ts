// A calculator for tools: no eval, no names but the ones given.
//   sum     = product (("+" | "-") product)*
//   product = sign (("*" | "/" | "%") sign)*
//   sign    = ("-" | "+") sign | power
//   power   = atom (("^" | "**") sign)?                      to the right: 2^3^2 = 2^9, −2^2 = −4
//   atom    = number | name | name "(" sum ("," sum)* ")" | "(" sum ")"
import { RetuneError } from "../../../engine/errors.ts";

const FUNCTIONS: ReadonlyMap<string, (values: readonly number[]) => number> = new Map([
  ["abs", ([value]: readonly number[]) => Math.abs(value!)],
  ["sqrt", ([value]: readonly number[]) => Math.sqrt(value!)],
  ["floor", ([value]: readonly number[]) => Math.floor(value!)],
  ["ceil", ([value]: readonly number[]) => Math.ceil(value!)],
  ["round", ([value, digits = 0]: readonly number[]) => rounded(value!, digits)],
  ["min", (values: readonly number[]) => Math.min(...values)],
  ["max", (values: readonly number[]) => Math.max(...values)],
]);

const TOKEN =
  /\s*(?:(\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(\*\*|[-+*/%^(),]))/y;
const LONGEST = 2000; // signs of a formula

/** The value of a formula. Throws "usage" with what is wrong: a sign, a name, a division by zero, a result past the doubles. */
export function calculated(formula: string, names: ReadonlyMap<string, number> = new Map()): number {
  const value = new Calculator(tokensOf(formula), names).whole();
  if (Number.isFinite(value)) return value;
  throw refusal("the result is no finite number");
}

/** Twelve significant digits, which hides what binary fractions add; whole numbers as they are. */
export function numberText(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

function tokensOf(formula: string): string[] {
  if (formula.length > LONGEST) throw refusal(`more than ${LONGEST} signs`);
  const text = formula.trim().replaceAll("×", "*").replaceAll("÷", "/").replaceAll("−", "-");
  const tokens: string[] = [];
  const calls: boolean[] = []; // of open brackets: whether each is a function's
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length;) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) throw refusal(`${JSON.stringify(text.slice(at, at + 12).trim())} cannot be read`);
    const token = found[1] ?? found[2] ?? found[3]!;
    if (token === "(") calls.push(/^[A-Za-z_]/.test(tokens.at(-1) ?? ""));
    if (token === ")") calls.pop();
    tokens.push(...parted(token, calls.includes(true)));
  }
  return tokens;
}

/** Commas part thousands, but the arguments of a function within its brackets. */
function parted(token: string, inCall: boolean): string[] {
  if (!token.includes(",") || token === ",") return [token];
  return inCall ? token.split(/(,)/) : [token.replaceAll(",", "")];
}

function refusal(what: string): RetuneError {
  return new RetuneError("usage", `calculator: ${what}`);
}

class Calculator {
  readonly #tokens: readonly string[];
  readonly #names: ReadonlyMap<string, number>;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[], names: ReadonlyMap<string, number>) {
    this.#tokens = tokens;
    this.#names = names;
  }

  whole(): number {
    const value = this.#sum();
    if (this.#at === this.#tokens.length) return value;
    throw refusal(`${JSON.stringify(this.#tokens[this.#at])} stands where nothing fits`);
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#oneOf("+", "-"); sign !== undefined; sign = this.#oneOf("+", "-")) {
      const next = this.#product();
      value = sign === "+" ? value + next : value - next;
    }
    return value;
  }

  #product(): number {
    let value = this.#sign();
    for (let sign = this.#oneOf("*", "/", "%"); sign !== undefined; sign = this.#oneOf("*", "/", "%")) {
      const next = this.#sign();
      if (sign !== "*" && next === 0) throw refusal("a division by zero");
      value = sign === "*" ? value * next : sign === "/" ? value / next : value % next;
    }
    return value;
  }

  #sign(): number {
    if (++this.#depth > 100) throw refusal("nested too deep");
    const sign = this.#oneOf("-", "+");
    const value = sign === undefined ? this.#power() : this.#sign() * (sign === "-" ? -1 : 1);
    this.#depth--;
    return value;
  }

  #power(): number {
    const base = this.#atom();
    return this.#oneOf("^", "**") === undefined ? base : base ** this.#sign();
  }

  #atom(): number {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw refusal("it ends too early");
    if (token === "(") {
      const value = this.#sum();
      this.#close();
      return value;
    }
    if (/^[\d.]/.test(token)) return Number(token);
    const call = this.#tokens[this.#at] === "(" ? FUNCTIONS.get(token.toLowerCase()) : undefined;
    if (call) return call(this.#arguments());
    const value = this.#names.get(token);
    if (value !== undefined) return value;
    throw refusal(`${JSON.stringify(token)} is not known`);
  }

  #arguments(): number[] {
    this.#at++;
    const values = [this.#sum()];
    while (this.#oneOf(",") !== undefined) values.push(this.#sum());
    this.#close();
    return values;
  }

  #close(): void {
    if (this.#oneOf(")") === undefined) throw refusal('a ")" is missing');
  }

  #oneOf(...signs: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !signs.includes(token)) return undefined;
    this.#at++;
    return token;
  }
}
