//   score(q, d) = Σ_{t ∈ q} idf(t) · f(t, d)·(k₁ + 1) / (f(t, d) + k₁·(1 − b + b·|d|/avg|d|))
//   idf(t)      = ln(1 + (N − n(t) + 0.5) / (n(t) + 0.5))
//
// k₁ 1.2, b 0.75; a word that a question repeats counts every time. Robertson & Zaragoza 2009; idf as Lucene's.
// On the Uber questions this gives hit@5 .8886 and MRR@10 .7710 (tests/domain/recipes/lyft-uber.test.ts).
import type { Matrix } from "../matrix.ts";
import { tokens } from "./tokens.ts";

export const BM25 = { k1: 1.2, b: 0.75, tokens: "[a-z0-9]+" } as const;

/**
 * An index over passages that scores questions; building is linear in the text, scoring in the postings met. Postings
 * lie word by word in flat arrays, ten bytes each with those that building needs: 10⁵ passages take some 60 MB.
 */
export class LexicalIndex {
  readonly passages: number;
  readonly #words = new Map<string, number>();
  readonly #starts: Uint32Array; // [words + 1] into the postings
  readonly #postings: Uint32Array; // passages, ascending within a word
  readonly #counts: Uint32Array | Uint16Array;
  readonly #saturation: Float64Array; // k₁·(1 − b + b·|d|/avg|d|)

  constructor(texts: readonly string[]) {
    this.passages = texts.length;
    const entries = new Entries(this.#words, texts);
    const { words, counts, ends, lengths } = entries;
    const average = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, texts.length);
    this.#saturation = lengths.map(
      (length) => BM25.k1 * (1 - BM25.b + (BM25.b * length) / Math.max(1, average)),
    );
    this.#starts = new Uint32Array(this.#words.size + 1);
    for (let index = 0; index < entries.size; index++) this.#starts[words[index]! + 1]!++;
    for (let word = 0; word < this.#words.size; word++) this.#starts[word + 1]! += this.#starts[word]!;
    this.#postings = new Uint32Array(entries.size);
    this.#counts = entries.highest > 0xffff ? new Uint32Array(entries.size) : new Uint16Array(entries.size);
    const next = this.#starts.slice();
    for (let passage = 0, index = 0; passage < texts.length; passage++) {
      for (; index < ends[passage]!; index++) {
        const at = next[words[index]!]!++;
        this.#postings[at] = passage;
        this.#counts[at] = counts[index]!;
      }
    }
  }

  /** Scores of one question over all passages, added into `row` [passages] (zeroed by the caller). */
  scoreInto(question: string, row: Float64Array): void {
    const [postings, counts, saturation] = [this.#postings, this.#counts, this.#saturation];
    for (const token of tokens(question)) {
      const word = this.#words.get(token);
      if (word === undefined) continue;
      const [start, end] = [this.#starts[word]!, this.#starts[word + 1]!];
      const idf = Math.log(1 + (this.passages - (end - start) + 0.5) / (end - start + 0.5));
      for (let index = start; index < end; index++) {
        const passage = postings[index]!;
        const count = counts[index]!;
        row[passage]! += ((count * (BM25.k1 + 1)) / (count + saturation[passage]!)) * idf;
      }
    }
  }

  /** questions [Q] → scores [Q, passages]. */
  scores(questions: readonly string[]): Matrix {
    const values = new Float32Array(questions.length * this.passages);
    const row = new Float64Array(this.passages);
    for (const [index, question] of questions.entries()) {
      row.fill(0);
      this.scoreInto(question, row);
      values.set(row, index * this.passages);
    }
    return { rows: questions.length, columns: this.passages, values };
  }
}

/** How often which word stands in which passage, passage by passage, in arrays that grow. */
class Entries {
  words = new Uint32Array(1 << 12);
  counts = new Uint32Array(1 << 12);
  readonly ends: Uint32Array; // [passages] end of each one's entries
  readonly lengths: Float64Array; // [passages] in words
  size = 0;
  highest = 0;

  constructor(known: Map<string, number>, texts: readonly string[]) {
    this.ends = new Uint32Array(texts.length);
    this.lengths = new Float64Array(texts.length);
    const counted = new Map<number, number>();
    for (const [passage, text] of texts.entries()) {
      const own = tokens(text);
      this.lengths[passage] = own.length;
      for (const token of own) {
        let word = known.get(token);
        if (word === undefined) known.set(token, (word = known.size));
        counted.set(word, (counted.get(word) ?? 0) + 1);
      }
      for (const [word, count] of counted) this.push(word, count);
      counted.clear();
      this.ends[passage] = this.size;
    }
  }

  private push(word: number, count: number): void {
    if (this.size === this.words.length) {
      this.words = grown(this.words);
      this.counts = grown(this.counts);
    }
    this.words[this.size] = word;
    this.counts[this.size] = count;
    this.size++;
    if (count > this.highest) this.highest = count;
  }
}

function grown(values: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * values.length);
  larger.set(values);
  return larger;
}
