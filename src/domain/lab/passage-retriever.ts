import { LexicalIndex } from "../eval/bm25.ts";
import { dotScores, unitRows } from "../eval/dense.ts";
import { topColumns } from "../eval/ranking.ts";
import type { Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";

const BLOCK = 256; // questions whose scores of all passages are held at once

/** A passage that a retriever brought. */
export interface RetrievedPassage {
  readonly place: number; // in the passages searched
  readonly text: string;
  readonly score: number;
}

/** What brings passages for questions. */
export interface PassageRetriever {
  readonly name: string;
  /** The best `count` passages of each question, best first; equal scores in the order of the passages. */
  retrieve(
    questions: readonly string[],
    count: number,
    control?: RunControl,
  ): Promise<readonly (readonly RetrievedPassage[])[]>;
}

/** BM25 over passages. */
export function lexicalRetriever(passages: readonly string[]): PassageRetriever {
  const index = new LexicalIndex(passages);
  return {
    name: "BM25",
    retrieve: (questions, count) =>
      Promise.resolve(questions.map((question) => best(index.scores([question]).values, passages, count))),
  };
}

/** Cosines with vectors of passages [N, D]; `embed` turns questions into vectors [Q, D]. */
export function vectorRetriever(
  name: string,
  passages: readonly string[],
  vectors: Matrix,
  embed: (questions: readonly string[], control?: RunControl) => Promise<Matrix>,
): PassageRetriever {
  const documents = unitRows(vectors);
  return {
    name,
    async retrieve(questions, count, control) {
      const found: (readonly RetrievedPassage[])[] = [];
      for (let from = 0; from < questions.length; from += BLOCK) {
        const asked = unitRows(await embed(questions.slice(from, from + BLOCK), control));
        const scores = dotScores(asked, documents);
        for (let row = 0; row < asked.rows; row++) {
          const own = scores.subarray(row * passages.length, (row + 1) * passages.length);
          found.push(best(own, passages, count));
        }
      }
      return found;
    },
  };
}

/** The distinct texts among some, in order. */
export function distinctTexts(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== undefined && text.trim() !== ""))] as string[];
}

function best(
  scores: ArrayLike<number>,
  passages: readonly string[],
  count: number,
): readonly RetrievedPassage[] {
  const order = Uint32Array.from(passages.keys());
  return Array.from(topColumns(scores, order, count), (place) => {
    return { place, text: passages[place]!, score: scores[place]! };
  });
}
