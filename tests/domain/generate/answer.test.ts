import { expect, test } from "vitest";
import { Answer } from "../../../src/domain/generate/answer.ts";
import { formatOf, NAMES } from "../chat/chat-fixtures.ts";

const TEXT = "Grüße, 東京 🦊! SELECT a; SEL";

/** An answer fed the ids of a text, with what it told. */
function told(name: (typeof NAMES)[number], stop: readonly string[], maxTokens = 1000) {
  const { tokenizer, endOfTurn } = formatOf(name);
  const parts: string[] = [];
  const answer = new Answer(tokenizer, { maxTokens, stop, endOfTurn }, (text) => parts.push(text));
  for (const id of [...tokenizer.encode(TEXT), [...endOfTurn][0]!]) if (!answer.hasEnded) answer.push(id);
  return { parts, ...answer.generated };
}

test.each(NAMES)("%s tells whole characters that add up to the answer", (name) => {
  const { parts, text, ended, tokens } = told(name, []);
  expect(parts.join("")).toBe(text);
  expect(text).toBe(TEXT);
  expect(parts.filter((part) => part.includes("\uFFFD"))).toEqual([]);
  expect(parts.length).toBeGreaterThan(5);
  expect(ended).toBe("turn");
  expect(tokens).toBe(formatOf(name).tokenizer.encode(TEXT).length + 1);
});

test.each(NAMES)("%s ends before a stop text, nothing of which is told", (name) => {
  const { parts, text, ended } = told(name, ["SELECT b", "; S", "!!"]);
  expect(text).toBe("Grüße, 東京 🦊! SELECT a");
  expect(parts.join("")).toBe(text);
  expect(ended).toBe("stop");
});

test("what only began like a stop text is told in the end", () => {
  const { parts, text, ended } = told("chatml", ["SELF"]);
  expect(text).toBe(TEXT);
  expect(parts.join("")).toBe(TEXT);
  expect(ended).toBe("turn");
});

test("an answer ends after maxTokens, in the midst of a character if need be", () => {
  const { tokenizer } = formatOf("chatml");
  const room = tokenizer.encode("Grüße, 東京 🦊").length - 1;
  const { parts, text, ended, tokens } = told("chatml", [], room);
  expect([ended, tokens]).toEqual(["length", room]);
  expect(text).toBe(tokenizer.decode(tokenizer.encode(TEXT).slice(0, room)));
  expect(parts.join("")).toBe(text);
});
