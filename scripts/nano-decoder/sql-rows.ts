// Questions about one table with their queries. "simple" is what the base knows; "further" (aggregates, groups, order, two
// conditions) is what a fine-tune teaches it: the base has seen such queries, but no question that asks for one.
import type { Draw } from "./draw.ts";
import type { TableWords } from "./words.ts";

export interface SqlRow {
  readonly question: string;
  readonly context: string;
  readonly answer: string;
}

interface Ground {
  readonly draw: Draw;
  readonly table: string;
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
  readonly column: () => string;
  readonly value: () => string;
}

type Asked = readonly [question: string, query: string];
type Family = (ground: Ground) => Asked;

const AGGREGATES = [
  ["highest", "MAX"],
  ["lowest", "MIN"],
  ["average", "AVG"],
  ["total", "SUM"],
] as const;
const COMPARED = [
  ["over", ">"],
  ["under", "<"],
  ["exactly", "="],
] as const;

const textCondition = ({ draw, texts, value }: Ground): Asked => {
  const [column, text] = [draw.one(texts), value()];
  return [`whose ${column} is ${text}`, `WHERE ${column} = '${text}'`];
};

const numberCondition = ({ draw, numbers }: Ground): Asked => {
  const [column, number] = [draw.one(numbers), 2 + draw.below(97)];
  const [word, sign] = draw.one(COMPARED);
  return [`whose ${column} is ${word} ${number}`, `WHERE ${column} ${sign} ${number}`];
};

const SIMPLE: readonly Family[] = [
  ({ draw, column, table }) => {
    const own = column();
    const forms = [
      `Show the ${own} of all ${table}`,
      `List every ${own} in ${table}`,
      `What ${own} do ${table} have?`,
    ];
    return [draw.one(forms), `SELECT ${own} FROM ${table}`];
  },
  ({ draw, texts, numbers, table }) => {
    const [first, second] = draw.some([...texts, ...numbers], 2);
    const forms = [
      `Show the ${first} and ${second} of all ${table}`,
      `List every ${first} and ${second} in ${table}`,
    ];
    return [draw.one(forms), `SELECT ${first} , ${second} FROM ${table}`];
  },
  (ground) => selected(ground, textCondition(ground)),
  (ground) => selected(ground, numberCondition(ground)),
  ({ draw, table }) => [
    draw.one([`Show everything in ${table}`, `List all rows of ${table}`, `Give me all ${table}`]),
    `SELECT * FROM ${table}`,
  ],
];

function selected({ draw, column, table }: Ground, [said, clause]: Asked): Asked {
  const own = column();
  const forms = [
    `Show the ${own} of ${table} ${said}`,
    `List every ${own} in ${table} ${said}`,
    `What ${own} do ${table} have ${said}?`,
  ];
  return [draw.one(forms), `SELECT ${own} FROM ${table} ${clause}`];
}

const FURTHER: readonly Family[] = [
  (ground) => {
    const { draw, table } = ground;
    const [said, clause] = draw.one([textCondition, numberCondition])(ground);
    const forms = [`How many ${table} are there ${said}?`, `Count the ${table} ${said}`];
    return [draw.one(forms), `SELECT COUNT ( * ) FROM ${table} ${clause}`];
  },
  ({ draw, numbers, table }) => {
    const [own, [word, aggregate]] = [draw.one(numbers), draw.one(AGGREGATES)];
    const forms = [`What is the ${word} ${own} of ${table}?`, `Show the ${word} ${own} in ${table}`];
    return [draw.one(forms), `SELECT ${aggregate} ( ${own} ) FROM ${table}`];
  },
  (ground) => {
    const { draw, numbers, table } = ground;
    const [own, [word, aggregate]] = [draw.one(numbers), draw.one(AGGREGATES)];
    const [said, clause] = textCondition(ground);
    return [
      `What is the ${word} ${own} of ${table} ${said}?`,
      `SELECT ${aggregate} ( ${own} ) FROM ${table} ${clause}`,
    ];
  },
  ({ draw, texts, table }) => {
    const own = draw.one(texts);
    const forms = [`How many ${table} are there for each ${own}?`, `Count the ${table} by ${own}`];
    return [draw.one(forms), `SELECT ${own} , COUNT ( * ) FROM ${table} GROUP BY ${own}`];
  },
  ({ draw, texts, numbers, table }) => {
    const [own, of, [word, aggregate]] = [draw.one(texts), draw.one(numbers), draw.one(AGGREGATES)];
    const question = `Show the ${word} ${of} of ${table} for each ${own}`;
    return [question, `SELECT ${own} , ${aggregate} ( ${of} ) FROM ${table} GROUP BY ${own}`];
  },
  ({ draw, column, numbers, table }) => {
    const [own, by, count] = [column(), draw.one(numbers), 2 + draw.below(4)];
    const [word, order] = draw.one([
      ["highest", "DESC"],
      ["lowest", "ASC"],
    ] as const);
    const question = `Show the ${own} of the ${count} ${table} with the ${word} ${by}`;
    return [question, `SELECT ${own} FROM ${table} ORDER BY ${by} ${order} LIMIT ${count}`];
  },
  (ground) => {
    const { column, table } = ground;
    const [[first, clause], [second, other]] = [textCondition(ground), numberCondition(ground)];
    const own = column();
    const question = `Show the ${own} of ${table} ${first} and ${second}`;
    return [question, `SELECT ${own} FROM ${table} ${clause} ${other.replace("WHERE", "AND")}`];
  },
];

export type SqlKind = "simple" | "further" | "any";

/** One row about a table of its own. */
export function sqlRow(draw: Draw, words: TableWords, kind: SqlKind): SqlRow {
  const families = { simple: SIMPLE, further: FURTHER, any: [...SIMPLE, ...FURTHER] }[kind];
  const table = draw.one(words.tables);
  const texts = draw.some(words.texts, 1 + draw.below(3));
  const numbers = draw.some(words.numbers, 1 + draw.below(3));
  const column = (): string => draw.one([...texts, ...numbers]);
  const value = (): string => draw.one(words.values);
  const [question, answer] = draw.one(families)({ draw, table, texts, numbers, column, value });
  const columns = draw.shuffled([
    ...texts.map((name) => `${name} TEXT`),
    ...numbers.map((name) => `${name} INTEGER`),
  ]);
  return { question, context: `CREATE TABLE ${table} (${columns.join(", ")})`, answer: written(answer) };
}

/** The query as people write it: "COUNT(*)", "name, age". */
function written(query: string): string {
  return query.replaceAll(" ( ", "(").replaceAll(" )", ")").replaceAll(" , ", ", ");
}
