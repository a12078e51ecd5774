// Delexicalisation (anonymised semantic parsing): names of a schema and literals become placeholders before the model reads them,
// and the words themselves afterwards. A model of a few hundred pieces cannot spell names that it never saw; it can point at
// them. What is learnt is the form of questions and which place takes which name, not the names: over those it generalises by
// construction.
import { CounterRandom } from "../random.ts";

/** t: tables and functions, c: columns and arguments, v: texts, x: numbers. */
export type PlaceholderKind = "t" | "c" | "v" | "x";

/** How many different placeholders of a kind a text can have; names beyond them stay as they are. */
export const PLACEHOLDERS: Readonly<Record<PlaceholderKind, number>> = { t: 6, c: 12, v: 8, x: 8 };

const FNV_PRIME = 0x01000193;

/** The placeholders of one example: numbered in an order that its own text decides, so that equal rows read alike. */
export class PlaceholderNames {
  readonly #free: Record<PlaceholderKind, string[]>;
  readonly #taken = new Map<string, string>(); // kind and name, in lower case → placeholder
  readonly #originals = new Map<string, string>();

  /** `text` is what decides the order: a row's own. */
  constructor(text: string) {
    const random = new CounterRandom(hashOf(text));
    const order = (kind: PlaceholderKind): string[] =>
      [...random.permutation(PLACEHOLDERS[kind])].map((place) => `${kind}${place}`);
    this.#free = { t: order("t"), c: order("c"), v: order("v"), x: order("x") };
  }

  /** The placeholder of a name or literal, the same at every call; the name itself once all are taken. */
  of(kind: PlaceholderKind, original: string): string {
    const known = this.known(kind, original);
    if (known !== undefined) return known;
    const placeholder = this.#free[kind].shift();
    if (placeholder === undefined) return original;
    this.#taken.set(keyOf(kind, original), placeholder);
    this.#originals.set(placeholder, original);
    return placeholder;
  }

  /** The placeholder of a name that has one. */
  known(kind: PlaceholderKind, original: string): string | undefined {
    return this.#taken.get(keyOf(kind, original));
  }

  /** What a placeholder stands for; undefined for any other word. */
  original(placeholder: string): string | undefined {
    return this.#originals.get(placeholder);
  }
}

/** Names that a question may mention, with the words they are written with. */
export interface MentionableName {
  readonly kind: "t" | "c";
  readonly name: string;
}

const WORDS =
  /'([^']*)'(?!\p{L})|"([^"]*)"|“([^”]*)”|(-?\d+(?:\.\d+)?)(?![\p{L}_])|([\p{L}\p{N}_]+(?:['’]\p{L}+)?)|,/gu;
const LONGEST_NAME = 5; // words

/**
 * A question with the names it mentions and the literals it holds as placeholders: quoted texts, numbers, and capitalised words after
 * the first. Other words are in lower case, punctuation but commas is dropped. `literal` writes a placeholder of a literal.
 */
export function delexicaliseQuestion(
  question: string,
  mentionable: readonly MentionableName[],
  names: PlaceholderNames,
  literal: (placeholder: string) => string = (placeholder) => placeholder,
): string {
  const words = [...question.matchAll(WORDS)];
  const byWords = new Map([...mentionable].reverse().map((own) => [spoken(own.name), own]));
  const out: string[] = [];
  for (let at = 0; at < words.length;) {
    const [quoted, number] = [words[at]![1] ?? words[at]![2] ?? words[at]![3], words[at]![4]];
    const named = mentionedAt(words, at, byWords);
    if (quoted !== undefined) out.push(literal(names.of("v", quoted)));
    else if (named) out.push(names.of(named.kind, named.name));
    else if (number !== undefined) out.push(literal(names.of("x", number)));
    const proper = quoted === undefined && !named && number === undefined && at > 0 ? properAt(words, at) : 0;
    if (proper > 0) out.push(literal(names.of("v", textOf(words, at, proper))));
    else if (quoted === undefined && number === undefined && !named) out.push(words[at]![0].toLowerCase());
    at += named?.words ?? Math.max(1, proper);
  }
  return out.join(" ");
}

interface Mention extends MentionableName {
  readonly words: number;
}

/** The longest name that is spelled from word `at` on, a plural of it included. */
function mentionedAt(
  words: readonly RegExpExecArray[],
  at: number,
  byWords: ReadonlyMap<string, MentionableName>,
): Mention | undefined {
  for (let count = Math.min(LONGEST_NAME, words.length - at); count > 0; count--) {
    if (words.slice(at, at + count).some((word) => word[5] === undefined && word[4] === undefined)) continue;
    const text = spoken(textOf(words, at, count).replace(/['’]s$/u, ""));
    const found = byWords.get(text) ?? (text.endsWith("s") ? byWords.get(text.slice(0, -1)) : undefined);
    if (found) return { ...found, words: count };
  }
  return undefined;
}

/** How many capitalised words stand together from word `at` on. */
function properAt(words: readonly RegExpExecArray[], at: number): number {
  let count = 0;
  while (/^\p{Lu}/u.test(words[at + count]?.[5] ?? "")) count++;
  return count;
}

function textOf(words: readonly RegExpExecArray[], at: number, count: number): string {
  return words
    .slice(at, at + count)
    .map(([text]) => text)
    .join(" ");
}

/** "releaseYear" and "release_year" as they are said: "release year". */
function spoken(name: string): string {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replaceAll("_", " ")
    .trim()
    .toLowerCase();
}

function keyOf(kind: PlaceholderKind, original: string): string {
  return `${kind} ${kind === "v" ? original : original.toLowerCase()}`;
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  return hash >>> 0;
}
