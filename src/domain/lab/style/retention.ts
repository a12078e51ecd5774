// Whether a text in another style still says the same: how much of what the source says is there.
//   recall of a kind = share of the source's distinct items of it that the answer holds
//   retention        = mean of the recalls of words, numbers and names, of those that the source has
import { tokens } from "../../eval/tokens.ts";

export interface Retention {
  readonly content: number; // the mean
  readonly facts?: number; // recall of numbers and names together; left out where the source has none
}

const NUMBER = /(?<![\p{L}\p{N}])[-−]?\d+(?:[.,]\d+)*(?![\p{L}\p{N}])/gu;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
const STARTS = /(?:^|[.!?:;\n]\s*|["“(]\s*)$/u;
/** Words that carry the form of an English sentence, not what it says. */
const FORM = new Set(
  (
    "a about after all also am an and any are as at be been before but by can could did do does for from had has have he her " +
    "here him his how i if in into is it its just may me more most my no not of on or our out she so some such than that the " +
    "their them then there these they this those to too up us very was we were what when where which who will with would you your"
  ).split(" "),
);

/** A source without any item is kept whole by every answer. */
export function retentionOf(source: string, answer: string): Retention {
  const there = { words: new Set(wordsOf(answer)), numbers: new Set(numbersOf(answer)) };
  const words = wordsOf(source).filter((word) => !FORM.has(word) && !/^\d+$/.test(word));
  const numbers = numbersOf(source);
  const names = namesOf(source);
  const recalls = [
    recall(words, there.words),
    recall(numbers, there.numbers),
    recall(names, there.words),
  ].flatMap((share) => share ?? []);
  const content = recalls.length === 0 ? 1 : recalls.reduce((sum, share) => sum + share, 0) / recalls.length;
  const facts = new Set([...numbers, ...names]);
  const kept = recall([...facts], new Set([...there.words, ...there.numbers]));
  return { content, ...(kept === undefined ? {} : { facts: kept }) };
}

function recall(wanted: readonly string[], there: ReadonlySet<string>): number | undefined {
  const distinct = [...new Set(wanted)];
  if (distinct.length === 0) return undefined;
  return distinct.filter((item) => there.has(item)).length / distinct.length;
}

function wordsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(WORD)].flatMap(([word]) =>
    UNSPACED.test(word) ? tokens(word) : [word],
  );
}

/** By value: 1,234.50 and 1234.5 are one number. */
function numbersOf(text: string): string[] {
  return [...text.matchAll(NUMBER)].map(([number]) => {
    const plain = number.replace("−", "-").replace(/,(?=\d{3}(?!\d))/g, "");
    return Number.isFinite(Number(plain)) ? String(Number(plain)) : plain;
  });
}

/** Words with a capital letter that no sentence begins with, in lower case. */
function namesOf(text: string): string[] {
  return [...text.matchAll(WORD)].flatMap(({ 0: word, index }) => {
    const isName =
      /^\p{Lu}/u.test(word) && word.length > 1 && !STARTS.test(text.slice(Math.max(0, index - 8), index));
    return isName ? [word.toLowerCase()] : [];
  });
}
