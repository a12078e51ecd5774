import { RetuneError } from "../../../engine/errors.ts";
import { LexicalIndex } from "../../eval/bm25.ts";
import { cosineScores, inverseNorms } from "../../eval/dense.ts";
import type { JudgedVectors } from "../../eval/evaluate.ts";
import { fuse } from "../../eval/fusion.ts";
import type { Fusion } from "../../eval/report.ts";
import { rowOf, selectRows, type Matrix } from "../../matrix.ts";
import type { Dataset } from "../dataset.ts";

/** Scores of questions over all passages, a few questions at a time: no [questions, passages] matrix is ever held. */
export interface PassageSearch {
  readonly questions: number;
  readonly passages: number;
  /** Positions of questions [B] → scores [B, passages]. */
  score(questions: readonly number[]): Matrix;
}

/** Scores that are there already. */
export function searchOfScores(scores: Matrix): PassageSearch {
  return {
    questions: scores.rows,
    passages: scores.columns,
    score: (questions) => selectRows(scores, questions),
  };
}

/** BM25. */
export function lexicalSearch({ queries, passages }: Dataset): PassageSearch {
  const index = new LexicalIndex(passages.map(({ text }) => text));
  return {
    questions: queries.length,
    passages: passages.length,
    score: (questions) => index.scores(questions.map((question) => queries[question]!.text)),
  };
}

/** Cosines. Throws E_MISMATCH for vectors of two sizes. */
export function denseSearch({ queries, queriesInstruction, corpus }: JudgedVectors): PassageSearch {
  const own = queriesInstruction ?? queries;
  if (own.columns !== corpus.columns) {
    throw new RetuneError(
      "E_MISMATCH",
      `cosine: questions have ${own.columns} dimensions, passages ${corpus.columns}; embed both with one model`,
    );
  }
  const scales = inverseNorms(corpus);
  return {
    questions: own.rows,
    passages: corpus.rows,
    score: (questions) => cosineScores(selectRows(own, questions), corpus, scales),
  };
}

/** Both, z-scored by question and weighted. */
export function hybridSearch(dense: PassageSearch, lexical: PassageSearch, fusion: Fusion): PassageSearch {
  return { ...dense, score: (questions) => fuse(dense.score(questions), lexical.score(questions), fusion) };
}

const BLOCK_SCORES = 4_000_000; // 16 MB of float32 at once

/** The rows of each of `questions` in turn, scored in blocks; a yield after every block says how many are done. */
export function* rowsInBlocks(
  search: PassageSearch,
  questions: readonly number[],
  visit: (place: number, row: Float32Array) => void,
): Generator<number, void> {
  const block = Math.max(4, Math.min(256, Math.floor(BLOCK_SCORES / Math.max(1, search.passages))));
  for (let start = 0; start < questions.length; start += block) {
    const scores = search.score(questions.slice(start, start + block));
    for (let row = 0; row < scores.rows; row++) visit(start + row, rowOf(scores, row));
    yield Math.min(questions.length, start + block);
  }
}
