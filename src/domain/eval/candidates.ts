// The candidates of retrieve and re-rank: the best `depth` passages of the first stage, and the ranking that a
// cross-encoder's scores make of them. Without `forceGold` a right passage that the first stage missed stays missed, as
// in use; with it (always_rerank_positives of sentence-transformers' evaluators) it is scored all the same.
import { RetuneError } from "../../engine/errors.ts";
import { passageIndex, type Dataset } from "../data/dataset.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import { positivesOf } from "./evaluate.ts";
import { idOrder } from "./metrics.ts";
import { ranking, topColumns } from "./ranking.ts";

export interface CandidateOptions {
  readonly depth: number; // 100 in the guide
  readonly forceGold: boolean;
}

/** Scores of one cross-encoder over the candidates of each question, in their order. */
export type CandidateScores = readonly Float32Array[];

/** Columns of the candidates of each question: the best `depth` by first-stage score, forced positives after them. */
export function candidatesOf(
  dataset: Dataset,
  retrieved: Matrix,
  { depth, forceGold }: CandidateOptions,
): readonly Uint32Array[] {
  checkRetrieved(dataset, retrieved, depth);
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const places = passageIndex(dataset);
  return dataset.queries.map((query, index) => {
    const best = topColumns(rowOf(retrieved, index), order, depth);
    if (!forceGold) return best;
    const known = new Set(best);
    const missed = positivesOf(query, places).filter(({ passage }) => !known.has(passage));
    return Uint32Array.from([...best, ...missed.map(({ passage }) => passage)]);
  });
}

/** Scores [Q, N] that rank as "candidates by their score, then all others as retrieved" does. */
export function rerankedScores(
  dataset: Dataset,
  retrieved: Matrix,
  candidates: readonly Uint32Array[],
  scores: CandidateScores,
): Matrix {
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const values = new Float32Array(retrieved.values.length);
  for (const [query, columns] of candidates.entries()) {
    const own = scores[query]!;
    checkScores(own, columns.length, query);
    const known = new Set(columns);
    const first = Array.from(columns.keys())
      .sort((a, b) => own[b]! - own[a]! || order[columns[a]!]! - order[columns[b]!]!)
      .map((place) => columns[place]!);
    const rest = ranking(rowOf(retrieved, query), order).filter((column) => !known.has(column));
    const start = query * retrieved.columns;
    for (const [rank, column] of [...first, ...rest].entries()) values[start + column] = -rank;
  }
  return { ...retrieved, values };
}

function checkRetrieved(dataset: Dataset, retrieved: Matrix, depth: number): void {
  const [queries, passages] = [dataset.queries.length, dataset.passages.length];
  if (retrieved.rows !== queries || retrieved.columns !== passages) {
    throw new RetuneError(
      "E_MISMATCH",
      `re-rank: scores [${retrieved.rows}, ${retrieved.columns}] for ${queries} questions and ${passages} passages`,
    );
  }
  if (!Number.isInteger(depth) || depth < 1) {
    throw new RetuneError("usage", `re-rank: depth ${depth} is not possible; give a whole number from 1`);
  }
}

function checkScores(scores: Float32Array, wanted: number, query: number): void {
  if (scores.length !== wanted) {
    throw new RetuneError(
      "E_MISMATCH",
      `re-rank: ${scores.length} scores for the ${wanted} candidates of question ${query}`,
    );
  }
  if (scores.some((score) => !Number.isFinite(score))) {
    throw new RetuneError(
      "not-finite",
      `re-rank: a score of question ${query} is not a number; the re-ranker's weights hold NaN or infinity`,
    );
  }
}
