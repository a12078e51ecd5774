import { expect, test } from "vitest";
import { readSqlRows } from "../../../../src/domain/lab/sql/sql-rows.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = (...rows: unknown[]): Uint8Array => bytes(rows.map((row) => JSON.stringify(row)).join("\n"));

const CONTEXT = "CREATE TABLE head (age INTEGER)";
const GOLD = "SELECT COUNT(*) FROM head WHERE age > 56";

test("the names that people have for the three parts, and groups by schema", () => {
  const { examples, notes } = readSqlRows(
    "rows.jsonl",
    lines(
      { question: "How many?", context: CONTEXT, answer: GOLD },
      { input: "Who?", context: "create table HEAD (age  INTEGER);", output: GOLD },
      {
        id: "x",
        question: "Where?",
        schema: "CREATE TABLE town (a INT)",
        query: "WITH t AS (SELECT 1) SELECT * FROM t",
      },
    ),
  );
  expect(notes).toEqual([]);
  expect(examples.map(({ id, line, question }) => [id, line, question])).toEqual([
    ["1", 1, "How many?"],
    ["2", 2, "Who?"],
    ["x", 3, "Where?"],
  ]);
  expect(examples[1]!.group).toBe(examples[0]!.group);
  expect(examples[2]!.group).not.toBe(examples[0]!.group);
});

test("CSV with quoted statements", () => {
  const { examples } = readSqlRows(
    "rows.csv",
    bytes(`question,context,answer\n"How many, all?","${CONTEXT}","${GOLD}"\n`),
  );
  expect(examples[0]).toMatchObject({ question: "How many, all?", context: CONTEXT, answer: GOLD, line: 2 });
});

const BAD = [
  [{ question: "How many?", context: CONTEXT }, /"answer" is missing/],
  [{ question: "How many?", context: "head (age)", answer: GOLD }, /context must hold CREATE TABLE/],
  [{ question: "How many?", context: CONTEXT, answer: "DROP TABLE head" }, /begins with SELECT or WITH/],
  [{ question: "How many?", context: CONTEXT, answer: `${GOLD}; ${GOLD}` }, /must be one statement/],
  [
    { question: "How many?", context: CONTEXT, answer: "SELECT 'x" },
    /the answer has a quote that never closes/,
  ],
] as const;

test.each(BAD)("line 2 is refused: %j", (row, reason) => {
  const good = { question: "How many?", context: CONTEXT, answer: GOLD };
  expect(() => readSqlRows("rows.jsonl", lines(good, row))).toThrow(reason);
  const { examples, notes } = readSqlRows("rows.jsonl", lines(good, row), { skipBadRows: true });
  expect(examples).toHaveLength(1);
  expect(notes).toMatchObject([{ line: 2, skipped: true }]);
  expect(notes[0]!.reason).toMatch(reason);
});
