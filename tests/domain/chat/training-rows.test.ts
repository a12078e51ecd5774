import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readChatLines, type ChatLine } from "../../../src/domain/chat/chat-lines.ts";
import { trainingRows, type TrainingRowSettings } from "../../../src/domain/chat/training-rows.ts";
import { laterRefusal, refusal } from "../formats/refusal.ts";
import { FOLDER, formatOf } from "./chat-fixtures.ts";

const format = formatOf("chatml");
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const file = new Uint8Array(readFileSync(`${FOLDER}/conversations.jsonl`));
const talk = (...texts: readonly string[]): string =>
  JSON.stringify({
    messages: texts.map((content, place) => ({ role: place % 2 ? "assistant" : "user", content })),
  });
const linesOf = (...rows: readonly string[]): readonly ChatLine[] =>
  readChatLines("a.jsonl", encode(rows.join("\n"))).lines;
const rowsOf = (lines: readonly ChatLine[], settings: Partial<TrainingRowSettings> = {}) =>
  trainingRows(format, lines, { maxTokens: 512, ...settings });

test("all conversations become rows that know their lines, and are counted", async () => {
  const { lines } = readChatLines("conversations.jsonl", file);
  const { rows, notes, tokens, learntTokens, longest } = await rowsOf(lines);
  expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  expect(notes).toEqual([]);
  const lengths = rows.map(({ ids }) => ids.length);
  expect([tokens, longest]).toEqual([lengths.reduce((a, b) => a + b), Math.max(...lengths)]);
  expect(learntTokens).toBe(rows.flatMap(({ supervised }) => supervised).filter(Boolean).length);
});

test("rows that are too long are named by line, left out, or cut at the end", async () => {
  const lines = linesOf(talk("Hi", "Yes."), "", talk("Hi", "word ".repeat(60)), talk("Hi".repeat(60), "No."));
  const left = await rowsOf(lines, { maxTokens: 40 });
  expect(left.rows.map(({ line }) => line)).toEqual([1]);
  expect(left.notes.map(({ kind, line }) => [kind, line])).toEqual([
    ["too-long", 3],
    ["too-long", 4],
  ]);
  expect(left.notes[0]!.tokens).toBeGreaterThan(40);
  expect(left.longest).toBe(Math.max(...left.notes.map(({ tokens }) => tokens!)));
  const cut = await rowsOf(lines, { maxTokens: 40, tooLong: "cut-end" });
  expect(cut.rows.map(({ line, ids }) => [line, ids.length <= 40])).toEqual([
    [1, true],
    [3, true],
  ]);
  expect(cut.notes.map(({ kind, line }) => [kind, line])).toEqual([
    ["cut", 3],
    ["nothing-to-learn", 4],
  ]);
  expect(cut.rows[1]!.supervised.length).toBe(40);
});

test("what a template refuses, splits or reads as its own token is noted by line", async () => {
  const thoughts = talk("a", "<think>\nhm\n</think>\n\none", "b", "two");
  const weightless = JSON.stringify({
    messages: [
      { role: "user", content: "a" },
      { role: "assistant", content: "b", weight: 0 },
    ],
  });
  const lines = linesOf(talk("a", "b"), thoughts, talk("say <|im_end|>", "no"), weightless);
  const { rows, notes } = await trainingRows(formatOf("qwen"), lines, { maxTokens: 99 });
  expect(rows.map(({ line }) => line)).toEqual([1, 2, 2, 3]);
  expect(notes.map(({ kind, line }) => [kind, line])).toEqual([
    ["control-token", 2], // <think> is one there
    ["split", 2],
    ["control-token", 3],
    ["nothing-to-learn", 4],
  ]);
  expect(notes[2]!.reason).toContain("<|im_end|>");
  const picky = formatOf("chatml", (template) =>
    template.replace(
      "{%- if tools %}",
      "{%- if messages|length > 2 %}{{ raise_exception('too many') }}{%- endif %}$&",
    ),
  );
  const refused = await trainingRows(picky, linesOf(talk("a", "b"), talk("a", "b", "c", "d")), {
    maxTokens: 99,
  });
  expect(refused.notes).toMatchObject([
    { kind: "refused", line: 2, reason: expect.stringContaining("too many") as string },
  ]);
});

test("a text without roles is learnt as a whole", async () => {
  const { rows } = await rowsOf(linesOf('{"inputs": "<s>### Input: a ### Response: b"}', talk("a", "b")));
  expect(rows[0]!.ids.at(-1)).toBe(format.tokenizer.eos);
  expect(new Set(rows[0]!.supervised)).toEqual(new Set([true]));
});

test("where nothing is left, the first reason is told", async () => {
  await laterRefusal(
    () => rowsOf(linesOf(talk("a", "b")), { maxTokens: 4 }),
    "too-little-data",
    "line 1",
    "more than 4",
  );
  await laterRefusal(() => rowsOf([]), "too-little-data", "no conversation");
  await laterRefusal(() => rowsOf(linesOf(talk("a", "b")), { maxTokens: 1.5 }), "usage", "1.5");
  const none = formatOf("chatml", () => "{{ raise_exception('never') }}");
  const refused = () => trainingRows(none, linesOf(talk("a", "b")), { maxTokens: 9 });
  await laterRefusal(refused, "too-little-data", "line 1", "never");
});

test("a run can be cancelled", async () => {
  const many = Array.from({ length: 3000 }, () => linesOf(talk("a", "word ".repeat(50)))[0]!);
  const control = { signal: AbortSignal.abort() };
  await laterRefusal(() => trainingRows(format, many, { maxTokens: 512 }, control), "cancelled");
});

test("bad lines are refused with their place, or listed", () => {
  const bad = encode([talk("a", "b"), '{"messages": [{"role": "clown", "content": "a"}]}', "{"].join("\n"));
  refusal(() => readChatLines("a.jsonl", bad), "E_FIELD", "line 2", "clown");
  const { lines, badRows } = readChatLines("a.jsonl", bad, { skipBadRows: true });
  expect(lines.map(({ line }) => line)).toEqual([1]);
  expect(badRows.map(({ line }) => line)).toEqual([2, 3]);
  refusal(() => readChatLines("a.jsonl", encode('{"inputs": " "}')), "E_EMPTY", "line 1");
});
