import { expect, test } from "vitest";
import { delexicaliseSql } from "../../../../src/domain/lab/delexicalise.ts";
import type { SqlExample } from "../../../../src/domain/lab/sql/sql-rows.ts";
import { SqlJudge, textToSql } from "../../../../src/domain/lab/sql/text-to-sql.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const CONTEXT = "CREATE TABLE head (age INTEGER, name VARCHAR)";

function example(id: string, question: string, answer: string, context = CONTEXT): SqlExample {
  return { id, line: Number(id), group: context, question, context, answer };
}

const EXAMPLES = [
  example("1", "How many heads are older than 56?", "SELECT COUNT(*) FROM head WHERE age > 56"),
  example("2", "Names of all, by age", "SELECT name FROM head ORDER BY age"),
  example("3", "Names of all", "SELECT name FROM head"),
  example("4", "Who is Ada?", "SELECT age FROM head WHERE name = 'Ada'"),
  example("5", "Who is nobody?", "SELECT age FROM head WHERE age > 1 AND age < 1"),
];

const SAID: Readonly<Record<string, string>> = {
  "How many heads are older than 56?": "```sql\nselect count(*) from head where 56 < age;\n```",
  "Names of all, by age": "SELECT name FROM head",
  "Names of all": 'SELECT "name" FROM head;',
  "Who is Ada?": "I do not know.",
  "Who is nobody?": "SELECT age FROM head",
};

test("answers are judged by what they find, and the families of the right query are told apart", async () => {
  const task = textToSql();
  const model = new ScriptedModel({ answer: (prompt) => SAID[lastMessage(prompt).split("\n\n")[1]!]! });
  const answers = await task.examine(model, EXAMPLES, {});
  expect(answers.map(({ measures }) => measures)).toEqual([
    { executionAccuracy: 1, executableRate: 1, exactMatch: 0, aggAccuracy: 1, whereAccuracy: 1 },
    { executionAccuracy: 0, executableRate: 1, exactMatch: 0, orderAccuracy: 0 },
    { executionAccuracy: 1, executableRate: 1, exactMatch: 0 },
    { executionAccuracy: 0, executableRate: 0, exactMatch: 0, whereAccuracy: 0 },
    { exactMatch: 0 },
  ]);
  const known = new Set(task.measures.map(({ key }) => key));
  for (const { measures } of answers) for (const key of Object.keys(measures)) expect(known).toContain(key);
  expect(answers[0]!.detail).toMatchObject({
    sql: "select count(*) from head where 56 < age",
    families: ["agg", "where"],
  });
  expect(answers[3]!.detail).toMatchObject({ error: expect.stringMatching(/begins with I/) as string });
  expect(answers[4]!.detail).toMatchObject({ unjudged: expect.stringMatching(/finds nothing/) as string });
  expect(JSON.parse(JSON.stringify(answers))).toEqual(answers);
});

test("the right answers are right, asked in either template and with either way of drawing rows", async () => {
  for (const template of ["chat", "powerful"] as const) {
    const task = textToSql(template);
    const gold = new Map(
      EXAMPLES.map((own) => [task.conversations(own)[0]!.messages.at(-2)!.content!, own.answer]),
    );
    const model = new ScriptedModel({ answer: (prompt) => gold.get(lastMessage(prompt))! });
    const answers = await task.examine(model, EXAMPLES.slice(0, 4), { seed: 5 });
    expect(answers.map(({ measures }) => measures["executionAccuracy"])).toEqual([1, 1, 1, 1]);
    expect(answers.map(({ measures }) => measures["exactMatch"])).toEqual([1, 1, 1, 1]);
  }
});

test("what is learnt is the prompt that is asked, with the answer behind it", async () => {
  for (const placeholders of [false, true]) {
    const task = textToSql();
    const model = new ScriptedModel({ placeholders });
    await task.examine(model, EXAMPLES.slice(0, 1), {});
    const [learnt] = task.conversations(EXAMPLES[0]!, model);
    const prompt = { messages: learnt!.messages.slice(0, -1) };
    expect(model.format.render(prompt, { addGenerationPrompt: true }).text).toBe(model.asked[0]!.prompt);
  }
});

test("a model of placeholders reads and writes placeholders, and its query is judged in the schema's own names", async () => {
  const task = textToSql();
  const own = delexicaliseSql(EXAMPLES[0]!);
  const model = new ScriptedModel({ placeholders: true, answer: () => own.query(EXAMPLES[0]!.answer) });
  const [answer] = await task.examine(model, EXAMPLES.slice(0, 1), {});
  expect(model.asked[0]!.prompt).not.toMatch(/head|age|56/);
  expect(answer!.text).toMatch(/SELECT COUNT \( \* \) FROM t\d WHERE c\d+ > x\d/);
  expect(answer!.measures).toMatchObject({ executionAccuracy: 1, exactMatch: 1 });
  expect(answer!.detail).toMatchObject({ sql: expect.stringMatching(/FROM head WHERE age > 56/) as string });
});

test("held to a grammar, an answer may name what its own schema has, and nothing else", async () => {
  const model = new ScriptedModel({ answer: () => "SELECT name FROM head" });
  await textToSql().examine(model, EXAMPLES.slice(0, 1), { constrained: true });
  const constraint = model.asked[0]!.constraint!;
  expect(constraint.kind).toBe("grammar");
  expect(constraint.kind === "grammar" && constraint.grammar).toContain('name ::= "age" | "name"');
});

test("rows whose answers cannot be judged are named by line before anything is trained", async () => {
  const judge = await SqlJudge.open();
  const rows = [...EXAMPLES, example("6", "Odd?", "SELECT odd FROM head")];
  expect(judge.notes(rows)).toMatchObject([
    { line: 5, reason: expect.stringMatching(/finds nothing/) as string },
    { line: 6, reason: expect.stringMatching(/no such column: odd/) as string },
  ]);
});
