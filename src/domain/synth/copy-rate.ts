// How much of a question stands word for word in its passage: questions that copy flatter lexical search and teach an
// encoder nothing. Words are lower-case runs of [a-z0-9]; the share of words is domain/eval/tokens.ts' copyRate.
import { tokens } from "../eval/tokens.ts";

/** Share of the question's runs of three words found in the passage, 0–1; of its words where it has fewer than three. */
export function copiedTrigrams(question: string, passage: string): number {
  const asked = tokens(question);
  const size = Math.min(3, asked.length);
  if (size === 0) return 0;
  const runs = runsOf(asked, size);
  const there = new Set(runsOf(tokens(passage), size));
  return runs.filter((run) => there.has(run)).length / runs.length;
}

function runsOf(words: readonly string[], size: number): string[] {
  return words
    .slice(0, words.length - size + 1)
    .map((_, start) => words.slice(start, start + size).join(" "));
}

/** The middle value; the mean of the two middle ones for an even count; 0 of nothing. */
export function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  const half = Math.floor(ordered.length / 2);
  if (ordered.length === 0) return 0;
  return ordered.length % 2 ? ordered[half]! : (ordered[half - 1]! + ordered[half]!) / 2;
}
