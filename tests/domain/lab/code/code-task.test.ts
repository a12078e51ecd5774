import { describe, expect, test } from "vitest";
import {
  codeTokens,
  editSimilarity,
  normalisedCode,
  tokenF1,
} from "../../../../src/domain/lab/code/code-likeness.ts";
import { readCodeRows, type CodeExample } from "../../../../src/domain/lab/code/code-rows.ts";
import { codeOf, codeTask } from "../../../../src/domain/lab/code/code-task.ts";
import { expectClose } from "../../../close.ts";
import { lastMessage, ScriptedModel } from "../scripted-model.ts";

const ROBOT = `root ::= command ("; " command)*\ncommand ::= "move " ("north" | "south") " " [1-9] | "take " [a-z]+`;

function read(...rows: readonly object[]): readonly CodeExample[] {
  return readCodeRows("rows.jsonl", lines(...rows)).examples;
}

function lines(...rows: readonly object[]): Uint8Array {
  return new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join("\n"));
}

test("the names that people have for the two parts, and groups by equal code", () => {
  const examples = read(
    { text: "go", code: "move north 1" },
    { prompt: "walk", output: "move  north 1 " },
    { input: "x", answer: "take x", id: "own", group: "g" },
  );
  expect(examples.map(({ id, text, code }) => [id, text, code])).toEqual([
    ["1", "go", "move north 1"],
    ["2", "walk", "move  north 1 "],
    ["own", "x", "take x"],
  ]);
  expect(examples[0]!.group).toBe(examples[1]!.group);
  expect(examples[2]!.group).toBe("g");
});

test("bad rows are named by line", () => {
  const rows = [
    { text: "go", code: "x" },
    { text: "go" },
    { code: "y" },
    { text: "go", code: "y", schema: { $ref: "#/no" } },
  ];
  const { examples, notes } = readCodeRows("rows.jsonl", lines(...rows), { skipBadRows: true });
  expect(examples).toHaveLength(1);
  expect(notes.map(({ line, skipped }) => [line, skipped])).toEqual([
    [2, true],
    [3, true],
    [4, true],
  ]);
});

describe("likeness of code", () => {
  test("white space counts as indentation and in quotes, and nowhere else", () => {
    expect(normalisedCode("  if a:\n\n\t  b  =  'x  y'\n")).toBe("if a:\n    b = 'x  y'");
    expect(normalisedCode("a\n  b")).not.toBe(normalisedCode("a\nb"));
  });

  test("known values", () => {
    expect(codeTokens("f_1(x, 2.5)=='ü'")).toEqual([
      "f_1",
      "(",
      "x",
      ",",
      "2.5",
      ")",
      "=",
      "=",
      "'",
      "ü",
      "'",
    ]);
    const f1 = [
      tokenF1("move north 1", "move south 1"),
      tokenF1("", ""),
      tokenF1("a a a", "a"),
      tokenF1("a", "b"),
    ];
    expectClose(f1, [2 / 3, 1, 0.5, 0], { absolute: 1e-12 });
    const edits = [
      editSimilarity("kitten", "sitting"),
      editSimilarity("", ""),
      editSimilarity("abc", ""),
      editSimilarity("a  b", "a b"),
    ];
    expectClose(edits, [1 - 3 / 7, 1, 0, 1], { absolute: 1e-12 });
  });

  test("the code of an answer is what its fence holds, or all of it with its indentation", () => {
    expect(codeOf("Here:\n```python\n  a\n    b\n```\nDone.")).toBe("  a\n    b");
    expect(codeOf("\n  a\n    b\n")).toBe("  a\n    b");
    expect(codeOf("```\na = 1")).toBe("a = 1");
  });
});

test("answers are judged by equality, by the grammar and by how little is missing", async () => {
  const examples = read(
    { grammar: ROBOT },
    { text: "go up", code: "move north 3; take lamp" },
    { text: "go down", code: "move south 1" },
    { text: "say", code: "take x" },
  );
  expect(examples.every(({ form }) => form?.kind === "grammar")).toBe(true);
  const said = new Map([
    ["go up", "```\nmove  north 3; take lamp\n```"],
    ["go down", "move south 12"],
    ["say", "take y"],
  ]);
  const model = new ScriptedModel({ answer: (prompt) => said.get(lastMessage(prompt))! });
  const answers = await codeTask().examine(model, examples, { constrained: true });
  // Two spaces are a difference to the grammar, not to the eye.
  expect(answers.map(({ measures }) => [measures["exactMatch"], measures["validity"]])).toEqual([
    [1, 0],
    [0, 0],
    [0, 1],
  ]);
  expect(answers[1]!.measures["editSimilarity"]).toBeCloseTo(1 - 1 / 13, 12);
  expect(answers[1]!.detail).toMatchObject({
    said: "move south 12",
    faults: [{ reason: expect.stringMatching(/grammar/) as string }],
  });
  expect(model.asked[0]!.constraint).toEqual({ kind: "grammar", grammar: ROBOT });
});

test("JSON is compared as JSON, and told where it breaks its schema; without a form there is no validity", async () => {
  const schema = { type: "object", properties: { size: { type: "integer" } }, required: ["size"] };
  const [example] = read({ text: "size 3", code: '{"size": 3}', schema });
  const judged = async (answer: string, own: CodeExample): Promise<unknown> => {
    const [first] = await codeTask().examine(new ScriptedModel({ answer: () => answer }), [own], {});
    return [
      first!.measures["exactMatch"],
      first!.measures["validity"],
      (first!.detail as { faults: { path: string }[] }).faults.map(({ path }) => path),
    ];
  };
  expect(await judged('{ "size":3 }', example!)).toEqual([1, 1, []]);
  expect(await judged('{"size": "3"}', example!)).toEqual([0, 0, ["/size"]]);
  expect(await judged("size 3", example!)).toEqual([0, 0, [""]]);
  const [free] = read({ text: "size 3", code: "x = 3" });
  expect(await judged("x = 3", free!)).toEqual([1, undefined, []]);
});

test("a form of the task holds for rows without one, and what is learnt is what is asked", async () => {
  const [example] = read({ text: "go up", code: "move north 3" });
  const task = codeTask({ kind: "grammar", grammar: ROBOT });
  for (const placeholders of [false, true]) {
    const model = new ScriptedModel({ placeholders, answer: () => "move north 3" });
    const [answer] = await task.examine(model, [example!], {});
    expect(answer!.measures).toEqual({ exactMatch: 1, validity: 1, tokenF1: 1, editSimilarity: 1 });
    const [learnt] = task.conversations(example!, model);
    const prompt = { messages: learnt!.messages.slice(0, -1) };
    expect(model.asked[0]!.prompt).toBe(model.format.render(prompt, { addGenerationPrompt: true }).text);
  }
});

test("a grammar that is none is refused before anything is judged by it", async () => {
  const [example] = read({ text: "go", code: "x", grammar: "root ::= (" });
  await expect(codeTask().examine(new ScriptedModel({}), [example!], {})).rejects.toMatchObject({
    code: "usage",
  });
});
