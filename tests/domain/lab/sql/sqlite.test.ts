import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sameResult } from "../../../../src/domain/lab/sql/same-result.ts";
import { MemoryDatabase, openSqlite, type SqlValue } from "../../../../src/domain/lab/sql/sqlite.ts";

let database: MemoryDatabase;

beforeAll(async () => {
  database = new MemoryDatabase(await openSqlite());
  database.define(
    "CREATE TABLE head (age INTEGER, name VARCHAR, pay REAL); CREATE TABLE town (id INT PRIMARY KEY)",
  );
  database.insert("head", [
    [56, "Ada", 1.5],
    [40, "Bo", null],
    [9007199254740993n, "Cy", 0.1 + 0.2],
  ]);
});

afterAll(() => database.close());

describe("the sandbox", () => {
  test.each([
    ["DELETE FROM head", /begins with DELETE/],
    ["SELECT 1; DROP TABLE head", /2 statements/],
    ["", /0 statements/],
    ["WITH x AS (SELECT 1) DELETE FROM head", /not authorized/],
    ["WITH x AS (SELECT 1) INSERT INTO head SELECT 1, 2, 3", /not authorized/],
    ["SELECT * FROM pragma_table_info('head')", /not authorized/],
    ["PRAGMA writable_schema = 1", /begins with PRAGMA/],
    ["ATTACH 'file.db' AS x", /begins with ATTACH/],
    ["SELECT random()", /not authorized/],
    ["SELECT age FROM heads", /no such table: heads/],
    ["SELECT ages FROM head", /no such column: ages/],
    ["SELECT zeroblob(900000000)", /too big/],
    ["WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n", /too long/],
    [
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
      /more than 20000 rows/,
    ],
    ["SELECT 'open", /never closes/],
  ])("refuses %s", (sql, reason) => expect(() => database.query(sql)).toThrow(reason));

  test("and nothing of that changed the database, which still answers", () => {
    expect(database.query("SELECT COUNT(*) FROM head").rows).toEqual([[3]]);
    expect(database.tables()).toEqual(["head", "town"]);
  });
});

test("a name in double quotes that no column has is a text, as people write SQL", () => {
  expect(database.query(`SELECT age FROM head WHERE name = "Ada"`).rows).toEqual([[56]]);
  expect(database.query(`SELECT "name" FROM head WHERE age = 40`).rows).toEqual([["Bo"]]);
});

test("a context makes tables and nothing else", async () => {
  const other = new MemoryDatabase(await openSqlite());
  expect(() => other.define("INSERT INTO t VALUES (1)")).toThrow(/must hold CREATE TABLE/);
  expect(() => other.define("CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END")).toThrow(
    /CREATE TRIGGER/,
  );
  expect(() => other.define("CREATE TABLE t (a, a)")).toThrow(/duplicate column name/);
  expect(() => other.define("  ")).toThrow(/nothing/);
  other.define(`CREATE TABLE IF NOT EXISTS "odd name" ("from" INT, k INT REFERENCES parent(id))`);
  expect(other.columns("odd name").map(({ name }) => name)).toEqual(["from", "k"]);
  expect(other.references("odd name")).toEqual([["k", "parent", "id"]]);
  other.close();
});

describe("two results are the same", () => {
  const table = (...rows: SqlValue[][]): { columns: string[]; rows: SqlValue[][] } => ({
    columns: (rows[0] ?? []).map((_, at) => `c${at}`),
    rows,
  });

  test.each([
    ["rows in another order", table([1, "a"], [2, "b"]), table([2, "b"], [1, "a"]), true, false],
    ["a row less", table([1], [1], [2]), table([1], [2], [2]), false, false],
    ["numbers within 1e-9", table([0.1 + 0.2], [1e12]), table([1e12 + 1e-4], [0.3]), true, false],
    ["numbers beyond it", table([0.3]), table([0.300001]), false, false],
    ["a number and its text", table([3]), table(["3"]), false, false],
    ["whole numbers of both sizes", table([3n]), table([3]), true, true],
    ["NULL and NULL", table([null]), table([null]), true, true],
    ["NULL and 0", table([null]), table([0]), false, false],
    ["another number of columns", table([1, 2]), table([1]), false, false],
    [
      "floats that order differently beside texts",
      table([0.1 + 0.2, "b"], [0.3, "a"]),
      table([0.1 + 0.2, "a"], [0.3, "b"]),
      true,
      false,
    ],
  ])("%s", (_, first, second, asMultiset, asList) => {
    expect(sameResult(first, second, false)).toBe(asMultiset);
    expect(sameResult(first, second, true)).toBe(asList);
  });
});
