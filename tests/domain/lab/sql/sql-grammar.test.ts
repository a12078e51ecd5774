import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GrammarCheck } from "../../../../src/domain/generate/grammar-check.ts";
import { sqlGrammar } from "../../../../src/domain/lab/sql/sql-grammar.ts";
import { textToSql } from "../../../../src/domain/lab/sql/text-to-sql.ts";
import { ScriptedModel } from "../scripted-model.ts";
import { drawnSchemas } from "./sql-questions.ts";

const CONTEXT =
  'CREATE TABLE head (head_id INT, name VARCHAR(20), "odd name" TEXT, PRIMARY KEY (head_id)); ' +
  "CREATE TABLE town (head_id INT REFERENCES head(head_id), size REAL CHECK (size > 0, 1))";

let check: GrammarCheck;

beforeAll(async () => {
  check = await GrammarCheck.open(sqlGrammar(CONTEXT, ["v2", "x1"]));
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
    ["SELECT name FROM head ORDER BY head_id ASC LIMIT x1", true],
    ["SELECT name FROM head ORDER BY head_id ASC LIMIT v2", false],
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
  const schemas = drawnSchemas(5, 3, 14);
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

test("right queries of the sample project are of the grammar that answers are held to, in placeholders, too", async () => {
  const file = readFileSync("public/samples/lab/text-to-sql/test.jsonl");
  const { examples } = textToSql().read("test.jsonl", file);
  for (const placeholders of [false, true]) {
    const rows = examples.slice(0, 12);
    const model = new ScriptedModel({ placeholders, answer: () => "" });
    await textToSql().examine(model, rows, { constrained: true });
    for (const [place, example] of rows.entries()) {
      const { constraint } = model.asked[place]!;
      const own = await GrammarCheck.open(constraint?.kind === "grammar" ? constraint.grammar : "");
      const right = textToSql().conversations(example, model)[0]!.messages.at(-1)!.content!;
      expect(await own.accepts(right), right).toBe(true);
      own.dispose();
    }
  }
});
