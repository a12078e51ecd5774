import { expect, test } from "vitest";
import { approximateTokens, chunkBlocks, passagesOf } from "../../../src/domain/text/chunk.ts";
import { readMarkdown } from "../../../src/domain/text/markdown.ts";
import { sentencesOf } from "../../../src/domain/text/sentences.ts";
import type { TextBlock } from "../../../src/domain/text/structure.ts";

const words = (text: string) => text.split(/\s+/).filter((word) => word !== "").length;
const paragraph = (text: string): TextBlock => ({ kind: "paragraph", level: 0, text });
const sentence = (index: number, length: number) =>
  `${[`S${index}`, ...Array.from({ length: length - 1 }, (_, n) => `w${index}x${n}`)].join(" ")}.`;

test("sentences end at full stops but not after abbreviations and numbers", () => {
  expect(sentencesOf("Dr. Smith paid 3.50 at St. Ives. Why? See Fig. 2 below! Ok.")).toEqual([
    "Dr. Smith paid 3.50 at St. Ives.",
    "Why?",
    "See Fig. 2 below!",
    "Ok.",
  ]);
});

test("chunks are whole sentences within the budget and lose none", () => {
  const sentences = Array.from({ length: 60 }, (_, index) => sentence(index, 5 + ((index * 7) % 20)));
  const chunks = chunkBlocks([paragraph(sentences.join(" "))], {
    maxTokens: 50,
    overlapTokens: 0,
    countTokens: words,
  });
  expect(chunks.map((chunk) => chunk.text).join(" ")).toBe(sentences.join(" "));
  for (const chunk of chunks) {
    expect(chunk.tokens).toBeLessThanOrEqual(50);
    expect(chunk.tokens).toBe(words(chunk.text));
  }
  expect(chunks.length).toBeLessThan(25);
});

test("the end of a chunk opens the next one, in whole sentences within the overlap", () => {
  const sentences = Array.from({ length: 12 }, (_, index) => sentence(index, 10));
  const chunks = chunkBlocks([paragraph(sentences.join(" "))], {
    maxTokens: 40,
    overlapTokens: 12,
    countTokens: words,
  });
  expect(chunks[0]!.text).toBe(sentences.slice(0, 4).join(" "));
  expect(chunks[1]!.text).toBe(sentences.slice(3, 7).join(" "));
  expect(chunks.at(-1)!.text.endsWith(sentences[11]!)).toBe(true);
});

test("a heading opens a chunk, stands in its text and on it, and never crosses as overlap", () => {
  const text = `# Leave\n\n${sentence(0, 30)}\n\n## Sick days\n\n${sentence(1, 30)} ${sentence(2, 30)}\n\n# Pay\n\n${sentence(3, 30)}`;
  const chunks = chunkBlocks(readMarkdown(text), { maxTokens: 45, countTokens: words });
  expect(chunks.map((chunk) => chunk.headings)).toEqual([
    ["Leave"],
    ["Leave", "Sick days"],
    ["Leave", "Sick days"],
    ["Pay"],
  ]);
  expect(chunks.map((chunk) => chunk.heading)).toEqual(["Leave", "Sick days", "Sick days", "Pay"]);
  expect(chunks[1]!.text.startsWith("Sick days\nS1 ")).toBe(true);
});

test("a section too short to stand alone joins the next", () => {
  const chunks = chunkBlocks(readMarkdown(`# A\n\nOne.\n\n# B\n\n${sentence(0, 30)}`), {
    countTokens: words,
  });
  expect(chunks).toHaveLength(1);
  expect(chunks[0]!.text.startsWith("A\nOne.\nB\nS0 ")).toBe(true);
});

test("a sentence past the budget is cut at words, a word past it at characters, code at lines", () => {
  const long = Array.from({ length: 95 }, (_, index) => `w${index}`).join(" ");
  const chunks = chunkBlocks([paragraph(long)], { maxTokens: 40, overlapTokens: 0, countTokens: words });
  expect(chunks.map((chunk) => chunk.tokens)).toEqual([40, 40, 15]);
  const characters = (text: string) => text.length;
  const unbroken = chunkBlocks([paragraph("😀".repeat(500))], {
    maxTokens: 101,
    overlapTokens: 0,
    countTokens: characters,
  });
  for (const chunk of unbroken) {
    expect(chunk.text.length).toBeLessThanOrEqual(101);
    expect(/\p{Surrogate}/u.test(chunk.text)).toBe(false);
  }
  expect(unbroken.map((chunk) => chunk.text).join("")).toBe("😀".repeat(500));
  const code: TextBlock = { kind: "code", level: 0, text: "a b c\nd e f\ng h i" };
  expect(
    chunkBlocks([code], { maxTokens: 6, overlapTokens: 0, countTokens: words }).map((chunk) => chunk.text),
  ).toEqual(["a b c\nd e f", "g h i"]);
});

test("a megabyte without a space or a full stop is cut as well", () => {
  const chunks = chunkBlocks([paragraph("x".repeat(1_000_000))]);
  expect(
    chunks
      .map((chunk) => chunk.text)
      .join("")
      .replace(/\s/g, "").length,
  ).toBe(1_000_000);
});

test("ids come from the content: stable, unique for equal texts, and local to an edit", async () => {
  const blocks = (edit: string) =>
    readMarkdown(`# A\n\n${sentence(0, 150)}\n\n# B\n\n${edit}\n\n# B\n\n${sentence(2, 150)}`);
  const first = await passagesOf({ name: "a.md", blocks: blocks(sentence(1, 150)) });
  const again = await passagesOf({ name: "a.md", blocks: blocks(sentence(1, 150)) });
  const edited = await passagesOf({ name: "a.md", blocks: blocks(sentence(9, 150)) });
  expect(first).toEqual(again);
  expect(first[0]).toMatchObject({ document: "a.md", heading: "A" });
  expect(edited[0]!.id).toBe(first[0]!.id);
  expect(edited.at(-1)!.id).toBe(first.at(-1)!.id);
  const twins = await passagesOf({ name: "a.md", blocks: [...blocks("x y z"), ...blocks("x y z")] });
  expect(new Set(twins.map((passage) => passage.id)).size).toBe(twins.length);
});

test("the approximate counter gives about 1.3 a word and one a character where words have no spaces", () => {
  expect(approximateTokens("the quick brown fox")).toBeCloseTo(5.2);
  expect(approximateTokens("東京都庁")).toBe(4);
});
