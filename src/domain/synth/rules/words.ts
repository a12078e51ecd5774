import { FUNCTION_WORDS, otherWord } from "./lexicon.ts";

/** Words with their inner apostrophes and hyphens, numbers included, in reading order. */
export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+(?:['’.&-][\p{L}\p{N}]+)*/gu) ?? [];
}

export function isTopicWord(word: string): boolean {
  const lower = word.toLowerCase().replace(/['’]s$/, "");
  return lower.length > 1 && !FUNCTION_WORDS.has(lower) && !/^\d/.test(lower);
}

/** A stable number from a text, for picking among equal choices (FNV-1a, 32 bits). */
export function pickFrom(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The other person of the talk: what a text says to "you" or "employees" is asked as "I". */
const PERSONS: Readonly<Record<string, string>> = {
  you: "I",
  your: "my",
  yours: "mine",
  yourself: "myself",
  we: "you",
  our: "your",
  ours: "yours",
  us: "you",
};

const AFTER_OBJECT =
  "about|to|from|with|at|in|on|for|by|of|after|before|when|if|the|an?|any|some|what|more|one|your|it|and|or|as|home|out|back";
const OBJECT = new RegExp(
  `(?<!\\b(?:if|when|that|whether|because|and|or|while|as|than) )(?<=[\\p{L}] )you(?= (?:${AFTER_OBJECT})\\b|[,.;]|$)`,
  "giu",
);

export function asAsker(text: string): string {
  return text
    .replace(OBJECT, "me")
    .replace(/\b(?:you|your|yours|yourself|we|our|ours|us)\b/gi, (word) => PERSONS[word.toLowerCase()]!)
    .replace(/\bI are\b/g, "I am")
    .replace(/\bI were\b/g, "I was");
}

/** A clause in other words: glossary terms by their meaning, common words by their synonyms. `pick` varies the choice. */
export function reworded(clause: string, glossary: ReadonlyMap<string, string>, pick: number): string {
  const explained = withGlossary(clause, glossary);
  let position = 0;
  return explained
    .split(" ")
    .map((part) => {
      const word = part.replace(/[^\p{L}'’-]/gu, "").toLowerCase();
      const other = word === part ? otherWord(word, pick + position++) : undefined;
      return other ?? part;
    })
    .join(" ");
}

const MOST_EXPLAINED = 2; // a question that explains every word is no question any more

/** Replaces the longest glossary terms; a term in the text may carry a plural s. */
function withGlossary(clause: string, glossary: ReadonlyMap<string, string>): string {
  if (glossary.size === 0) return clause;
  let replaced = 0;
  const words = clause.split(" ");
  const result: string[] = [];
  for (let index = 0; index < words.length;) {
    const match = termAt(words, index, glossary);
    if (match && replaced < MOST_EXPLAINED) {
      result.push(match.meaning);
      index += match.length;
      replaced++;
    } else result.push(words[index++]!);
  }
  return result
    .join(" ")
    .replace(
      /\b(?:a|an|the|my|your|every|each|one|this|that) (?=(?:a|an|the|my|your|any|every|each) )/gi,
      "",
    );
}

function termAt(
  words: readonly string[],
  index: number,
  glossary: ReadonlyMap<string, string>,
): { meaning: string; length: number } | undefined {
  for (const length of [3, 2, 1]) {
    const key = words
      .slice(index, index + length)
      .join(" ")
      .toLowerCase()
      .replace(/['’]s$|[^\p{L}\p{N}]+$/gu, "");
    if (words.length < index + length) continue;
    const meaning =
      glossary.get(key) ?? glossary.get(key.replace(/s$/, "")) ?? glossary.get(key.replace(/ies$/, "y"));
    if (meaning !== undefined) return { meaning, length };
  }
  return undefined;
}

/** At most `count` words, cut before a word that leaves the clause hanging. */
export function shortened(clause: string, count: number): string {
  const words = clause
    .replace(/[.!?;:]+$/, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  const kept = words.slice(0, count);
  while (
    kept.length > 2 &&
    FUNCTION_WORDS.has(
      kept
        .at(-1)!
        .toLowerCase()
        .replace(/[^a-z]/g, ""),
    )
  )
    kept.pop();
  return kept.join(" ").replace(/[,;:]+$/, "");
}
