// SQLite as WebAssembly, in memory only. Queries of models run behind an authorizer that lets nothing through but reading, with a
// limit on steps of its machine, on rows and on the length of a value (llm.md §7.1).
import type { Database, Sqlite3Static } from "@sqlite.org/sqlite-wasm";
import { RetuneError } from "../../../engine/errors.ts";
import { isWord, quotedName, sqlStatements, withQuotedNames } from "./sql-tokens.ts";

export type SqlValue = string | number | bigint | null;

export interface QueryTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
}

export interface SqlColumn {
  readonly name: string;
  readonly type: string; // as declared, "" where none is
  readonly notNull: boolean;
  readonly unique: boolean; // a primary key of one column
}

const LIMITS = { steps: 4_000_000, stepsAtOnce: 1000, rows: 20_000, valueBytes: 1_000_000 };
/** They give something else at every call, so that not even a query and itself agree. */
const UNREPEATABLE = ["random", "randomblob"];

let opened: Promise<Sqlite3Static> | undefined;

/** Loads SQLite once. Rejects with "unsupported" where WebAssembly cannot be had. */
export function openSqlite(): Promise<Sqlite3Static> {
  return (opened ??= loaded());
}

async function loaded(): Promise<Sqlite3Static> {
  // Files of the origin and their workers are never used: without this, SQLite would start a worker that the page forbids.
  const off = { opfs: true, "opfs-vfs": true, "opfs-wl": true, "opfs-sahpool": true, kvvfs: true };
  const quiet = (): void => undefined;
  Object.assign(globalThis, {
    sqlite3ApiConfig: { disable: { vfs: off }, warn: quiet, log: quiet, debug: quiet },
  });
  try {
    const { default: start } = await import("@sqlite.org/sqlite-wasm");
    return await start();
  } catch (error) {
    const what = `SQLite does not start (${error instanceof Error ? error.message : String(error)})`;
    throw new RetuneError("unsupported", `${what}; it needs WebAssembly`, {}, { cause: error });
  }
}

/** One database in memory. Close it: its memory is not the garbage collector's. */
export class MemoryDatabase {
  readonly #sqlite: Sqlite3Static;
  readonly #database: Database;
  #steps = 0;

  constructor(sqlite: Sqlite3Static) {
    this.#sqlite = sqlite;
    this.#database = new sqlite.oo1.DB(":memory:");
    const { capi } = sqlite;
    // "x" is a text where no column has that name, as in most SQL that people have.
    capi.sqlite3_db_config(this.#database, capi.SQLITE_DBCONFIG_DQS_DML, 1, 0);
    capi.sqlite3_limit(this.#database, capi.SQLITE_LIMIT_LENGTH, LIMITS.valueBytes);
  }

  /** Makes the tables of a context, and nothing else that stands there. Throws E_FIELD with what SQLite says. */
  define(context: string): void {
    const statements = sqlStatements(context);
    const foreign = statements.find(([first, second]) => !isWord(first, "create") || !isTable(second?.value));
    if (foreign || statements.length === 0) {
      const found = foreign
        ? JSON.stringify(
            foreign
              .slice(0, 3)
              .map(({ text }) => text)
              .join(" "),
          )
        : "nothing";
      throw new RetuneError("E_FIELD", `the context holds ${found}; it must hold CREATE TABLE statements`);
    }
    for (const tokens of statements) {
      try {
        this.#database.exec(withQuotedNames(tokens));
      } catch (error) {
        throw new RetuneError(
          "E_FIELD",
          `SQLite refuses the context: ${reasonOf(error)}`,
          {},
          { cause: error },
        );
      }
    }
  }

  /** Tables in the order they were made. */
  tables(): string[] {
    const sql =
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    return this.#own(sql).map(([name]) => String(name));
  }

  columns(table: string): SqlColumn[] {
    const rows = this.#own(`PRAGMA table_info(${quotedName(table)})`);
    const keys = rows.filter((row) => Number(row[5]) > 0).length;
    return rows.map((row) => ({
      name: String(row[1]),
      type: String(row[2] ?? ""),
      notNull: Number(row[3]) > 0 || Number(row[5]) > 0,
      unique: keys === 1 && Number(row[5]) > 0,
    }));
  }

  /** Foreign keys of a table: [its column, other table, other column]. */
  references(table: string): [string, string, string][] {
    return this.#own(`PRAGMA foreign_key_list(${quotedName(table)})`).map((row) => [
      String(row[3]),
      String(row[2]),
      String(row[4] ?? row[3]),
    ]);
  }

