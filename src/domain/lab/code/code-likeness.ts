// How alike two pieces of code are, white space aside:
//   token F1         2 · |A ∩ B| / (|A| + |B|), words, numbers and signs as multisets
//   edit similarity  1 − d(a, b) / max(|a|, |b|), d Levenshtein's distance of characters
import { bagF1 } from "../../eval/bag-overlap.ts";

const LONGEST = 4000; // characters that are compared

/**
 * Code as it is compared: runs of white space inside a line are one space, outside of quotes; lines without anything are left
 * out; indentation counts by its depth over the least indented line.
 */
export function normalisedCode(code: string): string {
  const lines = code.split(/\r?\n/).filter((line) => line.trim() !== "");
  const depths = lines.map((line) => /^[ \t]*/.exec(line)![0].replaceAll("\t", "    ").length);
  const least = Math.min(...depths);
  return lines.map((line, at) => " ".repeat(depths[at]! - least) + spacedOnce(line.trim())).join("\n");
}

function spacedOnce(line: string): string {
  const parts = line.split(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/);
  return parts.map((part, at) => (at % 2 === 1 ? part : part.replace(/\s+/g, " "))).join("");
}

/** Words, numbers and signs in their order. */
export function codeTokens(code: string): string[] {
  return code.match(/[\p{L}_][\p{L}\p{N}_]*|\p{N}+(?:\.\p{N}+)?|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/** In [0, 1]. */
export function tokenF1(said: string, right: string): number {
  return bagF1(codeTokens(said), codeTokens(right));
}

/** In [0, 1], of the normalised code's first 4,000 characters. */
export function editSimilarity(said: string, right: string): number {
  const [first, second] = [said, right].map((code) => [...normalisedCode(code).slice(0, LONGEST)]) as [
    string[],
    string[],
  ];
  const longest = Math.max(first.length, second.length);
  return longest === 0 ? 1 : 1 - distance(first, second) / longest;
}

/** Levenshtein's distance, by one row at a time. */
function distance(first: readonly string[], second: readonly string[]): number {
  let row = Uint32Array.from({ length: second.length + 1 }, (_, at) => at);
  for (const [place, sign] of first.entries()) {
    const next = new Uint32Array(row.length);
    next[0] = place + 1;
    for (let at = 1; at < row.length; at++) {
      const changed = row[at - 1]! + (sign === second[at - 1] ? 0 : 1);
      next[at] = Math.min(changed, row[at]! + 1, next[at - 1]! + 1);
    }
    row = next;
  }
  return row.at(-1)!;
}
