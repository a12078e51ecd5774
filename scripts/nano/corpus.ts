// What the nano encoder learns from: definitions with their words, questions for them, passages of addresses from 1900
// on in lengths from one sentence to sixteen, and the sample's own passages. The same seed gives the same texts.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CounterRandom } from "../../src/domain/random.ts";
import { ADDRESSES, openPackage, WORDNET } from "./packages.ts";

const FIRST_YEAR = 1900;
const DEFINITIONS = 45_000;
const QUESTIONS = 12_000; // for the first definitions
const LENGTHS = [1, 1, 1, 2, 3, 5, 8, 16]; // sentences of a passage, drawn
const SHORTEST = 25; // characters

/** All texts, in a fixed order. */
export function nanoCorpus(root: string, cache: string, seed: number): readonly string[] {
  const random = new CounterRandom(seed);
  const definitions = shuffled(wordnet(openPackage(WORDNET, cache)), random).slice(0, DEFINITIONS);
  const passages = addresses(openPackage(ADDRESSES, cache), random);
  const questions = definitions.slice(0, QUESTIONS).map(({ kind, words }) => questionFor(kind, words));
  return [
    ...definitions.map(({ words, text }) => `${words.join(", ")}: ${text}`),
    ...questions,
    ...passages,
    ...samplePassages(root),
  ];
}

interface Definition {
  readonly kind: "noun" | "verb" | "adj" | "adv";
  readonly words: readonly string[];
  readonly text: string; // with examples
}

/** Lines of WordNet's data files: offset, file, kind, number of words (hexadecimal), words and ids, …, | gloss. */
function wordnet(folder: string): Definition[] {
  return (["noun", "verb", "adj", "adv"] as const).flatMap((kind) =>
    readFileSync(join(folder, "dict", `data.${kind}`), "utf8")
      .split("\n")
      .filter((line) => line.includes(" | ") && !line.startsWith("  "))
      .map((line) => {
        const [head, text] = line.split(" | ", 2);
        const fields = head!.split(" ");
        const count = Math.min(3, parseInt(fields[3]!, 16));
        const words = Array.from({ length: count }, (_, index) => plainWord(fields[4 + 2 * index]!));
        return { kind, words, text: text!.trim() };
      }),
  );
}

function plainWord(word: string): string {
  return word.replaceAll("_", " ").split("(")[0]!;
}

function questionFor(kind: Definition["kind"], words: readonly string[]): string {
  return kind === "noun" ? `What is ${words[0]}?` : `What does ${words[0]} mean?`;
}

function addresses(folder: string, random: CounterRandom): string[] {
  const data = join(folder, "data");
  const files = readdirSync(data).filter((name) => name.endsWith(".json") && /^\d{4}_/.test(name));
  return files.sort().flatMap((name) => {
    const { year, text } = JSON.parse(readFileSync(join(data, name), "utf8")) as {
      year: number;
      text: string;
    };
    return year < FIRST_YEAR ? [] : cut(text, random);
  });
}

/** One text in consecutive passages of drawn lengths. */
function cut(text: string, random: CounterRandom): string[] {
  const sentences = text.split(/(?<=[.!?])\s+(?=[A-Z])/);
  const passages: string[] = [];
  for (let at = 0; at < sentences.length;) {
    const count = LENGTHS[random.below(LENGTHS.length)]!;
    const passage = sentences.slice(at, at + count).join(" ");
    if (passage.length > SHORTEST) passages.push(passage);
    at += count;
  }
  return passages;
}

function samplePassages(root: string): string[] {
  const folder = join(root, "public", "samples", "handbook", "documents");
  return readdirSync(folder)
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split(/\n\s*\n/))
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph.length > SHORTEST);
}

function shuffled<T>(items: readonly T[], random: CounterRandom): T[] {
  return [...random.permutation(items.length)].map((index) => items[index]!);
}