  /** Rows that a constraint of the table refuses are left out. */
  insert(table: string, rows: readonly (readonly SqlValue[])[]): void {
    if (rows.length === 0) return;
    const marks = rows[0]!.map(() => "?").join(", ");
    const statement = this.#database.prepare(`INSERT OR IGNORE INTO ${quotedName(table)} VALUES (${marks})`);
    try {
      this.#database.exec("BEGIN");
      for (const row of rows) statement.bind([...row]).stepReset();
      this.#database.exec("COMMIT");
    } finally {
      statement.finalize();
    }
  }

  clear(tables: readonly string[]): void {
    for (const table of tables) this.#database.exec(`DELETE FROM ${quotedName(table)}`);
  }

  /**
   * The table of one statement that only reads. Throws "usage" with the reason: more than one statement, something else than
   * reading, an error of SQLite, or past the limits.
   */
  query(sql: string): QueryTable {
    const statement = onlyStatement(sql);
    const { capi } = this.#sqlite;
    this.#steps = 0;
    capi.sqlite3_set_authorizer(this.#database, (_, action, __, called) => this.#allowed(action, called), 0);
    const count = (): number => (++this.#steps * LIMITS.stepsAtOnce > LIMITS.steps ? 1 : 0);
    capi.sqlite3_progress_handler(this.#database, LIMITS.stepsAtOnce, count, 0);
    try {
      return this.#read(statement);
    } catch (error) {
      if (error instanceof RetuneError) throw error;
      throw new RetuneError("usage", `SQL: ${this.#reason(error)}`, {}, { cause: error });
    } finally {
      capi.sqlite3_progress_handler(this.#database, 0, 0, 0);
      capi.sqlite3_set_authorizer(this.#database, 0 as never, 0);
    }
  }

  close(): void {
    this.#database.close();
  }

  #read(sql: string): QueryTable {
    const statement = this.#database.prepare(sql);
    try {
      const columns = statement.getColumnNames([]);
      const rows: SqlValue[][] = [];
      while (statement.step()) {
        if (rows.length >= LIMITS.rows)
          throw new RetuneError("usage", `SQL: more than ${LIMITS.rows} rows; such results are not compared`);
        rows.push(statement.get([]).map(plainValue));
      }
      return { columns, rows };
    } finally {
      statement.finalize();
    }
  }

  #allowed(action: number, called: string | number): number {
    const { capi } = this.#sqlite;
    const reads = [capi.SQLITE_SELECT, capi.SQLITE_READ, capi.SQLITE_RECURSIVE] as readonly number[];
    if (reads.includes(action)) return capi.SQLITE_OK;
    const repeatable = !UNREPEATABLE.includes(String(called).toLowerCase());
    return action === capi.SQLITE_FUNCTION && repeatable ? capi.SQLITE_OK : capi.SQLITE_DENY;
  }

  #reason(error: unknown): string {
    const isLong = this.#steps * LIMITS.stepsAtOnce > LIMITS.steps;
    return isLong ? `stopped after ${LIMITS.steps} steps; it takes too long` : reasonOf(error);
  }

  #own(sql: string): SqlValue[][] {
    return this.#database.exec({ sql, returnValue: "resultRows", rowMode: "array" }) as SqlValue[][];
  }
}

function isTable(word: string | undefined): boolean {
  return word === "table" || word === "temp" || word === "temporary";
}

function onlyStatement(sql: string): string {
  const [first = [], ...others] = sqlStatements(sql);
  if (first.length === 0 || others.length > 0)
    throw new RetuneError(
      "usage",
      `SQL: ${first.length === 0 ? 0 : 1 + others.length} statements; an answer is one`,
    );
  if (!isWord(first[0], "select", "with", "values") && first[0]!.text !== "(") {
    const begins = first[0]!.text.slice(0, 40);
    throw new RetuneError("usage", `SQL: it begins with ${begins}, not with SELECT or WITH`);
  }
  return withQuotedNames(first);
}

/** Bytes as SQL writes them. */
function plainValue(value: unknown): SqlValue {
  if (value instanceof Uint8Array) {
    return `x'${[...value].map((byte) => byte.toString(16).padStart(2, "0")).join("")}'`;
  }
  return value as SqlValue;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^SQLITE_[A-Z_]+: (?:sqlite3 result code \d+: )?/, "").slice(0, 200);
}
