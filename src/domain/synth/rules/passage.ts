import { sentencesOf } from "../../text/sentences.ts";
import { isTopicWord, wordsOf } from "./words.ts";

/** A passage as the rules see it. */
export interface RulePassage {
  readonly heading: string; // "" where there is none
  readonly sentences: readonly string[]; // of the body, in order
  readonly glossary: ReadonlyMap<string, string>; // term in lower case → its meaning, for the whole corpus
  readonly weight: (word: string) => number; // how telling a word is, rarer in the corpus = more
}

/** One question a rule proposes; `merit` orders the rules' proposals for one passage. */
export interface Proposal {
  readonly text: string;
  readonly rule: string;
  readonly sentence: string;
  readonly merit: number;
}

export type Rule = (passage: RulePassage) => readonly Proposal[];

/** Heading line and sentences of a passage: a first line that is short and ends no sentence is its heading. */
export function splitPassage(text: string, heading = ""): { heading: string; sentences: string[] } {
  const lines = text.split("\n").map((line) => line.replace(/^[\s•·▪◦*–-]+/u, "").trim());
  const titles: string[] = [];
  const body: string[] = [];
  for (const line of lines) {
    const isTitle =
      line.length < 80 && wordsOf(line).length <= 10 && !/[.!?:;,…]["'”’)]*$/.test(line) && line !== "";
    if (isTitle && body.length === 0) titles.push(line);
    else if (line !== "") body.push(line);
  }
  const sentences = body
    .flatMap((line) => sentencesOf(line))
    .filter((sentence) => wordsOf(sentence).length >= 3);
  const title = titles.at(-1) ?? heading;
  return { heading: title, sentences: sentences.length > 0 ? sentences : titles.slice(-1) };
}

/** Inverse document frequency over the corpus, ln(1 + N / n): 1 for all words without a corpus. */
export function wordWeights(texts: readonly string[]): (word: string) => number {
  if (texts.length < 2) return () => 1;
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of new Set(wordsOf(text.toLowerCase()))) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return (word) => Math.log(1 + texts.length / (counts.get(word.toLowerCase()) ?? 1));
}

/** The most telling topic words of a text, each once, in reading order. */
export function keywords(text: string, count: number, weight: (word: string) => number): string[] {
  const seen = new Map<string, { word: string; at: number }>();
  for (const [at, word] of wordsOf(text).entries()) {
    if (isTopicWord(word) && !seen.has(word.toLowerCase())) seen.set(word.toLowerCase(), { word, at });
  }
  return [...seen.values()]
    .sort((a, b) => weight(b.word) - weight(a.word) || a.at - b.at)
    .slice(0, count)
    .sort((a, b) => a.at - b.at)
    .map(({ word }) => word);
}
