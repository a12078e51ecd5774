import { describe, expect, test } from "vitest";
import { SqlBench } from "../../../../src/domain/lab/sql/execution.ts";
import { openSqlite } from "../../../../src/domain/lab/sql/sqlite.ts";
import { wrongPairs } from "./wrong-pairs.ts";

const HEADS =
  "CREATE TABLE head (head_id INTEGER PRIMARY KEY, name VARCHAR, born TEXT, age INTEGER, since DATE)";
const TOWNS = `${HEADS}; CREATE TABLE town (head_id INTEGER, city VARCHAR, size REAL)`;

async function accepted(context: string, gold: string, answer: string): Promise<boolean> {
  const bench = new SqlBench(await openSqlite(), context, gold);
  try {
    return bench.judge(answer).accepted;
  } finally {
    bench.close();
  }
}

describe("the same meaning in other words is accepted", () => {
  test.each([
    ["SELECT COUNT(*) FROM head WHERE age > 56", "SELECT COUNT(head_id) FROM head AS h WHERE 56 < h.age"],
    [
      "SELECT name FROM head WHERE age BETWEEN 20 AND 30",
      "SELECT name FROM head WHERE age >= 20 AND age <= 30",
    ],
    ["SELECT DISTINCT born FROM head", "SELECT born FROM head GROUP BY born"],
    ["SELECT MAX(age) FROM head", "SELECT age FROM head ORDER BY age DESC LIMIT 1"],
    [
      "SELECT T1.name FROM head AS T1 JOIN town AS T2 ON T1.head_id = T2.head_id WHERE T2.city = 'Oslo'",
      'SELECT name FROM town, head WHERE head.head_id = town.head_id AND city = "Oslo"',
    ],
    ["SELECT AVG(size) FROM town", "SELECT SUM(size) / COUNT(size) FROM town"],
    [
      "SELECT name FROM head WHERE name LIKE '%Ad%'",
      "SELECT name FROM head WHERE instr(lower(name), 'ad') > 0",
    ],
  ])("%s", async (gold, answer) => {
    expect(await accepted(TOWNS, gold, answer)).toBe(true);
    expect(await accepted(TOWNS, answer, gold)).toBe(true);
  });
});

describe("a near miss is not", () => {
  test.each([
    ["SELECT COUNT(*) FROM head WHERE age > 56", "SELECT COUNT(*) FROM head WHERE age >= 56"],
    ["SELECT COUNT(*) FROM head WHERE age > 56", "SELECT COUNT(*) FROM head WHERE age > 57"],
    ["SELECT COUNT(name) FROM head", "SELECT COUNT(*) FROM head"],
    ["SELECT COUNT(DISTINCT name) FROM head", "SELECT COUNT(DISTINCT born) FROM head"],
    ["SELECT name FROM head", "SELECT DISTINCT name FROM head"],
    ["SELECT name FROM head", "SELECT name FROM head WHERE age != 56"],
    ["SELECT name FROM head WHERE born = 'Oslo' AND age < 40", "SELECT name FROM head WHERE born = 'Oslo'"],
    [
      "SELECT name FROM head WHERE born = 'Oslo' AND age < 40",
      "SELECT name FROM head WHERE born = 'Oslo' OR age < 40",
    ],
    ["SELECT name FROM head WHERE born LIKE 'Os%'", "SELECT name FROM head WHERE born LIKE '%Os%'"],
    ["SELECT name FROM head ORDER BY age", "SELECT name FROM head ORDER BY age DESC"],
    ["SELECT name FROM head ORDER BY age", "SELECT name FROM head"],
    ["SELECT name, age FROM head", "SELECT age, name FROM head"],
    [
      "SELECT born FROM head GROUP BY born HAVING COUNT(*) > 2",
      "SELECT born FROM head GROUP BY born HAVING COUNT(*) > 3",
    ],
    ["SELECT name FROM head WHERE since > '2001-05-01'", "SELECT name FROM head WHERE since < '2001-05-01'"],
    ["SELECT name FROM head WHERE age > (SELECT AVG(age) FROM head)", "SELECT name FROM head WHERE age > 50"],
    ["SELECT name FROM head WHERE head_id NOT IN (SELECT head_id FROM town)", "SELECT name FROM head"],
    [
      "SELECT T1.name FROM head AS T1 JOIN town AS T2 ON T1.head_id = T2.head_id",
      "SELECT T1.name FROM head AS T1 LEFT JOIN town AS T2 ON T1.head_id = T2.head_id",
    ],
    ["SELECT name FROM head WHERE born IS NULL", "SELECT name FROM head WHERE born = ''"],
  ])("%s / %s", async (gold, answer) => expect(await accepted(TOWNS, gold, answer)).toBe(false));
});

test("what cannot be judged says why", async () => {
  const sqlite = await openSqlite();
  const bench = (context: string, gold: string): SqlBench => new SqlBench(sqlite, context, gold);
  expect(() => bench(HEADS, "SELECT name FROM head WHERE age > 5 AND age < 5")).toThrow(
    /finds nothing in 3 of 3/,
  );
  expect(() => bench(HEADS, "SELECT COUNT(*) FROM head WHERE 1 = 0")).toThrow(/finds nothing/);
  expect(() => bench(HEADS, "SELECT nme FROM head")).toThrow(/no such column: nme/);
  expect(() => bench("CREATE TABLE head (age", "SELECT age FROM head")).toThrow(/refuses the context/);
});

test("conditions on many columns at once find rows", async () => {
  const gold =
    "SELECT T2.city FROM head AS T1 JOIN town AS T2 ON T1.head_id = T2.head_id WHERE T1.born = 'Oslo' " +
    "AND T1.name = 'Ada' AND T1.age = 56 AND T2.size > 12.5 AND T2.city != 'Rome' AND T1.since LIKE '2001%'";
  expect(await accepted(TOWNS, gold, gold)).toBe(true);
  expect(await accepted(TOWNS, gold, gold.replace("= 56", "> 56"))).toBe(false);
});

test("names that begin with a digit, bare as in much data, are names", async () => {
  const context = "CREATE TABLE table_1 (2nd_leg VARCHAR, 1st_leg VARCHAR, n INTEGER)";
  const gold = 'SELECT 2nd_leg FROM table_1 WHERE 1st_leg = "2-1" AND n > 1e1 AND n != 0x1F';
  expect(await accepted(context, gold, gold.replace('"2-1"', "'2-1'").replace("1e1", "10"))).toBe(true);
  expect(await accepted(context, gold, gold.replace("2nd_leg", "1st_leg"))).toBe(false);
});

test("columns of texts that hold numbers are filled with numbers", async () => {
  const context = "CREATE TABLE table_1 (year VARCHAR, points VARCHAR)";
  const gold = "SELECT AVG(points) FROM table_1 WHERE year > 1998";
  expect(await accepted(context, gold, gold)).toBe(true);
  expect(await accepted(context, gold, "SELECT AVG(points) FROM table_1")).toBe(false);
});

test("of 150 wrong queries on the right schema none is accepted, and every right one is", async () => {
  const { pairs, accepted: wrong, refusedGold, unjudged } = await wrongPairs(150, 11);
  expect({ pairs, wrong, refusedGold }).toEqual({ pairs: 150, wrong: [], refusedGold: [] });
  expect(unjudged).toBeLessThan(4);
});
