import { expect, test } from "vitest";
import { readChatLines } from "../../../src/domain/chat/chat-lines.ts";
import {
  chatTokens,
  defaultEpochs,
  trainingEstimate,
  trainingPrice,
} from "../../../src/domain/chat/training-estimate.ts";
import { expectClose } from "../../close.ts";
import { formatOf, jsonLines, reference } from "./chat-fixtures.ts";

const { tokenizer } = formatOf("chatml");
const count = (text: string): number => tokenizer.encode(text).length;
const { lines } = readChatLines("a.jsonl", jsonLines(reference.check.plain));
const chats = lines.flatMap((line) => ("chat" in line ? [line.chat] : []));

/** All numbers of the lines that LlamaIndex prints, from the one that opens with `start`. */
function printed(start: string, rows = 1): number[] {
  const at = reference.check.estimate.findIndex((line) => line.startsWith(start));
  const own = reference.check.estimate
    .slice(at, at + rows)
    .join("\n")
    .replace("p5 / p95", "");
  return [...own.matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));
}

test("tokens, epochs and spreads are those that LlamaIndex's validate_json prints", () => {
  const estimate = trainingEstimate(chats, count);
  expect(estimate.missingSystem).toBe(printed("Num examples missing system")[0]);
  expect(estimate.missingUser).toBe(printed("Num examples missing user")[0]);
  expect(estimate.epochTokens).toBe(printed("Dataset has")[0]);
  expect(estimate.epochs).toBe(printed("By default, you'll train")[0]);
  expect(estimate.totalTokens).toBe(printed("By default, you'll be charged")[0]);
  const spreads = [
    [estimate.messages, "num_messages_per_example"],
    [estimate.tokens, "num_total_tokens_per_example"],
    [estimate.answerTokens, "num_assistant_tokens_per_example"],
  ] as const;
  for (const [{ min, max, mean, median, tenth, ninetieth }, name] of spreads) {
    const wanted = printed(`#### Distribution of ${name}`, 4);
    expectClose([min, max, mean, median, tenth, ninetieth], wanted, { absolute: 1e-9 }, name);
  }
});

test("examples over the limit are counted, and charged as the limit", () => {
  const whole = trainingEstimate(chats, count);
  const cut = trainingEstimate(chats, count, 50);
  const lengths = chats.map(({ messages }) => chatTokens(messages, count));
  expect(whole.tooLong).toBe(0);
  expect(cut.tooLong).toBe(lengths.filter((length) => length > 50).length);
  expect(cut.epochTokens).toBe(lengths.reduce((sum, length) => sum + Math.min(50, length), 0));
  expect(trainingPrice(cut, 8)).toBeCloseTo((cut.totalTokens * 8) / 1e6, 12);
});

test("a name costs one token more, and a call its name and arguments", () => {
  const words = (text: string): number => (text === "" ? 0 : text.split(" ").length);
  expect(chatTokens([{ role: "user", content: "a b", name: "Ann" }], words)).toBe(3 + 1 + 2 + 1 + 1 + 3);
  const calls = [{ id: "x", name: "add", arguments: '{"a": 1}' }];
  expect(chatTokens([{ role: "assistant", calls }], words)).toBe(3 + 1 + 1 + 2 + 3);
  expect(chatTokens([{ role: "tool", content: "3", answers: "x" }], words)).toBe(3 + 1 + 1 + 1 + 3);
});

test.each([
  [1, 25],
  [10, 10],
  [14, 7], // the published job of the guide
  [33, 3],
  [34, 3],
  [8333, 3],
  [8334, 2],
  [30_000, 1],
  [0, 3],
])("%i examples are trained for %i epochs", (examples, epochs) => {
  expect(defaultEpochs(examples)).toBe(epochs);
});

test("an empty file has an estimate of zeros", () => {
  const empty = trainingEstimate([], count);
  expect([empty.epochTokens, empty.tokens.mean, empty.tokens.median]).toEqual([0, 0, 0]);
});
