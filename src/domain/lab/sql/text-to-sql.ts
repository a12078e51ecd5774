import { RetuneError } from "../../../engine/errors.ts";
import { Pace } from "../../data/pace.ts";
import { delexicaliseSql, type DelexicalisedSql } from "../delexicalise.ts";
import { askedWithin, type Question } from "../asked.ts";
import type { LabAnswer, LabMeasure, LabNote, LabTask, ModelForm } from "../lab-task.ts";
import { SqlBench } from "./execution.ts";
import { CLAUSE_FAMILIES, clauseFamilies, type ClauseFamily } from "./sql-clauses.ts";
import { sqlGrammar } from "./sql-grammar.ts";
import { bareSqlPrompt, sqlOf, sqlPrompt, type SqlTemplate } from "./sql-prompt.ts";
import { readSqlRows, type SqlExample } from "./sql-rows.ts";
import { normalisedSql } from "./sql-tokens.ts";
import { openSqlite, type QueryTable } from "./sqlite.ts";

const MAX_NEW_TOKENS = 128;
const SHOWN_ROWS = 20;

const FAMILY_WORDS: Readonly<Record<ClauseFamily, string>> = {
  agg: "COUNT, SUM, AVG, MIN or MAX",
  where: "a WHERE",
  group: "a GROUP BY",
  order: "an ORDER BY",
  join: "several tables",
};

const MEASURES: readonly LabMeasure[] = [
  {
    key: "executionAccuracy",
    label: "Execution accuracy",
    meaning:
      "Share of answers that find the same rows as the right query, in databases filled three times over.",
    better: "higher",
    unit: "share",
  },
  {
    key: "executableRate",
    label: "Runs at all",
    meaning: "Share of answers that are one query which the database accepts.",
    better: "higher",
    unit: "share",
  },
  {
    key: "exactMatch",
    label: "Exact match",
    meaning: "Share of answers that are the right query word by word, spaces and capitals aside.",
    better: "higher",
    unit: "share",
  },
  ...CLAUSE_FAMILIES.map((family): LabMeasure => ({
    key: familyKey(family),
    label: `Accuracy with ${FAMILY_WORDS[family]}`,
    meaning: `Execution accuracy where the right query has ${FAMILY_WORDS[family]}.`,
    better: "higher",
    unit: "share",
  })),
];

function familyKey(family: ClauseFamily): string {
  return `${family}Accuracy`;
}

/** A result as the page shows it: its first rows. */
export interface ShownTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly count: number; // of all rows
}

/** What `LabAnswer.detail` holds. */
export interface SqlDetail {
  readonly sql: string; // the answer's query, in the schema's own names
  readonly gold: string;
  readonly families: readonly ClauseFamily[];
  readonly error?: string; // why the answer does not run
  readonly unjudged?: string; // why the row cannot be judged by its results
  readonly result?: ShownTable; // for the first of the databases
  readonly goldResult?: ShownTable;
}

/** Questions to queries. `template` is how they are asked; see SqlTemplate. */
export function textToSql(template: SqlTemplate = "chat"): LabTask<SqlExample> {
  return {
    id: "text-to-sql",
    measures: MEASURES,
    maxNewTokens: MAX_NEW_TOKENS,
    read: readSqlRows,
    conversations: (example, form) => {
      const { prompt, own } = asking(example, template, form);
      const content = own?.query(example.answer) ?? example.answer;
      return [{ messages: [...prompt.messages, { role: "assistant", content }] }];
    },
    async examine(model, examples, { maxNewTokens, constrained, seed }, control) {
      const asks = examples.map((example) => asking(example, template, model, constrained));
      const answers = await askedWithin(model, asks, { maxTokens: maxNewTokens ?? MAX_NEW_TOKENS }, control);
      const [judge, pace] = [await SqlJudge.open(seed), new Pace(control)];
      const judged: LabAnswer[] = [];
      for (const [place, text] of answers.entries()) {
        await pace.turn(place, answers.length, "Running queries");
        const sql = sqlOf(asks[place]!.own?.original(sqlOf(text)) ?? text);
        judged.push(judge.judged(examples[place]!, text, sql));
      }
      return judged;
    },
  };
}

interface Asking extends Question {
  readonly own?: DelexicalisedSql; // for a model of placeholders
}

function asking(
  example: SqlExample,
  template: SqlTemplate,
  { placeholders = false }: ModelForm = {},
  constrained = false,
): Asking {
  const own = placeholders ? delexicaliseSql(example) : undefined;
  const prompt = own ? bareSqlPrompt(own) : sqlPrompt(example, template);
  if (!constrained) return { prompt, ...(own ? { own } : {}) };
  const literals = own?.question.split(" ").filter((word) => /^[vx]\d+$/.test(word));
  const grammar = sqlGrammar(own?.context ?? example.context, literals);
  return { prompt, constraint: { kind: "grammar", grammar }, ...(own ? { own } : {}) };
}

/** Judges answers by what they find. */
export class SqlJudge {
  readonly #sqlite: Awaited<ReturnType<typeof openSqlite>>;
  readonly #seed: number;

  private constructor(sqlite: Awaited<ReturnType<typeof openSqlite>>, seed: number) {
    this.#sqlite = sqlite;
    this.#seed = seed;
  }

  static async open(seed = 0): Promise<SqlJudge> {
    return new SqlJudge(await openSqlite(), seed);
  }

  /** `text` is what the model said, `sql` its query. */
  judged({ id, context, answer: gold }: SqlExample, text: string, sql: string): LabAnswer {
    const families = clauseFamilies(gold);
    const exactMatch = normalisedSql(sql) === normalisedSql(gold) ? 1 : 0;
    const bench = this.#bench(context, gold);
    if (typeof bench === "string")
      return { id, text, measures: { exactMatch }, detail: { sql, gold, families, unjudged: bench } };
    try {
      const { accepted, executable, error, result } = bench.judge(sql);
      const executionAccuracy = accepted ? 1 : 0;
      const byFamily = families.map((family) => [familyKey(family), executionAccuracy] as const);
      const measures = { executionAccuracy, executableRate: executable ? 1 : 0, exactMatch };
      const detail: SqlDetail = {
        ...{ sql, gold, families, goldResult: shown(bench.gold) },
        ...(error === undefined ? {} : { error }),
        ...(result ? { result: shown(result) } : {}),
      };
      return { id, text, measures: { ...measures, ...Object.fromEntries(byFamily) }, detail: { ...detail } };
    } finally {
      bench.close();
    }
  }

  /** Rows whose answers cannot be judged by their results, with the reason. */
  notes(examples: readonly SqlExample[]): LabNote[] {
    return examples.flatMap(({ line, context, answer }) => {
      const bench = this.#bench(context, answer);
      if (typeof bench === "string") return [{ line, reason: bench, skipped: false }];
      bench.close();
      return [];
    });
  }

  #bench(context: string, gold: string): SqlBench | string {
    try {
      return new SqlBench(this.#sqlite, context, gold, this.#seed);
    } catch (error) {
      if (error instanceof RetuneError) return error.message;
      throw error;
    }
  }
}

function shown({ columns, rows }: QueryTable): ShownTable {
  const first = rows.slice(0, SHOWN_ROWS);
  const plain = first.map((row) => row.map((value) => (typeof value === "bigint" ? String(value) : value)));
  return { columns, rows: plain, count: rows.length };
}
