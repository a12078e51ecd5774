import { expect, test } from "vitest";
import {
  consensusOf,
  consistentVerdict,
  parsedScore,
  parsedVerdict,
  readWithSource,
} from "../../../../src/domain/lab/judge/verdicts.ts";
import { reference } from "../reference.ts";

test("two calls resolve as LlamaIndex resolves them, all nine of them", () => {
  for (const { original, flipped, score, source } of reference.consensus) {
    expect(consensusOf(original, flipped), `${original}${flipped}`).toMatchObject({ score, source });
  }
});

test("a score is read with its source: 1 of the flipped call speaks for B", () => {
  const flipped = consensusOf("C", "A");
  expect(flipped).toEqual({ source: "flipped", score: 1, winner: "B" });
  for (const { original, flipped: other } of reference.consensus) {
    const { score, source, winner } = consensusOf(original, other);
    expect(readWithSource(score, source), `${original}${other}`).toBe(winner);
  }
});

test("only what both calls say of the same answer is a verdict, else it is a tie", () => {
  expect(consistentVerdict("A", "B")).toBe("A");
  expect(consistentVerdict("B", "A")).toBe("B");
  expect(consistentVerdict("C", "C")).toBe("C");
  expect(consistentVerdict("A", "A")).toBe("C");
  expect(consistentVerdict("A", "C")).toBe("C");
});

test("verdicts and scores are found in words, and nothing is found in others", () => {
  expect(parsedVerdict("Both are fine. Final verdict: [[C]]")).toBe("C");
  expect(parsedVerdict("[[B]] rather than [[A]]")).toBe("A"); // as the original looks for them
  expect(parsedVerdict("A is better")).toBeUndefined();
  expect(parsedScore("4.5\nIt misses a detail of 3 pages.")).toBe(4.5);
  expect(parsedScore("4")).toBe(4); // one line: the original raises ValueError
  expect(parsedScore("Score: 3/5")).toBe(3);
  expect(parsedScore("It deserves a 4.")).toBeUndefined();
});
