import { expect, test } from "vitest";
import { answerIn } from "../../../cli/log-proxy/answer.ts";
import { handlerLine } from "../../../cli/log-proxy/handler-line.ts";
import { distilTask } from "../../../src/domain/lab/distil/distil.ts";

const whole = (message: object, finish: string | null = "stop") =>
  JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }] });
const events = (...chunks: readonly unknown[]) =>
  chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`).join("");
const delta = (given: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta: given, finish_reason: finish }],
});

test("a stream is put together: text, a function call, tool calls that come in turns", () => {
  expect(
    answerIn(
      events(
        delta({ role: "assistant", content: "Re" }),
        delta({ content: "funds" }),
        delta({}, "stop"),
        "[DONE]",
      ),
    ),
  ).toEqual({ content: "Refunds", toolCalls: [] });
  const call = [
    delta({ content: null, function_call: { name: "look_up", arguments: "" } }),
    delta({ function_call: { arguments: '{"city": ' } }),
    delta({ function_call: { arguments: '"Köln"}' } }),
    delta({}, "function_call"),
  ];
  expect(answerIn(events(...call))).toEqual({
    content: "",
    toolCalls: [],
    functionCall: { name: "look_up", arguments: '{"city": "Köln"}' },
  });
  const tools = [
    delta({
      content: "I look. ",
      tool_calls: [{ index: 0, id: "a", function: { name: "one", arguments: "{" } }],
    }),
    delta({ tool_calls: [{ index: 1, id: "b", function: { name: "two", arguments: "{}" } }] }),
    delta({ tool_calls: [{ index: 0, function: { arguments: "}" } }] }, "tool_calls"),
  ];
  expect(answerIn(events(...tools, "[DONE]"))).toEqual({
    content: "I look. ",
    toolCalls: [
      { id: "a", name: "one", arguments: "{}" },
      { id: "b", name: "two", arguments: "{}" },
    ],
  });
});

test("lines may end in CR LF, comments and events without data are passed over, calls without an id get one", () => {
  const body = events(
    delta({ tool_calls: [{ function: { name: "now", arguments: "{}" } }] }),
    delta({}, "tool_calls"),
  );
  const noisy = `: keep-alive\n\nevent: ping\n\n${body}`.replaceAll("\n", "\r\n");
  expect(answerIn(noisy)).toEqual({
    content: "",
    toolCalls: [{ id: "call_0", name: "now", arguments: "{}" }],
  });
});

test("calls that share a place are told apart by their ids, and a name that is repeated is one name", () => {
  const called = (id: string, name: string, given: string) => ({
    tool_calls: [{ id, function: { name, arguments: given } }],
  });
  const body = events(
    delta(called("a", "one", "{")),
    delta(called("a", "one", "}")),
    delta(called("b", "two", "{}")),
    delta({}, "tool_calls"),
  );
  expect(answerIn(body)).toMatchObject({
    toolCalls: [
      { id: "a", name: "one", arguments: "{}" },
      { id: "b", name: "two", arguments: "{}" },
    ],
  });
});

test.each([
  ["a stream without its end", events(delta({ content: "half" })), "not-ended"],
  ["a chunk cut in two", `${events(delta({ content: "half" }))}data: {"choi`, "not-ended"],
  ["nothing at all", "", "not-ended"],
  ["an error in a stream", events(delta({ content: "a" }), { error: { message: "overloaded" } }), "failed"],
  ["an error as a document", '{"error": {"message": "no"}}', "failed"],
  ["half a document", '{"choices": [{"message": {"content": "x', "failed"],
  ["the token limit", whole({ content: "half a" }, "length"), "cut-off"],
  ["the token limit of a stream", events(delta({ content: "half" }, "length"), "[DONE]"), "cut-off"],
  ["a content filter", whole({ content: "" }, "content_filter"), "cut-off"],
  ["neither text nor call", whole({ role: "assistant", content: null, refusal: "no" }), "empty"],
])("%s is nothing to learn from", (_name, body, why) => {
  expect(answerIn(body)).toBe(why);
});

test("lines are those of LlamaIndex's handler: Python's json.dumps, role before content, what is null left out", () => {
  const request = {
    ...{ model: "gpt-4", temperature: 0 },
    messages: [
      { content: "Be brief.", role: "system" },
      { role: "user", content: "Où?", name: null },
    ],
  };
  expect(handlerLine(JSON.stringify(request), { content: "Là — à 5°.", toolCalls: [] })).toBe(
    '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "O\\u00f9?"}, ' +
      '{"role": "assistant", "content": "L\\u00e0 \\u2014 \\u00e0 5\\u00b0."}]}',
  );
  expect(handlerLine('{"prompt": "2 + 2 ="}', { content: "4", toolCalls: [] })).toBe(
    '{"messages": [{"role": "user", "content": "2 + 2 ="}, {"role": "assistant", "content": "4"}]}',
  );
});

test("a call keeps the text beside it, which the handler drops, and the definitions in their own key order", () => {
  const functions = [{ name: "album", parameters: { type: "object", properties: { "2": {}, "1": {} } } }];
  const request = `{"messages": [{"role": "user", "content": "The Shining"}], "functions": ${JSON.stringify(
    functions,
  ).replace('"1":{},"2":{}', '"2":{},"1":{}')}}`;
  const line = handlerLine(request, {
    content: "Here it is.",
    functionCall: { name: "album", arguments: '{"name": "Overlook"}' },
    toolCalls: [],
  });
  expect(line).toBe(
    '{"messages": [{"role": "user", "content": "The Shining"}, {"role": "assistant", "content": "Here it is.", ' +
      '"function_call": {"name": "album", "arguments": "{\\"name\\": \\"Overlook\\"}"}}], ' +
      '"functions": [{"name": "album", "parameters": {"type": "object", "properties": {"2": {}, "1": {}}}}]}',
  );
});

test("lines with tools are read as rows to distil", () => {
  const request = {
    messages: [{ role: "user", content: "What is the time in Lyon?" }],
    tools: [{ type: "function", function: { name: "now", parameters: { type: "object", properties: {} } } }],
  };
  const said = { content: "", toolCalls: [{ id: "call_0", name: "now", arguments: "{}" }] };
  const line = handlerLine(JSON.stringify(request), said)!;
  const { examples, notes } = distilTask().read("calls.jsonl", new TextEncoder().encode(line));
  expect(notes).toEqual([]);
  expect(examples[0]).toMatchObject({ question: "What is the time in Lyon?", answer: "now({})" });
});

test.each([
  ["no JSON"],
  ["{}"],
  ['{"prompt": ["a", "b"]}'],
  ['{"messages": [{"content": "no role"}]}'],
  ['{"messages": []}'],
])("a request of %s makes no line", (request) => {
  expect(handlerLine(request, { content: "x", toolCalls: [] })).toBeUndefined();
});
