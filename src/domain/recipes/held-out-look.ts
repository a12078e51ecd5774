import type { Matrix } from "../matrix.ts";

/** How held-out questions are answered at each strength α, in the order of the strengths. */
export interface Look {
  readonly mrr: readonly number[]; // MRR@10, what people read
  readonly logRank: readonly number[]; // mean of ln rank, what choices are made by: lower is better
}

/**
 * A look from scores alone: base S₀ and adapted S₁ are dot products with unit passages, so S(α) = (1 − α)·S₀ + α·S₁
 * orders passages as the adapter of strength α does, whatever its length. `base` and `adapted` [H, N]; `positives` [H].
 *
 * Choices are made by the mean log rank of the best-placed positive rather than by MRR@10: it uses every question, not
 * only those near the top, so it is less noisy (measured in search-schedule.ts).
 */
export function lookAt(
  base: Matrix,
  adapted: Matrix,
  positives: readonly (readonly number[])[],
  strengths: readonly number[],
): Look {
  const mrr: number[] = [];
  const logRank: number[] = [];
  for (const strength of strengths) {
    let [reciprocals, logs] = [0, 0];
    for (const [row, wanted] of positives.entries()) {
      const rank = bestRank(base, adapted, row, wanted, strength);
      if (rank <= 10) reciprocals += 1 / rank;
      logs += Math.log(rank);
    }
    mrr.push(reciprocals / Math.max(1, positives.length));
    logRank.push(logs / Math.max(1, positives.length));
  }
  return { mrr, logRank };
}

/** Rank of the best-placed positive; passages with its very score stand before it only if they come earlier. */
function bestRank(
  base: Matrix,
  adapted: Matrix,
  row: number,
  wanted: readonly number[],
  strength: number,
): number {
  const { columns } = base;
  const start = row * columns;
  const keep = 1 - strength;
  const scoreAt = (column: number): number =>
    keep * base.values[start + column]! + strength * adapted.values[start + column]!;
  let best = wanted[0]!;
  for (const column of wanted) if (scoreAt(column) > scoreAt(best)) best = column;
  const own = scoreAt(best);
  let rank = 1;
  for (let column = 0, at = start; column < columns; column++, at++) {
    const score = keep * base.values[at]! + strength * adapted.values[at]!;
    if (score > own || (score === own && column < best)) rank++;
  }
  return rank;
}
