// House words and what they mean, from sentences that say so: "A raisin day is a day of paid holiday", "Magpie, our
// booking desk, …", "churn means …". With them a question about another passage can be asked in everyday words.
import { sentencesOf } from "../../text/sentences.ts";
import { isVerb } from "./clause.ts";
import { FUNCTION_WORDS } from "./lexicon.ts";
import { isTopicWord, wordsOf } from "./words.ts";

export interface Definition {
  readonly term: string; // as written, without article
  readonly meaning: string; // a noun phrase, with its article
  readonly sentence: string;
}

const TERM = "((?:\\p{Lu}|\\p{Ll})[\\p{L}\\p{N}&’'-]*(?: [\\p{L}\\p{N}&’'-]+){0,2})";
const NOUN_PHRASE = "((?:an?|the|our|your|any|every|each) [^.;:!?]{3,160})";
const IS = new RegExp(
  `^(?:An?|The|Our|Your)?\\s*${TERM} (?:is|are|means|refers to|is called|stands for) ${NOUN_PHRASE}`,
  "u",
);
const LATER_IS = new RegExp(
  `(?:^|[,;] (?:and |while )?)(?:an? |the )?${TERM} (?:is|are|means) ${NOUN_PHRASE}`,
  "giu",
);
const NAME = "(\\p{Lu}[\\p{L}\\p{N}&’'-]*(?: \\p{Lu}[\\p{L}\\p{N}&’'-]*){0,2})";
const ASIDE = "[\\p{Ll}][^,.;:()]{3,60}";
// "…, Magpie, our booking desk, …": an aside with "our" or "the" after a name; with "a" only where it ends the sentence,
// for "a badge, a locker, a key" is a list.
const APPOSITION = new RegExp(`${NAME}, ((?:the|our) ${ASIDE})[,.]`, "gu");
const LAST_APPOSITION = new RegExp(
  `^[^,]*\\b(?:an?|every|each|your|our|the) ([\\p{L}-]+(?: [\\p{Ll}-]+)?), (an? ${ASIDE})(?:\\.$|, (?:and (?!an? )|who|which|so|but))`,
  "u",
);
const NO_TERM =
  /^(?:it|this|that|there|these|those|he|she|they|we|you|i|what|who|here|nothing|something|everybody|nobody|one|all)\b/i;

/** Definitions of one text, in reading order. */
export function definitionsIn(text: string): Definition[] {
  const found: Definition[] = [];
  for (const sentence of text.split("\n").flatMap((line) => sentencesOf(line))) {
    const direct = IS.exec(sentence);
    const candidates = direct ? [direct] : [];
    candidates.push(...sentence.matchAll(LATER_IS), ...sentence.matchAll(APPOSITION));
    const last = LAST_APPOSITION.exec(sentence);
    if (last && !/ (?:or|and|is|are) /.test(last[2]!)) candidates.push(last);
    for (const match of candidates) {
      const [term, meaning] = [cleanTerm(match[1]!), cleanMeaning(match[2]!)];
      const known = found.some((definition) => definition.term.toLowerCase() === term.toLowerCase());
      if (!known && isTerm(term) && meaning !== "") found.push({ term, meaning, sentence });
    }
  }
  return found;
}

const COMMON = 0.35; // a word in more passages than that is no house word, whatever a sentence says of it

/** The glossary of a corpus: terms that are used in at least two passages, the shortest meaning of each. */
export function glossaryOf(texts: readonly string[]): ReadonlyMap<string, string> {
  const glossary = new Map<string, string>();
  const most = Math.max(3, texts.length * COMMON);
  const definitions = texts.flatMap(definitionsIn);
  const counts = usesOf(new Set(definitions.map(({ term }) => term.toLowerCase())), texts);
  for (const { term, meaning } of definitions) {
    const key = term.toLowerCase();
    const uses = counts.get(key) ?? 0;
    const known = glossary.get(key);
    if (
      uses >= 2 &&
      uses <= most &&
      wordsOf(meaning).length <= 9 &&
      (known === undefined || meaning.length < known.length)
    ) {
      glossary.set(key, meaning);
    }
  }
  return glossary;
}

/** In how many texts each term stands, alone or with a plural s; every text is read once, however many terms there are. */
function usesOf(terms: ReadonlySet<string>, texts: readonly string[]): ReadonlyMap<string, number> {
  const most = [...terms].reduce((length, term) => Math.max(length, term.split(" ").length), 0);
  const starts = new Set([...terms].map((term) => term.split(" ")[0]!));
  const counts = new Map<string, number>();
  for (const text of texts) {
    const words = wordsOf(text.toLowerCase());
    const here = new Set<string>();
    for (const [at, word] of words.entries()) {
      if (!starts.has(word) && !starts.has(singular(word))) continue;
      for (let length = 1, run = word; at + length <= words.length && length <= most; length++) {
        if (length > 1) run += ` ${words[at + length - 1]!}`;
        for (const key of [run, singular(run)]) if (terms.has(key)) here.add(key);
      }
    }
    for (const term of here) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return counts;
}

const singular = (word: string): string => (word.endsWith("s") ? word.slice(0, -1) : word);

function cleanTerm(term: string): string {
  const bare = term.replace(/^(?:an?|the|our|your|and|while) /i, "").trim();
  const [first = "", ...others] = bare.split(" ");
  return others.length > 0 && isVerb(first.toLowerCase()) ? others.join(" ") : bare; // "Open Magpie, our …"
}

/** The first clause of what follows "is", without asides. */
function cleanMeaning(text: string): string {
  const first = text.split(/, (?!and )|, and (?=(?:an?|the) \p{L}+(?: \p{L}+)? is )| – | — | \(/u)[0]!;
  const meaning = first.trim().replace(/\s+/g, " ");
  return wordsOf(meaning).filter(isTopicWord).length >= 2 ? meaning : "";
}

function isTerm(term: string): boolean {
  const words = wordsOf(term.toLowerCase());
  if (words.length === 0 || words.length > 3 || NO_TERM.test(term)) return false;
  return !FUNCTION_WORDS.has(words[0]!) && !FUNCTION_WORDS.has(words.at(-1)!) && term.length > 2;
}
