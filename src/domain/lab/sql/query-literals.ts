// What a query says about the values of a schema: which literals it compares which column with, which columns it equates, orders
// by or adds up. Invented rows are drawn so that such conditions hold for some rows and fail for others.
import { AGGREGATES } from "./sql-clauses.ts";
import { isSign, isWord, sqlTokens, type SqlToken } from "./sql-tokens.ts";

export interface ColumnUse {
  readonly literals: (string | number)[];
  readonly patterns: string[]; // of LIKE
  isOrdered: boolean; // ORDER BY, MIN, MAX
  isCounted: boolean; // an argument of SUM, AVG, or compared with a number: it holds numbers, whatever its type
}

export interface QueryFacts {
  readonly columns: ReadonlyMap<string, ColumnUse>; // by name in lower case
  readonly literals: readonly (string | number)[]; // all of the query
  readonly equated: readonly (readonly [string, string])[]; // names of columns in lower case
  readonly counts: boolean; // COUNT, DISTINCT or AVG: empty fields and repeated rows matter
  readonly asksNull: boolean;
}

const COMPARES = ["=", "==", "!=", "<>", "<", ">", "<=", ">="];
const ADDS_UP = ["sum", "avg", "total"];

/** `names` are the schema's columns, in lower case. Throws E_FIELD as sqlTokens does. */
export function queryFacts(sql: string, names: ReadonlySet<string>): QueryFacts {
  return new FactReader(sqlTokens(sql), names).read();
}

class FactReader {
  readonly #tokens: readonly SqlToken[];
  readonly #names: ReadonlySet<string>;
  readonly #columns = new Map<string, ColumnUse>();
  readonly #equated: (readonly [string, string])[] = [];

  constructor(tokens: readonly SqlToken[], names: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#names = names;
  }

  read(): QueryFacts {
    const tokens = this.#tokens;
    for (const [at] of tokens.entries()) this.#at(at);
    const literals = tokens.flatMap((_, at) => {
      const literal = this.#literalAt(at);
      const isLimit = isWord(tokens[at - 1], "limit", "offset");
      return literal === undefined || isLimit ? [] : [literal];
    });
    return {
      columns: this.#columns,
      literals: [...new Set(literals)],
      equated: this.#equated,
      counts: tokens.some((token) => isWord(token, "count", "distinct", "avg")),
      asksNull: tokens.some((token) => isWord(token, "null")),
    };
  }

  #at(at: number): void {
    const tokens = this.#tokens;
    if (isWord(tokens[at], "order") && isWord(tokens[at + 1], "by")) this.#ordering(at + 2);
    const called = isWord(tokens[at], ...AGGREGATES) && isSign(tokens[at + 1], "(") ? tokens[at]!.value : "";
    if (called !== "") this.#aggregate(called, at + 2);
    const name = this.#columnAt(at);
    if (name === undefined) return;
    const use = this.#use(name);
    let next = at + 1;
    while (isSign(tokens[next], ")")) next++; // lower(name) = …
    if (isWord(tokens[next], "not")) next++;
    if (isSign(tokens[next], ...COMPARES)) this.#compared(name, use, next + 1);
    else if (isWord(tokens[next], "like", "glob")) this.#pattern(use, next + 1);
    else if (isWord(tokens[next], "between")) for (const place of [1, 3]) this.#literal(use, next + place);
    else if (isWord(tokens[next], "in") && isSign(tokens[next + 1], "(")) this.#list(name, use, next + 2);
    else if (isSign(tokens[at - 1], ...COMPARES)) this.#literal(use, at - 2);
  }

  #compared(name: string, use: ColumnUse, at: number): void {
    const other = this.#columnAt(at) ?? this.#columnAt(at + 2);
    const isQualified = isSign(this.#tokens[at + 1], ".");
    if (isSign(this.#tokens[at], "(") && isWord(this.#tokens[at + 1], "select")) this.#chosen(name, at + 2);
    else if (other !== undefined && (isQualified || this.#columnAt(at) !== undefined))
      this.#equated.push([name, other]);
    else this.#literal(use, at);
  }

  /** x IN (1, 2) and x IN (SELECT y …). */
  #list(name: string, use: ColumnUse, from: number): void {
    if (isWord(this.#tokens[from], "select")) return this.#chosen(name, from + 1);
    for (let at = from; at < this.#tokens.length && !isSign(this.#tokens[at], ")"); at++)
      this.#literal(use, at);
  }

  /** The column that a nested query picks. */
  #chosen(name: string, from: number): void {
    let at = from;
    while (isWord(this.#tokens[at], "distinct")) at++;
    const picked = isSign(this.#tokens[at + 1], ".") ? this.#columnAt(at + 2) : this.#columnAt(at);
    if (picked !== undefined) this.#equated.push([name, picked]);
  }

  #ordering(from: number): void {
    for (let at = from; at < this.#tokens.length && !isWord(this.#tokens[at], "limit"); at++) {
      const name = this.#columnAt(at);
      if (name !== undefined) this.#use(name).isOrdered = true;
    }
  }

  #aggregate(called: string, from: number): void {
    const at = isSign(this.#tokens[from + 1], ".") ? from + 2 : from;
    const name = this.#columnAt(isWord(this.#tokens[at], "distinct") ? at + 1 : at);
    if (name === undefined) return;
    if (ADDS_UP.includes(called)) this.#use(name).isCounted = true;
    if (called === "max" || called === "min") this.#use(name).isOrdered = true;
  }

  #pattern(use: ColumnUse, at: number): void {
    const literal = this.#literalAt(at);
    if (typeof literal === "string") use.patterns.push(literal);
  }

  #literal(use: ColumnUse, at: number): void {
    const literal = this.#literalAt(at);
    if (literal === undefined) return;
    use.literals.push(literal);
    if (typeof literal === "number") use.isCounted = true;
  }

  #use(name: string): ColumnUse {
    const known = this.#columns.get(name);
    if (known) return known;
    const use: ColumnUse = { literals: [], patterns: [], isOrdered: false, isCounted: false };
    this.#columns.set(name, use);
    return use;
  }

  #columnAt(at: number): string | undefined {
    const token = this.#tokens[at];
    if (token?.kind !== "word" && token?.kind !== "quoted") return undefined;
    const name = token.value.toLowerCase();
    return this.#names.has(name) && !isSign(this.#tokens[at + 1], "(", ".") ? name : undefined;
  }

  /** A number with its sign, or a text; a name in double quotes that is no column's is a text. */
  #literalAt(at: number): string | number | undefined {
    const token = this.#tokens[at];
    if (token === undefined) return undefined;
    if (isSign(token, "-") && this.#tokens[at + 1]?.kind === "number")
      return -Number(this.#tokens[at + 1]!.text);
    if (token.kind === "number") {
      const isNegative = isSign(this.#tokens[at - 1], "-") && !this.#ends(at - 2);
      return isNegative ? undefined : Number(token.text);
    }
    if (token.kind === "text") return token.value;
    const isText = token.kind === "quoted" && token.text.startsWith('"');
    return isText && !this.#names.has(token.value.toLowerCase()) && !isSign(this.#tokens[at + 1], ".")
      ? token.value
      : undefined;
  }

  /** Whether a token ends a value, so that a minus after it takes away. */
  #ends(at: number): boolean {
    const token = this.#tokens[at];
    return token?.kind === "number" || this.#columnAt(at) !== undefined || isSign(token, ")");
  }
}
