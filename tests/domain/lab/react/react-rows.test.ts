import { expect, test } from "vitest";
import { readReactRows, readToolFile } from "../../../../src/domain/lab/react/react-rows.ts";
import { reactTask } from "../../../../src/domain/lab/react/react-task.ts";
import { stepText } from "../../../../src/domain/lab/react/steps.ts";
import { bytesOf, jsonLines } from "../reference.ts";

const TRACE = [
  "Thought: I have to look.",
  "Action: lookup",
  'Action Input: {"key": "k3"}',
  "Observation: v7",
  "Thought: I know it.",
  "Answer: v7",
].join("\n");
const TOOL = {
  name: "lookup",
  description: "Looks up a key",
  sandbox: { kind: "lookup", table: { k3: "v7" } },
};
const ROW = { question: "What is k3?", trace: TRACE };

test("traces are read with the tools of a line above them, each step is one example with what came before", () => {
  const { examples, notes } = readReactRows("t.jsonl", jsonLines({ tools: [TOOL] }, ROW));
  expect(notes).toEqual([]);
  const [example] = examples;
  expect(example).toMatchObject({ line: 2, question: "What is k3?", answers: ["v7"], observations: ["v7"] });
  expect(example!.system).toContain('{"name": "lookup", "description": "Looks up a key"}');
  expect(example!.system).not.toContain("sandbox");
  const [first, second] = reactTask.conversations(example!);
  expect(first!.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
  expect(second!.messages.map(({ role, weight }) => [role, weight])).toEqual([
    ["system", undefined],
    ["user", undefined],
    ["assistant", 0], // learnt with its own example
    ["user", undefined],
    ["assistant", undefined],
  ]);
  expect(second!.messages.at(-2)!.content).toBe("Observation: v7");
  expect(second!.messages.at(-1)!.content).toBe("Thought: I know it.\nAnswer: v7");
});

test("calls that LlamaIndex logged one a line become one trace, with their Python quotes repaired", () => {
  const system =
    '> Tool Name: lookup\nTool Description: Looks up a key\nTool Args: {"key": "string"}\n\nHere are messages.';
  const opening = [
    { role: "system", content: system },
    { role: "user", content: "What is k3?" },
  ];
  const first = {
    role: "assistant",
    content: "Thought: I have to look.\nAction: lookup\nAction Input: {'key': 'k3'}",
  };
  const rest = [
    { role: "user", content: "Observation: v7\nAnswer: not the agent's" },
    { role: "assistant", content: "Thought: I know it.\nAnswer: v7" },
  ];
  const file = jsonLines({ messages: [...opening, first] }, { messages: [...opening, first, ...rest] });
  const { examples, notes } = readReactRows("logged.jsonl", file);
  expect(examples).toHaveLength(1);
  expect(examples[0]!.tools.map(({ name }) => name)).toEqual(["lookup"]);
  expect(examples[0]!.observations).toEqual(["v7\nAnswer: not the agent's"]);
  expect(stepText(examples[0]!.steps[0]!)).toContain('Action Input: {"key": "k3"}');
  expect(notes.filter(({ skipped }) => skipped)).toEqual([
    { line: 1, reason: "its steps stand in line 2 too; they count once", skipped: true },
  ]);
  expect(notes.map(({ reason }) => reason).join()).toContain("no JSON (single quotes)");
});

test("a plain text of traces is read, tools at its top", () => {
  const text = `Tools: ${JSON.stringify([TOOL])}\n\nQuestion: What is k3?\n${TRACE}\n\nQuestion: Who are you?\nThought: Easy.\nAnswer: an agent\n`;
  const { examples } = readReactRows("t.txt", bytesOf(text));
  expect(examples.map(({ line, question, steps }) => [line, question, steps.length])).toEqual([
    [3, "What is k3?", 2],
    [11, "Who are you?", 1],
  ]);
  expect(examples[0]!.tools[0]!.rule.kind).toBe("lookup");
});

test("rows are groups by their own tools where these differ, else by their question", () => {
  const other = { ...TOOL, name: "search" };
  const own = readReactRows(
    "t.jsonl",
    jsonLines(
      { ...ROW, tools: [TOOL] },
      { ...ROW, question: "b", tools: [TOOL] },
      { ...ROW, question: "c", tools: [TOOL, other] },
    ),
  ).examples.map(({ group }) => group);
  expect(own[0]).toBe(own[1]);
  expect(own[2]).not.toBe(own[0]);
  const shared = readReactRows(
    "t.jsonl",
    jsonLines({ tools: [TOOL] }, ROW, { ...ROW, question: "b" }),
  ).examples;
  expect(shared.map(({ group }) => group)).toEqual(["what is k3?", "b"]);
});

test("what is wrong with a row is named by its line and step", () => {
  const bad = (trace: string): unknown => ({ question: "q", trace });
  const rows: readonly (readonly [string, RegExp])[] = [
    ["Action: lookup\nObservation: x", /step 1: the action "lookup" has no "Action Input"/],
    [
      "Action: lookup\nAction Input: key=3\nObservation: x\nAnswer: y",
      /step 1: the input "key=3" is no JSON object/,
    ],
    [
      "Action: other\nAction Input: {}\nObservation: x\nAnswer: y",
      /step 1 calls "other"; the tools are lookup/,
    ],
    ["Action: lookup\nAction Input: {}\nAnswer: y", /step 2: the step before it has no observation/],
    ["Answer: y\nThought: more", /step 2: Thought stands after the answer/],
    ["Thought: hm", /step 1: it ends with a thought/],
    ["nothing", /step 1: there is neither an action nor an answer/],
  ];
  for (const [trace, reason] of rows) {
    const file = jsonLines({ tools: [TOOL] }, ROW, bad(trace));
    expect(() => readReactRows("t.jsonl", file), trace).toThrow(reason);
    const { examples, notes } = readReactRows("t.jsonl", file, { skipBadRows: true });
    expect(examples).toHaveLength(1);
    expect(notes).toMatchObject([
      { line: 3, skipped: true, reason: expect.stringMatching(reason) as string },
    ]);
  }
});

test("a trace that the sandbox plays differently, or without an answer, is noted", () => {
  const wrong = { ...TOOL, sandbox: { kind: "lookup", table: { k3: "v8" } } };
  const cut = { question: "q", trace: TRACE.split("\nThought: I know")[0] };
  const { notes } = readReactRows("t.jsonl", jsonLines({ tools: [wrong] }, ROW, cut));
  expect(notes.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
    '2: step 1 observed "v7", the sandbox says "v8"; the sandbox counts',
    "3: no answer: steps are judged, success is not",
    '3: step 1 observed "v7", the sandbox says "v8"; the sandbox counts',
  ]);
});

test("tools come from a JSON file, and bad definitions are refused with a reason", () => {
  const tools = readToolFile(
    "tools.json",
    bytesOf(JSON.stringify({ tools: [{ type: "function", function: TOOL }] })),
  );
  expect(tools).toMatchObject([{ name: "lookup", rule: { kind: "lookup" } }]);
  expect(readReactRows("t.jsonl", jsonLines(ROW), { tools }).examples[0]!.tools).toEqual(tools);
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ description: "x" }, /a tool must be/],
    [{ name: "two words" }, /one word/],
    [{ name: "a", sandbox: { kind: "shell" } }, /the sandbox of "a" must be of the kind/],
    [{ name: "a", sandbox: { kind: "lookup" } }, /needs a "table" or "rows"/],
    [{ name: "a", sandbox: { kind: "formula" } }, /needs a "formula"/],
    [{ name: "a", sandbox: { kind: "sqlite" } }, /needs a "schema"/],
  ];
  for (const [tool, reason] of refused)
    expect(() => readToolFile("tools.json", bytesOf(JSON.stringify([tool])))).toThrow(reason);
  expect(() => readToolFile("tools.json", bytesOf(JSON.stringify([TOOL, TOOL])))).toThrow(/defined twice/);
});
