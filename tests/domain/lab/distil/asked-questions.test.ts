import { expect, test } from "vitest";
import { readAskedQuestions } from "../../../../src/domain/lab/distil/asked-questions.ts";
import { RetuneError } from "../../../../src/engine/errors.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("questions come with their passages, under the names that people have for them", () => {
  const rows = [
    '{"id": "a", "question": "How long?", "passages": ["14 days.", "In Lyon."], "document": "money.md"}',
    '{"query": "Where?", "context": "In Lyon."}',
    '{"question": "Who?", "contexts": []}',
  ];
  const { examples, notes } = readAskedQuestions("asked.jsonl", bytes(rows.join("\n")));
  expect(notes).toEqual([]);
  expect(examples).toMatchObject([
    { id: "a", question: "How long?", passages: ["14 days.", "In Lyon."], document: "money.md" },
    { id: "2", question: "Where?", passages: ["In Lyon."], document: undefined },
    { id: "3", question: "Who?", passages: [] },
  ]);
});

test("a text is one question a line, a table one a row", () => {
  const text = readAskedQuestions("asked.txt", bytes("How long?\n\n  Where is “it”?\r\n")).examples;
  expect(text.map(({ line, question, passages }) => [question, passages, line])).toEqual([
    ["How long?", [], 1],
    ["Where is “it”?", [], 3],
  ]);
  const table = readAskedQuestions("asked.csv", bytes('question,context\n"How, long?",14 days.\n')).examples;
  expect(table[0]).toMatchObject({ question: "How, long?", passages: ["14 days."] });
});

test.each([
  ["asked.jsonl", '{"question": "  "}', "E_EMPTY"],
  ["asked.jsonl", '{"question": "a", "passages": [1]}', "E_FIELD"],
  ["asked.txt", "\n \n", "E_EMPTY"],
])("%s with %j is refused with %s", (file, text, code) => {
  let told: unknown;
  try {
    readAskedQuestions(file, bytes(text));
  } catch (error) {
    told = error;
  }
  expect(told).toBeInstanceOf(RetuneError);
  expect(told).toMatchObject({ code });
});
