import { expect, test } from "vitest";
import { LexicalIndex } from "../../../src/domain/eval/bm25.ts";
import { copyRate, tokens } from "../../../src/domain/eval/tokens.ts";
import { expectClose } from "../../close.ts";

test("words are lower-case runs of a–z and 0–9, everything else separates", () => {
  expect(tokens("Section 404(b): Lyft's Café")).toEqual(["section", "404", "b", "lyft", "s", "caf"]);
});

test("a script without spaces is cut into words, a script with spaces is not touched", () => {
  expect(tokens("東京都の天気 2024")).toEqual(
    expect.arrayContaining([expect.stringMatching(/[東京]/), "天気", "2024"]),
  );
  expect(tokens("東京都の天気 2024").length).toBeGreaterThan(3);
  expect(tokens("สวัสดีชาวโลก").length).toBeGreaterThan(1);
});

test("scores follow the formula, worked by hand for two passages", () => {
  const index = new LexicalIndex(["red red fox", "blue fox jumps over it"]);
  // N 2, average length 4; "red": n 1, idf ln(1 + 1.5/1.5); "fox": n 2, idf ln(1 + 0.5/2.5)
  const saturation = (count: number, length: number): number =>
    (count * 2.2) / (count + 1.2 * (0.25 + (0.75 * length) / 4));
  const red = Math.log(2);
  const fox = Math.log(1.2);
  expectClose(
    index.scores(["fox red", "red red", "green"]).values,
    [
      red * saturation(2, 3) + fox * saturation(1, 3),
      fox * saturation(1, 5),
      2 * red * saturation(2, 3), // a repeated word of the question counts twice
      0,
      0,
      0,
    ],
    { relative: 1e-6 },
  );
});

test("an empty collection and empty passages score nothing instead of NaN", () => {
  expect([...new LexicalIndex(["", "!!"]).scores(["anything"]).values]).toEqual([0, 0]);
  expect(new LexicalIndex([]).scores(["anything"]).columns).toBe(0);
});

test("the copy rate is the share of distinct question words found in the passage", () => {
  expect(copyRate("What is the the Moon?", "The moon is round.")).toBe(0.75);
  expect(copyRate("?", "The moon")).toBe(0);
});
