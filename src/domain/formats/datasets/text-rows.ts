// Formats that hold texts and no passage ids (FlagEmbedding, Cohere, sentence-transformers) become a Dataset here:
// passages are told apart by text, and ids are the start of SHA-256 of the text, so the same file gives the same ids.
import type { Judgement, Passage, Query } from "../../data/dataset.ts";
import { sha256 } from "../../data/hash.ts";
import type { RetrievalData } from "./dataset-format.ts";
import { rowError, type RowReport } from "./row-report.ts";

/** A row as such files have it. */
export interface TextRow {
  readonly line: number;
  readonly id?: string; // of the question; rows without are told apart by its text
  readonly query: string;
  readonly positives: readonly { readonly text: string; readonly grade: number }[];
  readonly negatives: readonly string[];
  readonly prompt?: string;
}

const HASH_DIGITS = 16;
const MADE_ID = new RegExp(`^[qp]-[0-9a-f]{${HASH_DIGITS},64}$`);

/** Whether an id was made from a text's hash, so that it comes again by itself. */
export function isMadeId(id: string): boolean {
  return MADE_ID.test(id);
}

/** One id a text, prefix and 16 hex digits of its SHA-256; of 64 where a given id has the short one already. */
export async function textIds(
  prefix: "q" | "p",
  texts: readonly string[],
  taken: ReadonlySet<string> = new Set(),
): Promise<readonly string[]> {
  const ids: string[] = [];
  const used = new Set(taken);
  for (let from = 0; from < texts.length; from += 1000) {
    const hashes = await Promise.all(texts.slice(from, from + 1000).map((text) => sha256(text)));
    for (const hash of hashes) {
      let id = `${prefix}-${hash.slice(0, HASH_DIGITS)}`;
      if (used.has(id)) id = `${prefix}-${hash}`;
      while (used.has(id)) id += "0"; // texts with different half characters are the same bytes
      used.add(id);
      ids.push(id);
    }
  }
  return ids;
}

interface GatheredQuery {
  readonly id: string | undefined;
  readonly text: string;
  readonly grades: Map<number, number>; // place of a passage → grade
  readonly negatives: Set<number>;
  prompt: string | undefined;
}

/**
 * Rows of texts as a dataset, passages and questions in order of first appearance. Rows of one question (one id, or
 * without ids one text) are joined. A text that is right and wrong for a question counts as right. Bad rows: E_FIELD
 * without a right text, E_DUPLICATE for an id with another text.
 */
export class TextRows {
  readonly #file: string;
  readonly #spread: boolean;
  readonly #report: RowReport;
  readonly #places = new Map<string, number>();
  readonly #queries = new Map<string, GatheredQuery>();

  /** `spread`: the format spreads the texts of one question over rows, so joining them is nothing to tell. */
  constructor(file: string, report: RowReport, { spread = false }: { readonly spread?: boolean } = {}) {
    this.#file = file;
    this.#report = report;
    this.#spread = spread;
  }

  add(row: TextRow): void {
    const query = this.#queryOf(row);
    let repeated = 0;
    for (const { text, grade } of row.positives) {
      const place = this.#placeOf(text);
      if (query.grades.has(place)) repeated++;
      else query.grades.set(place, grade);
    }
    for (const text of row.negatives) {
      const place = this.#placeOf(text);
      if (query.negatives.has(place)) repeated++;
      query.negatives.add(place);
    }
    this.#noteRepeats(row, repeated);
    if (row.prompt !== undefined) query.prompt = row.prompt;
  }

  async data(): Promise<RetrievalData> {
    const gathered = [...this.#queries.values()];
    if (gathered.length === 0) throw this.#report.nothingRead(this.#file, "no question in it");
    const texts = [...this.#places.keys()];
    const passageIds = await textIds("p", texts);
    const given = new Set(gathered.flatMap(({ id }) => (id === undefined ? [] : [id])));
    const unnamed = gathered.filter(({ id }) => id === undefined).map(({ text }) => text);
    const made = [...(await textIds("q", unnamed, given))].reverse();
    const queries = gathered.map((query) => this.#query(query, query.id ?? made.pop()!, passageIds));
    const passages = texts.map((text, place): Passage => ({ id: passageIds[place]!, text }));
    const prompts = new Map(
      gathered.flatMap(({ prompt }, index) =>
        prompt === undefined ? [] : [[queries[index]!.id, prompt] as const],
      ),
    );
    return { kind: "retrieval", dataset: { queries, passages }, ...(prompts.size > 0 ? { prompts } : {}) };
  }

  #query(query: GatheredQuery, id: string, passageIds: readonly string[]): Query {
    const relevant = Array.from(query.grades, ([place, grade]): Judgement => ({
      passage: passageIds[place]!,
      grade,
    }));
    const wrong = [...query.negatives].filter((place) => !query.grades.has(place));
    const both = query.negatives.size - wrong.length;
    if (both > 0) {
      const what = "a text stands as right and as wrong for one question; it counts as right";
      this.#report.warn("right-and-wrong", this.#file, undefined, what, both);
    }
    const negatives = wrong.map((place) => passageIds[place]!);
    const origin = { kind: "imported", detail: this.#file } as const;
    return { id, text: query.text, relevant, ...(negatives.length > 0 ? { negatives } : {}), origin };
  }

  #queryOf(row: TextRow): GatheredQuery {
    const { id, query: text, line } = row;
    if (row.positives.length === 0)
      throw rowError("E_FIELD", this.#file, line, "the question has no right text");
    const key = id === undefined ? `text ${text}` : `id ${id}`;
    const known = this.#queries.get(key);
    if (known && known.text !== text) {
      const what = `the id ${JSON.stringify(id)} stands for another question above`;
      throw rowError("E_DUPLICATE", this.#file, line, what);
    }
    if (known && !this.#spread) {
      const what = "the row's question stands above; their texts are joined";
      this.#report.warn("joined-rows", this.#file, line, what);
    }
    if (known) return known;
    const fresh: GatheredQuery = { id, text, grades: new Map(), negatives: new Set(), prompt: undefined };
    this.#queries.set(key, fresh);
    return fresh;
  }

  #placeOf(text: string): number {
    const place = this.#places.get(text) ?? this.#places.size;
    this.#places.set(text, place);
    return place;
  }

  /** In spread rows only one that brings nothing new is a repetition. */
  #noteRepeats({ line, positives, negatives }: TextRow, repeated: number): void {
    if (repeated === 0 || (this.#spread && repeated < positives.length + negatives.length)) return;
    const what = this.#spread ? "the row stands above already" : "a text stands twice for one question";
    this.#report.warn("duplicate-judgement", this.#file, line, what);
  }
}
