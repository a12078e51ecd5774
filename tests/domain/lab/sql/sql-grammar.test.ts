import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GrammarCheck } from "../../../../src/domain/generate/grammar-check.ts";
import { sqlGrammar } from "../../../../src/domain/lab/sql/sql-grammar.ts";
import { drawnSchemas } from "./sql-questions.ts";

const CONTEXT =
  'CREATE TABLE head (head_id INT, name VARCHAR(20), "odd name" TEXT, PRIMARY KEY (head_id)); ' +
  "CREATE TABLE town (head_id INT REFERENCES head(head_id), size REAL CHECK (size > 0, 1))";

let check: GrammarCheck;

beforeAll(async () => {
  check = await GrammarCheck.open(sqlGrammar(CONTEXT, ["v2"]));
});

afterAll(() => check.dispose());

describe("the grammar of a schema takes its own names", () => {
  test.each([
    ["SELECT name, head_id FROM head WHERE size > 5 AND name LIKE 'it''s%' ORDER BY name DESC LIMIT 3", true],
    ['SELECT COUNT(DISTINCT "odd name") FROM head', true],
    ["SELECT T1.name FROM head AS T1 JOIN town AS T2 ON T1.head_id = T2.head_id WHERE T2.size = -1.5", true],
    ["SELECT name FROM head WHERE head_id NOT IN (SELECT head_id FROM town)", true],
    ["SELECT name , COUNT ( * ) FROM head GROUP BY name HAVING COUNT ( * ) > 2", true],
    ["SELECT name FROM head WHERE name = v2", true],
    ["SELECT name FROM head UNION SELECT head_id FROM town", true],
    ["SELECT nme FROM head", false],
    ["SELECT name FROM heads", false],
    ["SELECT name FROM head; DROP TABLE head", false],
    ["DELETE FROM head", false],
    ["SELECT name FROM head WHERE name = v3", false],
    ["SELECT size FROM town WHERE PRIMARY = 1", false],
    ["SELECT name FROM", false],
  ])("%s: %s", async (sql, taken) => expect(await check.accepts(sql)).toBe(taken));
});

test("every query of drawn schemas is of its schema's grammar, and of no other schema's", async () => {
  const schemas = drawnSchemas(5, 6, 10);
  for (const [place, { context, queries }] of schemas.entries()) {
    const own = await GrammarCheck.open(sqlGrammar(context));
    for (const query of queries) expect(await own.accepts(query), query).toBe(true);
    const foreign = schemas[(place + 1) % schemas.length]!.queries.filter(
      (query) => !/FROM (\w+)/.test(query) || !context.includes(` ${/FROM (\w+)/.exec(query)![1]!} `),
    );
    for (const query of foreign) expect(await own.accepts(query), query).toBe(false);
    own.dispose();
  }
});
