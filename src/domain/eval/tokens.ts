// Words as BM25 and the copy rate see them: lower case, runs of [a-z0-9]. Scripts written without spaces (Chinese,
// Japanese, Thai, Lao, Khmer, Burmese) have no such runs, so their stretches are cut into words by Intl.Segmenter.
const STRETCH =
  /[a-z0-9]+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]+/gu;
const ASCII = /^[a-z0-9]/;

let segmenter: Intl.Segmenter | undefined;

/** Lower-cased words in reading order, repetitions kept. */
export function tokens(text: string): readonly string[] {
  const words: string[] = [];
  for (const [stretch] of text.toLowerCase().matchAll(STRETCH)) {
    if (ASCII.test(stretch)) words.push(stretch);
    else words.push(...segments(stretch));
  }
  return words;
}

function segments(stretch: string): readonly string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "word" });
  return Array.from(segmenter.segment(stretch), (part) => part.segment);
}

/**
 * Share of a question's distinct words that its passage holds, 0–1: questions made by a model copy words of their
 * passage, which flatters BM25 (retrieval.md, point 3). A question without words has 0.
 */
export function copyRate(question: string, passage: string): number {
  return new PassageWords(passage).copyRate(question);
}

/** Share of the question's runs of three words found in the passage, 0–1; of its words where it has fewer than three. */
export function copiedTrigrams(question: string, passage: string): number {
  return new PassageWords(passage).copiedTrigrams(question);
}

/** A passage that many questions are compared with: its words are read once. */
export class PassageWords {
  readonly #words: readonly string[];
  readonly #runs = new Map<number, ReadonlySet<string>>(); // by length

  constructor(passage: string) {
    this.#words = tokens(passage);
  }

  /** See copyRate. */
  copyRate(question: string): number {
    const words = new Set(tokens(question));
    if (words.size === 0) return 0;
    const there = this.#runsOf(1);
    let copied = 0;
    for (const word of words) if (there.has(word)) copied++;
    return copied / words.size;
  }

  /** See copiedTrigrams. */
  copiedTrigrams(question: string): number {
    const asked = tokens(question);
    const size = Math.min(3, asked.length);
    if (size === 0) return 0;
    const runs = runsOf(asked, size);
    const there = this.#runsOf(size);
    return runs.filter((run) => there.has(run)).length / runs.length;
  }

  #runsOf(size: number): ReadonlySet<string> {
    const known = this.#runs.get(size) ?? new Set(runsOf(this.#words, size));
    this.#runs.set(size, known);
    return known;
  }
}

function runsOf(words: readonly string[], size: number): string[] {
  return words
    .slice(0, words.length - size + 1)
    .map((_, start) => words.slice(start, start + size).join(" "));
}
