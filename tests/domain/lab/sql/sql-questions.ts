import { CounterRandom } from "../../../../src/domain/random.ts";

/** A schema with queries over it, of which any two should be told apart. */
export interface DrawnSchema {
  readonly context: string;
  readonly queries: readonly string[];
}

interface Drawn {
  readonly random: CounterRandom;
  readonly table: string;
  readonly other: string; // refers to `table` by its key
  readonly key: string;
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
  readonly columns: readonly string[];
  readonly otherText: string;
  readonly otherNumber: string;
}

const TABLES = ["singer", "stadium", "airport", "course", "orders", "player", "museum", "vessel"];
const TEXTS = ["name", "city", "country", "genre", "colour", "owner"];
const NUMBERS = ["age", "capacity", "year", "price", "rank", "weight"];
const VALUES = ["Lima", "Oslo", "red", "blue", "Ada", "Jazz", "Peru", "Boris"];
const AGGREGATES = ["MAX", "MIN", "AVG", "SUM"];

/** Schemas of two tables with `each` different queries. */
export function drawnSchemas(seed: number, count: number, each: number): DrawnSchema[] {
  const random = new CounterRandom(seed);
  return Array.from({ length: count }, () => drawnSchema(random, each));
}

function drawnSchema(random: CounterRandom, each: number): DrawnSchema {
  const [table, other] = some(random, TABLES, 2) as [string, string];
  const [texts, numbers] = [some(random, TEXTS, 3), some(random, NUMBERS, 3)];
  const [otherText, otherNumber] = [texts.pop()!, numbers.pop()!];
  const [key, columns] = [`${table}_id`, [...texts, ...numbers]];
  const drawn: Drawn = { random, table, other, key, texts, numbers, columns, otherText, otherNumber };
  const context =
    `CREATE TABLE ${table} (${key} INTEGER PRIMARY KEY, ${texts.map((name) => `${name} TEXT`).join(", ")}, ` +
    `${numbers.map((name) => `${name} INTEGER`).join(", ")}); ` +
    `CREATE TABLE ${other} (${key} INTEGER, ${otherText} VARCHAR, ${otherNumber} REAL)`;
  const queries = new Set<string>();
  while (queries.size < each) queries.add(one(random, FAMILIES)(drawn));
  return { context, queries: [...queries] };
}

type Family = (drawn: Drawn) => string;

const selected: Family = ({ random, columns, table }) =>
  `SELECT ${some(random, columns, 1 + random.below(2)).join(", ")} FROM ${table}`;

const condition: Family = (drawn) =>
  one(drawn.random, [textEquals, numberCompared, ranged, alike, oneOf])(drawn);
const textEquals: Family = ({ random, texts }) => `${one(random, texts)} = '${one(random, VALUES)}'`;
const numberCompared: Family = ({ random, numbers }) =>
  `${one(random, numbers)} ${one(random, [">", "<", "=", ">=", "!="])} ${2 + random.below(90)}`;
const ranged: Family = ({ random, numbers }) => {
  const low = 2 + random.below(60);
  return `${one(random, numbers)} BETWEEN ${low} AND ${low + 5 + random.below(30)}`;
};
const alike: Family = ({ random, texts }) =>
  `${one(random, texts)} LIKE '${one(random, ["%", ""])}${one(random, VALUES)}%'`;
const oneOf: Family = ({ random, texts }) => {
  const values = some(random, VALUES, 2).map((value) => `'${value}'`);
  return `${one(random, texts)} IN (${values.join(", ")})`;
};

const aggregate: Family = ({ random, numbers, columns }) =>
  one(random, [
    `COUNT(*)`,
    `COUNT(${one(random, columns)})`,
    `COUNT(DISTINCT ${one(random, columns)})`,
    `${one(random, AGGREGATES)}(${one(random, numbers)})`,
  ]);

const FAMILIES: readonly Family[] = [
  selected,
  ({ table }) => `SELECT * FROM ${table}`,
  ({ random, columns, table }) => `SELECT DISTINCT ${one(random, columns)} FROM ${table}`,
  (drawn) => `${selected(drawn)} WHERE ${condition(drawn)}`,
  (drawn) => `${selected(drawn)} WHERE ${condition(drawn)}`,
  (drawn) =>
    `${selected(drawn)} WHERE ${condition(drawn)} ${one(drawn.random, ["AND", "OR"])} ${condition(drawn)}`,
  (drawn) => `SELECT ${aggregate(drawn)} FROM ${drawn.table}`,
  (drawn) => `SELECT ${aggregate(drawn)} FROM ${drawn.table} WHERE ${condition(drawn)}`,
  (drawn) => {
    const by = one(drawn.random, drawn.texts);
    return `SELECT ${by}, ${aggregate(drawn)} FROM ${drawn.table} GROUP BY ${by}`;
  },
  (drawn) => {
    const by = one(drawn.random, drawn.texts);
    const least = 1 + drawn.random.below(3);
    return `SELECT ${by} FROM ${drawn.table} GROUP BY ${by} HAVING COUNT(*) > ${least}`;
  },
  (drawn) => {
    const { random, numbers, columns, table } = drawn;
    const order = `${one(random, numbers)} ${one(random, ["ASC", "DESC"])}`;
    return `SELECT ${one(random, columns)} FROM ${table} ORDER BY ${order} LIMIT ${1 + random.below(5)}`;
  },
  ({ random, columns, numbers, table }) => {
    const by = one(random, numbers);
    return `SELECT ${one(random, columns)} FROM ${table} WHERE ${by} > (SELECT AVG(${by}) FROM ${table})`;
  },
  ({ random, columns, table, other, key, otherText, otherNumber }) => {
    const where = one(random, [
      `T2.${otherText} = '${one(random, VALUES)}'`,
      `T2.${otherNumber} > ${2 + random.below(60)}`,
    ]);
    const joined = `${table} AS T1 JOIN ${other} AS T2 ON T1.${key} = T2.${key}`;
    return `SELECT T1.${one(random, columns)} FROM ${joined} WHERE ${where}`;
  },
  ({ random, columns, table, other, key }) =>
    `SELECT ${one(random, columns)} FROM ${table} WHERE ${key} ${one(random, ["IN", "NOT IN"])} (SELECT ${key} FROM ${other})`,
];

function one<Item>(random: CounterRandom, items: readonly Item[]): Item {
  return items[random.below(items.length)]!;
}

function some<Item>(random: CounterRandom, items: readonly Item[], count: number): Item[] {
  return [...random.permutation(items.length)].slice(0, count).map((at) => items[at]!);
}
