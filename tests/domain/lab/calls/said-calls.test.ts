import { describe, expect, test } from "vitest";
import { callForm, inForm } from "../../../../src/domain/lab/calls/call-form.ts";
import { saidCalls, saidJson } from "../../../../src/domain/lab/calls/said-calls.ts";
import { formatOf, NAMES } from "../../chat/chat-fixtures.ts";
import { examplesOf, called, chatRow } from "./call-fixtures.ts";

const OFFERED = ["set_alarm", "book_taxi"];
const GIVEN = { hour: 7, label: "a } b" };

test.each(NAMES)("the form in which %s writes calls is found, and calls in it are heard", (name) => {
  const format = formatOf(name);
  const form = callForm(format);
  expect(form.byTemplate).toBe(name !== "zephyr"); // whose template shows no functions
  const [example] = examplesOf(chatRow("Wake me at 7", called("set_alarm", GIVEN)));
  const whole = inForm(example!.conversation, form);
  const prompt = { ...whole, messages: whole.messages.slice(0, -1) };
  const written = format
    .render(whole)
    .text.slice(format.render(prompt, { addGenerationPrompt: true }).text.length);
  const heard = format.tokenizer.decode(format.tokenizer.encode(written), { special: false });
  expect(heard.trim()).toBe(
    `${form.before}set_alarm${form.between}{"hour": 7, "label": "a } b"}${form.after}`.trim(),
  );
  expect(saidCalls(heard, form, OFFERED)).toEqual({
    kind: "calls",
    calls: [{ name: "set_alarm", arguments: GIVEN }],
  });
});

test("functions, calls and results are written out for a template that knows none", () => {
  const row = chatRow("Wake me at 7", called("set_alarm", GIVEN));
  const [example] = examplesOf(row);
  const { messages, functions } = inForm(example!.conversation, callForm());
  expect(functions).toBeUndefined();
  expect(messages[0]!.content).toMatch(
    /^Be brief\.\n\nFunctions that may be called:\n\{"name": "set_alarm", .*\n\{"name": "book_taxi"/,
  );
  expect(messages.at(-1)).toEqual({
    role: "assistant",
    content: '{"name": "set_alarm", "arguments": {"hour": 7, "label": "a } b"}}',
  });
});

describe("calls are heard in the forms of common models", () => {
  const one = JSON.stringify(GIVEN);
  test.each([
    [`{"name": "set_alarm", "arguments": ${one}}`],
    [`Sure:\n\`\`\`json\n{"name": "set_alarm", "parameters": ${one}}\n\`\`\``],
    [`<tool_call>\n{"name": "set_alarm", "arguments": ${one}}\n</tool_call>`],
    [`[TOOL_CALLS] [{"name": "set_alarm", "arguments": ${one}}]`],
    [`[TOOL_CALLS]set_alarm${one}`],
    [`<function=set_alarm>${one}</function>`],
    [JSON.stringify({ tool_calls: [called("set_alarm", GIVEN)] })],
    [JSON.stringify({ function_call: { name: "set_alarm", arguments: one } })],
    [`set_alarm(${one})`],
  ])("%s", (text) => {
    expect(saidCalls(text, callForm(), OFFERED)).toEqual({
      kind: "calls",
      calls: [{ name: "set_alarm", arguments: GIVEN }],
    });
  });

  test("several, in their order", () => {
    const text = `{"name": "book_taxi", "arguments": {}}\n{"name": "set_alarm", "arguments": ${one}}`;
    expect(saidCalls(text, callForm(), OFFERED)).toMatchObject({
      calls: [{ name: "book_taxi" }, { name: "set_alarm" }],
    });
  });
});

test.each([
  ["I cannot do that.", "words"],
  ["Use set_alarm for that {maybe}.", "words"],
  ['{"name": "set_alarm", "arguments": {"hour": 7', "broken"],
  ["<tool_call>\nset_alarm", "broken"],
  ['{"hour": 7}', "broken"],
])("%s is %s", (text, kind) => expect(saidCalls(text, callForm(), OFFERED).kind).toBe(kind));

test("the JSON of an answer is what its fence or its first brackets hold", () => {
  expect(saidJson('It is {"a": [1, "}"]} of course')).toEqual({ value: { a: [1, "}"] } });
  expect(saidJson("```json\n[1, 2]\n```")).toEqual({ value: [1, 2] });
  expect(saidJson("7")).toEqual({ value: 7 });
  expect(saidJson('{"a": 1')).toHaveProperty("reason");
});
