import { expect, test } from "vitest";
import {
  exactMatch,
  plainAnswer,
  rougeL,
  tokenF1,
} from "../../../../src/domain/lab/distil/answer-overlap.ts";

test("answers are compared as SQuAD does: no case, articles or punctuation", () => {
  expect(plainAnswer("The  Vault's code, an “x7”.")).toBe("vaults code x7");
  expect(exactMatch("The code is x7.", "code is X7")).toBe(1);
  expect(exactMatch("x7", "x8")).toBe(0);
});

test("token F1 counts repeated words as often as both have them", () => {
  // precision 2/3, recall 2/4
  expect(tokenF1("red red blue", "red blue green white")).toBeCloseTo(4 / 7, 12);
  expect(tokenF1("", "")).toBe(1);
  expect(tokenF1("", "red")).toBe(0);
});

test("ROUGE-L looks at the order of words", () => {
  // rouge_score: rougeL fmeasure of these is 2 · 3/6 = 0.5 of six and six words
  expect(rougeL("the cat lay under the mat", "under the mat sat a dog")).toBeCloseTo(0.5, 12);
  expect(rougeL("a b c d", "a b c d")).toBe(1);
  expect(rougeL("d c b a", "a b c d")).toBeCloseTo(0.25, 12);
  expect(rougeL("x", "")).toBe(0);
});
