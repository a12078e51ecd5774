//   rrf(q, d) = Σ_systems 1 / (k + rank_system(q, d)),  k = 60          (Cormack, Clarke & Büttcher, SIGIR 2009)
//
// Throws away how far scores lie apart, so it needs no fitting and no scale; triage shows it beside fitted z-scores.
import { rowOf, type Matrix } from "../matrix.ts";
import { ranking } from "./ranking.ts";

const RECIPROCAL_RANK_K = 60;

/** Score matrices [Q, N] of several systems → fused [Q, N]. `order` [N] is the tie order (metrics.ts). */
export function reciprocalRankFusion(
  systems: readonly Matrix[],
  order: Uint32Array,
  k = RECIPROCAL_RANK_K,
): Matrix {
  const { rows, columns } = systems[0]!;
  const values = new Float32Array(rows * columns);
  for (const scores of systems) {
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      for (const [place, column] of ranking(rowOf(scores, row), order).entries()) {
        values[start + column]! += 1 / (k + place + 1);
      }
    }
  }
  return { rows, columns, values };
}
