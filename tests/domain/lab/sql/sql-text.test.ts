import { expect, test } from "vitest";
import { clauseFamilies, isOrdered } from "../../../../src/domain/lab/sql/sql-clauses.ts";
import { bareSqlPrompt, sqlOf, sqlPrompt } from "../../../../src/domain/lab/sql/sql-prompt.ts";
import { normalisedSql, sqlStatements, sqlTokens } from "../../../../src/domain/lab/sql/sql-tokens.ts";

test("normalised SQL forgets spaces, capitals outside quotes, kinds of quotes and the semicolon, and nothing else", () => {
  const gold = normalisedSql(`SELECT Name FROM head WHERE born = 'Oslo' AND age>=56;`);
  expect(normalisedSql(`select name\nfrom  HEAD where Born="Oslo" and age >= 56 -- done`)).toBe(gold);
  expect(normalisedSql(`SELECT Name FROM head WHERE born = 'oslo' AND age>=56`)).not.toBe(gold);
  expect(normalisedSql(`SELECT Name FROM head WHERE born = 'Oslo' AND age>56`)).not.toBe(gold);
  expect(normalisedSql("SELECT 'it''s'")).toBe(normalisedSql(`SELECT "it's"`));
  expect(normalisedSql("SELECT 'open")).toBe("SELECT 'open");
});

test("statements end at semicolons outside of quotes and comments", () => {
  expect(sqlStatements("SELECT ';' /* ; */ ; -- ;\n DELETE FROM t;")).toHaveLength(2);
  expect(sqlTokens(`"a""b" [c d] \`e\` 'f''g' 1.5e3 <> x`).map(({ value }) => value)).toEqual([
    ...['a"b', "c d", "e", "f'g", "1.5e3", "<>", "x"],
  ]);
  expect(() => sqlTokens(`SELECT "open FROM t`)).toThrow(/never closes/);
});

test.each([
  ["SELECT a FROM t", []],
  ["SELECT COUNT(*) FROM t WHERE a = 'group by'", ["agg", "where"]],
  ["SELECT a, MAX(b) FROM t GROUP BY a ORDER BY 2", ["agg", "group", "order"]],
  ["SELECT x.a FROM t AS x, u AS y WHERE x.k = y.k", ["where", "join"]],
  ["SELECT a, b FROM t WHERE k IN (SELECT k FROM u JOIN w ON u.i = w.i)", ["where", "join"]],
  ["SELECT count FROM t", []],
])("families of %s", (sql, families) => expect(clauseFamilies(sql)).toEqual(families));

test("only the outermost ORDER BY orders a result", () => {
  expect(isOrdered("SELECT a FROM t ORDER BY b")).toBe(true);
  expect(isOrdered("SELECT a FROM t WHERE b IN (SELECT b FROM u ORDER BY c LIMIT 2)")).toBe(false);
});

test("the SQL of an answer is what its fence holds, or its text up to a blank line", () => {
  expect(sqlOf("Here you are:\n```sql\nSELECT a\nFROM t;\n```\nIt lists a.")).toBe("SELECT a\nFROM t");
  expect(sqlOf(" SELECT a FROM t ;\n\nThis lists a.")).toBe("SELECT a FROM t");
  expect(sqlOf("### Response:\nSELECT a FROM t")).toBe("SELECT a FROM t");
  expect(sqlOf("SELECT a FROM t; DROP TABLE t")).toBe("SELECT a FROM t; DROP TABLE t");
});

test("the guide's template is that of its project, letter by letter", () => {
  const asked = { question: "How many heads?", context: "CREATE TABLE head (age INTEGER)" };
  expect(sqlPrompt(asked, "powerful").messages).toEqual([
    {
      role: "user",
      content:
        "You are a powerful text-to-SQL model. Your job is to answer questions about a database. You are given a question and context regarding one or more tables. \n\n" +
        "You must output the SQL query that answers the question.\n\n### Input:\nHow many heads?\n\n" +
        "### Context:\nCREATE TABLE head (age INTEGER)\n\n### Response:\n",
    },
  ]);
  expect(sqlPrompt(asked, "chat").messages.map(({ role }) => role)).toEqual(["system", "user"]);
  expect(bareSqlPrompt(asked).messages).toEqual([
    { role: "user", content: "CREATE TABLE head (age INTEGER) How many heads?" },
  ]);
});
