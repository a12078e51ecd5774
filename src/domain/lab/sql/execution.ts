// Execution accuracy (llm.md §7.1): an answer is right where its result equals that of the gold query on rows invented with three
// seeds. A query that finds nothing agrees with every other that finds nothing, so rows are invented again until the gold query
// finds something for at least two of the seeds; where that fails, the row cannot be judged.
import type { Sqlite3Static } from "@sqlite.org/sqlite-wasm";
import { RetuneError } from "../../../engine/errors.ts";
import { inventedRows, type SqlTable } from "./invented-rows.ts";
import { queryFacts, type QueryFacts } from "./query-literals.ts";
import { sameResult } from "./same-result.ts";
import { isOrdered } from "./sql-clauses.ts";
import { normalisedSql } from "./sql-tokens.ts";
import { MemoryDatabase, type QueryTable } from "./sqlite.ts";

export const SEEDS = 3;
const FILLED_SEEDS = 2; // of them the gold query must find something for
const ATTEMPTS = 8;

export interface SqlVerdict {
  readonly executable: boolean;
  readonly accepted: boolean;
  readonly error?: string; // why it is not executable
  readonly result?: QueryTable; // for the first seed
}

/** The gold query of a row with databases to try answers on. Close it. */
export class SqlBench {
  readonly gold: QueryTable; // for the first seed
  readonly #databases: readonly MemoryDatabase[];
  readonly #golds: readonly QueryTable[];
  readonly #ordered: boolean;
  readonly #gold: string;
  readonly #seed: number;
  readonly #tables: readonly SqlTable[];
  readonly #extra: MemoryDatabase; // filled for an answer

  /**
   * Throws E_FIELD where the context makes no tables, "usage" where the gold query does not run, E_EMPTY where it finds nothing
   * in any rows invented.
   */
  constructor(sqlite: Sqlite3Static, context: string, gold: string, seed = 0, seeds = SEEDS) {
    [this.#gold, this.#seed, this.#ordered] = [gold, seed, isOrdered(gold)];
    const databases: MemoryDatabase[] = [];
    try {
      for (let at = 0; at <= seeds; at++) databases.push(emptyDatabase(sqlite, context));
      this.#tables = tablesOf(databases[0]!);
      const facts = this.#facts(gold);
      this.#golds = databases
        .slice(1)
        .map((database, at) => filled(database, this.#tables, facts, gold, seeds * seed + at));
      checkFilled(this.#golds);
    } catch (error) {
      for (const database of databases) database.close();
      throw error;
    }
    this.gold = this.#golds[0]!;
    [this.#extra, ...this.#databases] = databases as [MemoryDatabase, ...MemoryDatabase[]];
  }

  judge(answer: string): SqlVerdict {
    try {
      const results = this.#databases.map((database) => database.query(answer));
      const agrees = results.every((result, at) => sameResult(result, this.#golds[at]!, this.#ordered));
      const isSame = normalisedSql(answer) === normalisedSql(this.#gold);
      return {
        executable: true,
        accepted: agrees && (isSame || this.#agreesNear(answer)),
        result: results[0]!,
      };
    } catch (error) {
      if (!(error instanceof RetuneError)) throw error;
      return { executable: false, accepted: false, error: error.message };
    }
  }

  /** On rows that are near the literals of both. */
  #agreesNear(answer: string): boolean {
    this.#extra.clear(this.#tables.map(({ name }) => name));
    const both = this.#facts(`${this.#gold} ; ${answer}`);
    const gold = filled(this.#extra, this.#tables, both, this.#gold, this.#seed + 104_729);
    return sameResult(this.#extra.query(answer), gold, this.#ordered);
  }

  #facts(sql: string): QueryFacts {
    const names = this.#tables.flatMap(({ columns }) => columns.map(({ name }) => name.toLowerCase()));
    return queryFacts(sql, new Set(names));
  }

  close(): void {
    for (const database of [...this.#databases, this.#extra]) database.close();
  }
}

function emptyDatabase(sqlite: Sqlite3Static, context: string): MemoryDatabase {
  const database = new MemoryDatabase(sqlite);
  try {
    database.define(context);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function tablesOf(database: MemoryDatabase): SqlTable[] {
  return database.tables().map((name) => ({
    name,
    columns: database.columns(name),
    references: database.references(name),
  }));
}

/** Fills a database until the gold query finds something, a few times over; gives its result. */
function filled(
  database: MemoryDatabase,
  tables: readonly SqlTable[],
  facts: QueryFacts,
  gold: string,
  seed: number,
): QueryTable {
  let result: QueryTable = { columns: [], rows: [] };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) database.clear(tables.map(({ name }) => name));
    for (const [table, rows] of inventedRows(tables, facts, seed, attempt)) database.insert(table, rows);
    result = database.query(gold);
    if (!isEmpty(result)) return result;
  }
  return result;
}

/** No rows, or one that holds nothing but NULL and 0: what COUNT and SUM say of no rows. */
function isEmpty({ rows }: QueryTable): boolean {
  return (
    rows.length === 0 ||
    (rows.length === 1 && rows[0]!.every((value) => value === null || Number(value) === 0))
  );
}

function checkFilled(golds: readonly QueryTable[]): void {
  const found = golds.filter((gold) => !isEmpty(gold)).length;
  if (found >= Math.min(FILLED_SEEDS, golds.length)) return;
  const what = `the gold query finds nothing in ${golds.length - found} of ${golds.length} invented databases`;
  throw new RetuneError("E_EMPTY", `${what}; an answer cannot be judged by it`);
}
