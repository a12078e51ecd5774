import { expect, test } from "vitest";
import { readCallRows } from "../../../../src/domain/lab/calls/call-rows.ts";
import { ALARM, ALBUM, called, chatRow, linesOf, TAXI } from "./call-fixtures.ts";

const GOOD = chatRow("Wake me at 7", called("set_alarm", { hour: 7 }));

test("chats with tools or functions, and prompts with a schema, are read as they come", () => {
  const old = {
    messages: [
      { role: "user", content: "Taxi to Oslo" },
      { role: "assistant", function_call: { name: "book_taxi", arguments: '{"place": "Oslo"}' } },
    ],
    functions: [TAXI],
  };
  const object = {
    prompt: "An album",
    schema: ALBUM,
    answer: { songs: [{ title: "a", length_seconds: 3 }], name: "b" },
  };
  const texts = { input: "An album", schema: JSON.stringify(ALBUM), output: '{"name": "b", "songs": []}' };
  const { examples, notes } = readCallRows("rows.jsonl", linesOf(GOOD, old, object, texts));
  expect(notes).toMatchObject([
    { line: 1, skipped: false, reason: expect.stringMatching(/share 3 sets/) as string },
  ]);
  expect(
    examples.map(({ functions, object: schema }) => [
      functions.map(({ name }) => name),
      schema !== undefined,
    ]),
  ).toEqual([
    [["set_alarm", "book_taxi"], false],
    [["book_taxi"], false],
    [[], true],
    [[], true],
  ]);
  expect(examples[2]!.conversation.messages.at(-1)!.content).toBe(
    '{"name": "b", "songs": [{"title": "a", "length_seconds": 3}]}',
  );
});

test("rows of one set of functions are one group, where there are enough of these", () => {
  const sets = Array.from({ length: 6 }, (_, at) => [{ ...TAXI, name: `book_${at % 5}` }]);
  const rows = sets.map((set) => chatRow("Go", called(set[0]!.name, { place: "x" }), set));
  const { examples, notes } = readCallRows("rows.jsonl", linesOf(...rows));
  expect(notes).toEqual([]);
  expect(examples[0]!.group).toBe(examples[5]!.group);
  expect(new Set(examples.map(({ group }) => group)).size).toBe(5);
});

const BAD = [
  [chatRow("Go", called("fly", {})), /calls "fly", which is not defined/],
  [
    chatRow("Go", { id: "x", type: "function", function: { name: "book_taxi", arguments: "{oops" } }),
    /no JSON object/,
  ],
  [{ messages: [{ role: "robot", content: "x" }], tools: [] }, /the role is "robot"/],
  [chatRow("Go", "No.", []), /no functions are offered/],
  [{ prompt: "An album", schema: ALBUM }, /"answer" is missing/],
  [{ prompt: "An album", schema: ALBUM, answer: "{oops" }, /"answer" is no JSON/],
  [{ prompt: "An album", schema: { $ref: "#/$defs/none" }, answer: {} }, /schema cannot be used/],
] as const;

test.each(BAD)("a bad row is named by its line: %j", (row, reason) => {
  expect(() => readCallRows("rows.jsonl", linesOf(GOOD, row))).toThrow(/line 2/);
  const { examples, notes } = readCallRows("rows.jsonl", linesOf(GOOD, row), { skipBadRows: true });
  expect(examples).toHaveLength(1);
  expect(notes).toMatchObject([{ line: 2, skipped: true, reason: expect.stringMatching(reason) as string }]);
});

test("right answers that break their own schema are noted, and kept", () => {
  const rows = [
    chatRow("Wake me", called("set_alarm", { hour: 25 })),
    { prompt: "x", schema: ALBUM, answer: { name: "b" } },
  ];
  const { examples, notes } = readCallRows("rows.jsonl", linesOf(...rows));
  expect(examples).toHaveLength(2);
  expect(notes).toMatchObject([
    {
      line: 1,
      skipped: false,
      reason: expect.stringMatching(/set_alarm with arguments that do not fit: \/hour/) as string,
    },
    { line: 2, skipped: false, reason: expect.stringMatching(/does not fit its schema/) as string },
  ]);
  expect(ALARM.parameters.required).toEqual(["hour"]);
});
