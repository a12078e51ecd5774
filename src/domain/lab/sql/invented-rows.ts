// Rows for the tables of a question, drawn so that its query finds something and near misses find something else (llm.md §7.1):
// about 24 rows a table; a column's values are near the literals that it is compared with (texts: the literals and fillers;
// numbers: the literal ± 0, 1, 7, 9) or its own; joined columns share one small pool of keys; empty fields and repeated rows
// where a query counts. Beyond the reference: fillers, ranges, sizes of pools, shares of repeated values and numbers of empty
// fields differ from column to column and from seed to seed, so that COUNT(a) and COUNT(b), MAX(a) and MAX(b), a and DISTINCT a
// do not agree by construction; texts are drawn unevenly, so that groups have many sizes.
import { CounterRandom } from "../../random.ts";
import type { ColumnUse, QueryFacts } from "./query-literals.ts";
import type { SqlColumn, SqlValue } from "./sqlite.ts";

export interface SqlTable {
  readonly name: string;
  readonly columns: readonly SqlColumn[];
  readonly references: readonly (readonly [string, string, string])[]; // own column, other table, other column
}

type Kind = "integer" | "real" | "boolean" | "date" | "text";

const FILLERS = ["amber", "birch", "cobalt", "dune", "ember", "fjord", "garnet", "harbor", "iris", "juniper"];
const NEAR = [0, 0, 1, -1, 7, -7, 9, -9];
const CLOSE = [0, 0, 1, -1];
const ALIGNED = 4; // rows of a table in which every condition of the query is likely to hold at once
const SHARE = { own: 0.55, others: 0.1, near: 0.6, repeated: 0.08, repeatedWhereCounted: 0.2, kept: 0.75 };

/** Rows by table for one seed; each attempt after the fourth doubles them. */
export function inventedRows(
  tables: readonly SqlTable[],
  facts: QueryFacts,
  seed: number,
  attempt = 0,
): ReadonlyMap<string, SqlValue[][]> {
  const pools = sharedPools(tables, facts, CounterRandom.stream(seed, 7919 + attempt));
  const bottom = 20 * 2 ** Math.max(0, Math.min(3, attempt - 4));
  let rank = 0;
  const rows = tables.map((table, place): [string, SqlValue[][]] => {
    const random = CounterRandom.stream(seed, 31 * attempt + 1000 * place);
    const columns = table.columns.map(
      (column) => new ColumnSource(column, facts, pools.get(keyOf(column.name)), rank++, random),
    );
    return [table.name, tableRows(columns, facts, bottom + random.below(9), random)];
  });
  return new Map(rows);
}

function tableRows(
  columns: readonly ColumnSource[],
  facts: QueryFacts,
  count: number,
  random: CounterRandom,
): SqlValue[][] {
  const rows: SqlValue[][] = [];
  for (let at = 0; at < count; at++) {
    const share = facts.counts ? SHARE.repeatedWhereCounted : SHARE.repeated;
    const copied = at > ALIGNED && random.uniform() < share;
    const model = copied ? rows[random.below(at)] : undefined;
    rows.push(columns.map((column, place) => column.next(at < ALIGNED, model?.[place])));
  }
  if (facts.counts || facts.asksNull) {
    const order = random.permutation(columns.length);
    for (const [place, column] of columns.entries())
      if (!column.filled)
        emptyFields(rows, place, 1 + (order[place]! % 5) + (facts.asksNull ? 3 : 0), random);
  }
  return rows;
}

function emptyFields(rows: SqlValue[][], place: number, count: number, random: CounterRandom): void {
  for (const at of random.permutation(rows.length - ALIGNED).slice(0, count))
    rows[ALIGNED + at]![place] = null;
}

/** Values of one column, one after the other. */
class ColumnSource {
  readonly filled: boolean; // it must hold something
  readonly #kind: Kind;
  readonly #use: ColumnUse | undefined;
  readonly #facts: QueryFacts;
  readonly #pool: readonly SqlValue[] | undefined;
  readonly #random: CounterRandom;
  readonly #fillers: readonly string[];
  readonly #range: readonly [number, number];
  readonly #seen = new Set<SqlValue>();
  readonly #unique: boolean; // of the table
  readonly #distinct: boolean; // as far as it goes, so that ORDER BY has no ties
  readonly #echo: number; // share of values that repeat one of the column's own
  #sequence: number | undefined;

