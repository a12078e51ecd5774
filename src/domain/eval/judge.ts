import type { Matrix } from "../matrix.ts";
import { rowOf } from "../matrix.ts";
import { firstOf, queryMetrics, rankOf } from "./metrics.ts";

/** A positive of a query: which column of the score row, and its grade (> 0). */
export interface Positive {
  readonly passage: number;
  readonly grade: number;
}

/** One system's answer to one query. */
export interface Judged {
  readonly metrics: Float64Array; // in the order of METRIC_NAMES
  readonly rank: number; // of the best-placed positive, from 1
  readonly first: number; // column of the passage put first
}

/** scores [Q, N] against each query's positives (at least one). `order` [N] is the tie order (metrics.ts). */
export function judge(
  scores: Matrix,
  positives: readonly (readonly Positive[])[],
  order: Uint32Array,
): readonly Judged[] {
  return positives.map((wanted, query) => {
    const row = rowOf(scores, query);
    const ranks = wanted.map(({ passage }) => rankOf(row, passage, order));
    const metrics = queryMetrics(
      ranks,
      wanted.map(({ grade }) => grade),
    );
    return { metrics, rank: Math.min(...ranks), first: firstOf(row, order) };
  });
}
