import { describe, expect, it } from "vitest";
import { delexicaliseCall, delexicaliseSql } from "../../../src/domain/lab/delexicalise.ts";

const SQL = {
  question: "How many rivers have a max_depth over 30 and a country of Norway?",
  context: "CREATE TABLE rivers (name VARCHAR(20), max_depth INTEGER, country TEXT, PRIMARY KEY (name))",
};

describe("delexicaliseSql", () => {
  it("writes a question, its table and its query in placeholders, and the query back in the schema's words", () => {
    const { question, context, query, original } = delexicaliseSql(SQL);
    const asked = /^how many (t\d) have a (c\d+) over (x\d) and a (c\d+) of (v\d)$/.exec(question);
    expect(asked).not.toBeNull();
    const [, table, depth, thirty, country, norway] = asked!;
    expect(context).toMatch(/^CREATE TABLE t\d \( c\d+ TEXT , c\d+ INT , c\d+ TEXT \)$/);
    const sql = "select count(*) from rivers where max_depth > 30 and country = 'Norway';";
    const nano = query(sql);
    expect(nano).toBe(
      `SELECT COUNT ( * ) FROM ${table} WHERE ${depth} > ${thirty} AND ${country} = ${norway}`,
    );
    expect(original(nano)).toBe("SELECT COUNT ( * ) FROM rivers WHERE max_depth > 30 AND country = 'Norway'");
  });

  it("reads names that are said in words, plurals, quoted texts, and keeps what the question does not hold", () => {
    const { question, query, original } = delexicaliseSql({
      question: "Show the 'O''Brien' release years of song titles",
      context: 'CREATE TABLE "song title" (releaseYear INT)',
    });
    expect(question).toMatch(/^show the v\d v\d c\d+ of t\d$/);
    expect(query('SELECT releaseYear FROM "song title" LIMIT 3')).toMatch(/^SELECT c\d+ FROM t\d LIMIT 3$/);
    const there = query('SELECT releaseYear FROM "song title"');
    expect(original(there)).toBe('SELECT releaseYear FROM "song title"');
  });

  it("numbers placeholders by the row: alike for equal rows, otherwise for others", () => {
    expect(delexicaliseSql(SQL).context).toBe(delexicaliseSql(SQL).context);
    const others = Array.from(
      { length: 8 },
      (_, at) => delexicaliseSql({ ...SQL, question: `${SQL.question} ${at}` }).context,
    );
    expect(new Set(others).size).toBeGreaterThan(4);
  });

  it("doubles quotes of a text that it puts into a query", () => {
    const { question, original } = delexicaliseSql({ ...SQL, question: `which rivers are in "Cote d'Or"` });
    const [placeholder] = /v\d/.exec(question)!;
    expect(original(`SELECT name FROM rivers WHERE country = ${placeholder}`)).toContain("'Cote d''Or'");
  });
});

const TOOLS = [
  {
    name: "set_alarm",
    parameters: {
      type: "object",
      properties: { hour: { type: "integer", description: "0 to 23" }, label: { type: "string" } },
      required: ["hour"],
      additionalProperties: false,
    },
  },
];

describe("delexicaliseCall", () => {
  it("writes request, functions and call in placeholders, and the call back with numbers as numbers", () => {
    const { utterance, tools, call, original } = delexicaliseCall({
      utterance: 'Please set alarm with hour 7 and label "wake up"',
      tools: TOOLS,
    });
    const said = /^please (t\d) with (c\d+) "(x\d)" and (c\d+) "(v\d)"$/.exec(utterance);
    expect(said).not.toBeNull();
    const [, name, hour, seven, label, text] = said!;
    expect(tools).toEqual([
      {
        name,
        parameters: {
          type: "object",
          properties: { [hour!]: { type: "string" }, [label!]: { type: "string" } },
          required: [hour],
          additionalProperties: false,
        },
      },
    ]);
    const gold = '{"name": "set_alarm", "arguments": {"hour": 7, "label": "wake up"}}';
    const nano = call(gold);
    expect(nano).toBe(`{"name": "${name}", "arguments": {"${hour}": "${seven}", "${label}": "${text}"}}`);
    expect(original(nano)).toBe(gold);
  });

  it("changes text that is no JSON, too", () => {
    const { original } = delexicaliseCall({ utterance: "set alarm", tools: TOOLS });
    expect(original('{"name": "t99", oops')).toBe('{"name": "t99", oops');
  });
});