  constructor(
    column: SqlColumn,
    facts: QueryFacts,
    pool: readonly SqlValue[] | undefined,
    rank: number,
    random: CounterRandom,
  ) {
    this.filled = column.notNull || column.unique;
    this.#kind = kindOf(column.type);
    this.#use = facts.columns.get(keyOf(column.name));
    this.#facts = facts;
    this.#random = random;
    this.#pool = pool && [pool[0]!, ...pool.slice(1).filter(() => random.uniform() < SHARE.kept)];
    const words = [...random.permutation(FILLERS.length)].slice(0, 3 + random.below(4));
    this.#fillers = words.map((word) => `${FILLERS[word]!} ${rank + 1}`);
    const low = 1 + 3 * rank + random.below(20);
    this.#range = [low, 99 + 37 * random.below(4)];
    this.#unique = column.unique;
    this.#distinct = column.unique || this.#use?.isOrdered === true;
    this.#echo = 0.1 + 0.08 * ((rank + random.below(5)) % 5);
    const counted = column.unique && !pool && !this.#use?.literals.length && this.#kind !== "text";
    if (counted) this.#sequence = 1 + random.below(50);
  }

  /** `model` is the value of a row that is repeated. */
  next(aligned: boolean, model?: SqlValue): SqlValue {
    if (this.#sequence !== undefined) return this.#sequence++;
    if (model !== undefined && model !== null && !this.#distinct) return model;
    const echoes = !aligned && !this.#distinct && !this.#pool && this.#random.uniform() < this.#echo;
    if (echoes) return this.#one([...this.#seen]);
    let value = this.#drawn(aligned);
    for (let again = 0; again < 12 && this.#distinct && this.#seen.has(value); again++)
      value = this.#drawn(aligned && again < 4);
    if (this.#unique && this.#seen.has(value)) value = this.#unused();
    this.#seen.add(value);
    return value;
  }

  /** For a key: another value than all before, which no other table refers to. */
  #unused(): SqlValue {
    const left = this.#pool?.find((value) => !this.#seen.has(value));
    if (left !== undefined) return left;
    const isText = typeof (this.#pool?.[0] ?? this.#drawn(false)) === "string";
    return isText ? `key ${1000 + this.#seen.size}` : 1000 + this.#seen.size;
  }

  #drawn(aligned: boolean): SqlValue {
    if (this.#pool) return aligned ? this.#pool[0]! : this.#one(this.#pool);
    if (this.#kind === "boolean" && !this.#texts().length) return this.#random.below(2);
    if (this.#kind === "date") return this.#date(aligned);
    if (this.#kind !== "text") return this.#number(aligned);
    return this.#use?.isCounted ? String(this.#number(aligned)) : this.#text(aligned);
  }

  #text(aligned: boolean): string {
    const own = this.#texts();
    const others = this.#facts.literals.filter((literal) => typeof literal === "string");
    const draw = this.#random.uniform();
    if (own.length > 0) {
      if (aligned || draw < SHARE.own) return this.#one(own)();
      return draw < SHARE.own + SHARE.others && others.length > 0
        ? this.#one(others)
        : this.#one(this.#fillers);
    }
    return this.#uneven([...others.slice(0, 4), ...this.#fillers]);
  }

  #texts(): (() => string)[] {
    const { literals = [], patterns = [] } = this.#use ?? {};
    return [
      ...literals.map((literal) => () => String(literal)),
      ...patterns.map((pattern) => () => this.#matching(pattern)),
    ];
  }

  /** A text that LIKE takes: "%" is nothing or a word, "_" a letter. */
  #matching(pattern: string): string {
    const word = (): string => (this.#random.below(2) === 0 ? "" : this.#one(FILLERS));
    return pattern.replace(/[%*]/g, word).replace(/[_?]/g, () => this.#one(["a", "k", "x"]));
  }

  #date(aligned: boolean): string {
    const own = this.#texts();
    if (own.length > 0 && (aligned || this.#random.uniform() < SHARE.own)) return this.#one(own)();
    const years = this.#facts.literals.map(String).filter((literal) => /^(?:1[89]|20)\d\d$/.test(literal));
    const named = years.length > 0 && this.#random.below(2) === 0;
    const year = named ? this.#one(years) : String(1990 + this.#random.below(35));
    const [month, day] = [1 + this.#random.below(12), 1 + this.#random.below(28)];
    return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  }

  #number(aligned: boolean): number {
    const own = numbersIn(this.#use?.literals ?? []);
    const near = own.length > 0 ? own : numbersIn(this.#facts.literals);
    const share = own.length > 0 ? SHARE.near : SHARE.near / 2;
    const isNear = near.length > 0 && (this.#random.uniform() < share || (aligned && own.length > 0));
    if (isNear) {
      const [low, high] = [Math.min(...near), Math.max(...near)];
      if (high > low && this.#random.below(5) === 0)
        return low + Math.round((high - low) * this.#random.uniform());
      return this.#one(near) + this.#one(aligned ? CLOSE : NEAR);
    }
    const [low, width] = this.#range;
    const value = low + this.#random.below(width);
    return this.#kind === "real" && this.#random.below(2) === 0
      ? value + this.#one([0.25, 0.5, 0.75])
      : value;
  }

  /** The earlier ones more often: u² · n. */
  #uneven<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random.uniform() ** 2 * items.length)]!;
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)]!;
  }
}

/**
 * Pools of columns that are joined, by name: equated in the query, foreign keys, or of one name in several tables. The first
 * value is that of the rows where everything holds.
 */
function sharedPools(
  tables: readonly SqlTable[],
  facts: QueryFacts,
  random: CounterRandom,
): ReadonlyMap<string, readonly SqlValue[]> {
  const groups = linkedNames(tables, facts);
  const columns = tables.flatMap((table) => table.columns);
  const pools = [...groups].map((names): [Set<string>, SqlValue[]] => {
    const own = columns.filter(({ name }) => names.has(keyOf(name)));
    const literals = [...names].flatMap((name) => facts.columns.get(name)?.literals ?? []);
    const isText = own.every(({ type }) => kindOf(type) === "text" || kindOf(type) === "date");
    const size = 6 + random.below(4);
    const start = 1 + random.below(60);
    const keys = Array.from({ length: size }, (_, at) => (isText ? `key ${start + at}` : start + at));
    const first = isText ? literals.map(String) : numbersIn(literals);
    return [names, [...new Set<SqlValue>([...first, ...keys])]];
  });
  return new Map(pools.flatMap(([names, pool]) => [...names].map((name) => [name, pool] as const)));
}

function linkedNames(tables: readonly SqlTable[], facts: QueryFacts): Set<Set<string>> {
  const groupOf = new Map<string, Set<string>>();
  const link = (first: string, second: string): void => {
    const joined = new Set([first, second, ...(groupOf.get(first) ?? []), ...(groupOf.get(second) ?? [])]);
    for (const name of joined) groupOf.set(name, joined);
  };
  const seen = new Set<string>();
  for (const { columns, references } of tables) {
    for (const [own, , other] of references) link(keyOf(own), keyOf(other));
    for (const { name } of columns) {
      if (seen.has(keyOf(name))) link(keyOf(name), keyOf(name));
      seen.add(keyOf(name));
    }
  }
  for (const [first, second] of facts.equated) link(first, second);
  return new Set(groupOf.values());
}

/** By declared type, as SQLite finds affinities; what is meant as a date or a truth besides. */
function kindOf(type: string): Kind {
  if (/BOOL/i.test(type)) return "boolean";
  if (/DATE|TIME/i.test(type)) return "date";
  if (/INT|YEAR|SERIAL/i.test(type)) return "integer";
  return /REAL|FLOA|DOUB|DEC|NUM|MONEY/i.test(type) ? "real" : "text";
}

function numbersIn(literals: readonly (string | number)[]): number[] {
  return literals
    .filter((literal) => String(literal).trim() !== "")
    .map(Number)
    .filter(Number.isFinite);
}

function keyOf(name: string): string {
  return name.toLowerCase();
}
