import { expect, test } from "vitest";
import type { ChatData, RetrievalData } from "../../../../src/domain/formats/datasets/dataset-format.ts";
import { estimatedTokens } from "../../../../src/domain/formats/datasets/openai-chat.ts";
import { readDataset, writeDataset } from "../../../../src/domain/formats/datasets/registry.ts";
import { laterRefusal } from "../refusal.ts";
import { fileOf, textOf } from "./seeded-data.ts";

async function read(rows: readonly object[], skipBadRows = false) {
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  const reading = await readDataset("openai-chat", fileOf("chats.jsonl", text), { skipBadRows });
  return { ...reading, data: reading.data as ChatData };
}

const ASKED = { role: "user", content: "Wie heißt „Köln“?" };
const SAID = { role: "assistant", content: "Cologne 😀" };
const DEFINED = { name: "Album", description: "An album.", parameters: { type: "object", properties: {} } };
const CALL = { name: "Album", arguments: '{"name": "é"}' };

test("what LlamaIndex's handler writes comes back byte for byte", async () => {
  // json.dumps of {"messages": […], "functions": […]}, rows joined by "\n" (llamaindex.md §8.1).
  const text = [
    '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "K\\u00f6ln?"}, {"role": "assistant", "content": "\\ud83d\\ude00"}]}',
    '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "function_call": {"name": "Album", "arguments": "{\\"n\\": 1}"}}], "functions": [{"name": "Album", "parameters": {"properties": {"2": {}, "1": {"minimum": 0.5}}}}]}',
  ].join("\n");
  const { data } = await readDataset("openai-chat", fileOf("events.jsonl", text));
  expect(textOf((await writeDataset("openai-chat", data)).files, "chats.jsonl")).toBe(text);
});

test("content in parts is one text, a null content beside a call is none", async () => {
  const { data } = await read([
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
        { role: "assistant", content: null, tool_calls: [{ id: "1", type: "function", function: CALL }] },
        { role: "tool", tool_call_id: "1", content: "done" },
        SAID,
      ],
      tools: [{ type: "function", function: DEFINED }],
    },
  ]);
  expect(data.chats[0]!.messages).toEqual([
    { role: "user", content: "ab" },
    { role: "assistant", calls: [{ id: "1", ...CALL }] },
    { role: "tool", content: "done", answers: "1" },
    SAID,
  ]);
  expect(data.chats[0]!.functions!.map(({ definition }) => JSON.parse(definition) as unknown)).toEqual([
    DEFINED,
  ]);
});

const tools = [{ type: "function", function: DEFINED }];
const called = { role: "assistant", tool_calls: [{ id: "1", type: "function", function: CALL }] };

test.each([
  ["L1 no user at the start", [SAID], "E_FIELD", "message 1 (assistant) opens the talk"],
  [
    "L1 instructions in the middle",
    [ASKED, { role: "system", content: "x" }, SAID],
    "E_FIELD",
    "instructions come first",
  ],
  ["L1 nobody answers", [ASKED], "E_FIELD", "the last message is the user's"],
  [
    "L1 a result without a call",
    [ASKED, { role: "function", name: "f", content: "1" }, SAID],
    "E_FIELD",
    "follows no call",
  ],
  ["L1 a call without its result", [ASKED, called, ASKED, SAID], "E_FIELD", "whose result is missing"],
  ["an unknown role", [{ role: "bot", content: "x" }], "E_FIELD", 'the role is "bot"'],
  ["no role", [{ content: "x" }], "E_FIELD", "the role is missing"],
  [
    "L2 a blank content",
    [{ role: "user", content: " " }, SAID],
    "E_EMPTY",
    "message 1 (user) has no content",
  ],
  ["L2 a missing content", [ASKED, { role: "assistant" }], "E_EMPTY", "message 2 (assistant) has no content"],
  ["a content that is a number", [{ role: "user", content: 5 }, SAID], "E_FIELD", "must be a text"],
  [
    "a picture",
    [{ role: "user", content: [{ type: "image_url", image_url: {} }] }, SAID],
    "E_FIELD",
    "no text",
  ],
  [
    "L3 a call of nothing defined",
    [ASKED, { role: "assistant", function_call: { name: "Song", arguments: "{}" } }],
    "E_REFERENCE",
    'calls "Song", which is not defined',
  ],
  [
    "a result of no call",
    [ASKED, called, { role: "tool", tool_call_id: "2", content: "x" }, SAID],
    "E_REFERENCE",
    'the call "2"',
  ],
  [
    "L4 arguments that are no JSON",
    [
      ASKED,
      { role: "assistant", tool_calls: [{ id: "1", function: { name: "Album", arguments: "{name: 1}" } }] },
    ],
    "E_JSON",
    'the arguments of "Album" are no JSON object',
  ],
  ["no messages", [], "E_FIELD", "at least one message"],
] as const)("%s is refused by line, or left out", async (_name, messages, code, message) => {
  const rows = [{ messages: [ASKED, SAID] }, { messages, tools }];
  await laterRefusal(() => read(rows), code, "chats.jsonl: line 2", message);
  const { badRows, data } = await read(rows, true);
  expect(badRows).toMatchObject([{ file: "chats.jsonl", line: 2 }]);
  expect(data.chats).toHaveLength(1);
});

test("L5 chats past the context are counted, none is left out", async () => {
  const long = { role: "assistant", content: "word ".repeat(4000) };
  const { data, warnings } = await read([
    { messages: [ASKED, long] },
    { messages: [ASKED, long] },
    { messages: [ASKED, SAID] },
  ]);
  expect(data.chats).toHaveLength(3);
  expect(warnings).toMatchObject([{ code: "context-length", count: 2, place: { line: 1 } }]);
  expect(estimatedTokens(data.chats[0]!)).toBe(3 * 2 + 3 + Math.ceil((4 + 17 + 9 + 20_000) / 4));
});

test("two answers in a row and keys that are not used are told", async () => {
  const { warnings } = await read([{ messages: [ASKED, SAID, { ...SAID, refusal: null }], seed: 1 }]);
  expect(warnings.map(({ code, message }) => [code, message])).toEqual([
    ["extra-key", 'chats.jsonl: line 1: the key "seed" is not used'],
    ["role-order", expect.stringContaining("two messages of one role") as unknown],
  ]);
});

test("questions with passages become chats of question and first passage, chats questions with their answers", async () => {
  const line = '{"query":"a?","relevant_passages":["A1","A2"],"hard_negatives":["B"]}';
  const { data } = await readDataset("cohere", fileOf("c.jsonl", line));
  const { files, losses } = await writeDataset("openai-chat", data);
  expect(textOf(files, "chats.jsonl")).toBe(
    '{"messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "A1"}]}',
  );
  expect(losses[0]).toBe("1 of 1 question has more than one right passage; a chat keeps the first.");
  const system = { role: "system", content: "s" };
  const { data: chats } = await read([
    { messages: [system, ASKED, SAID, { ...ASKED, content: "b?" }, SAID] },
  ]);
  const written = await writeDataset("llamaindex", chats);
  expect(written.losses[0]).toBe("2 questions with the answer after it came out of 1 chat.");
  expect(written.losses[1]).toBe("1 message beside these (system, calls, tools) is left out.");
  const back = (await readDataset("llamaindex", written.files)).data as RetrievalData;
  expect(back.dataset.queries.map(({ text }) => text)).toEqual([ASKED.content, "b?"]);
  expect(back.dataset.passages.map(({ text }) => text)).toEqual([SAID.content]);
});
