import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { validateChats } from "../../../src/domain/chat/chat-validation.ts";
import { refusal } from "../formats/refusal.ts";
import { FOLDER, jsonLines, reference } from "./chat-fixtures.ts";

const { faulty, counts, plain } = reference.check;
const conversations = new Uint8Array(readFileSync(`${FOLDER}/conversations.jsonl`));

test("faults are counted as LlamaIndex's validate_json counts them", () => {
  const checked = validateChats("a.jsonl", jsonLines(faulty));
  expect(checked.examples).toBe(faulty.length);
  expect(checked.counts).toEqual(counts);
  expect(validateChats("a.jsonl", jsonLines(plain)).counts).toEqual({});
});

test("every fault is told with its line, blank lines counted along", () => {
  const text = '{"messages": [{"role": "user", "content": "a"}]}\n\n[]\n';
  expect(validateChats("a.jsonl", new TextEncoder().encode(text))).toEqual({
    examples: 2,
    counts: { example_missing_assistant_message: 1, data_type: 1 },
    faults: [
      { fault: "example_missing_assistant_message", line: 1 },
      { fault: "data_type", line: 3 },
    ],
  });
});

test("calls are faults to the original, and none where they are known", () => {
  const strict = validateChats("a.jsonl", conversations);
  expect(strict.counts.unrecognized_role).toBe(5); // four results of tools, one of a function
  expect(strict.counts.message_unrecognized_key).toBe(11); // five calls, the ids of four results, two weights
  expect(strict.counts.missing_content).toBe(4);
  expect(validateChats("a.jsonl", conversations, { calls: true }).counts).toEqual({});
});

test("messages that are no objects, and lines that are no JSON", () => {
  const { counts: found } = validateChats("a.jsonl", jsonLines([{ messages: ["a"] }]));
  expect(found).toMatchObject({ message_missing_key: 1, unrecognized_role: 1, missing_content: 1 });
  const broken = new TextEncoder().encode('{"messages": []}\n{"messages": [}');
  refusal(() => validateChats("a.jsonl", broken), "E_JSON", "a.jsonl", "line 2");
});
