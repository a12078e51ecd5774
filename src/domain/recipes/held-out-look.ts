import type { Matrix } from "../matrix.ts";

/**
 * MRR@10 of held-out questions at every strength α from scores alone: base S₀ and adapted S₁ are dot products with unit
 * passages, so S(α) = (1 − α)·S₀ + α·S₁ orders passages as the adapter of strength α does, whatever its length.
 * `base` and `adapted` [H, N]; `positives` [H].
 */
export function strengthCurve(
  base: Matrix,
  adapted: Matrix,
  positives: readonly (readonly number[])[],
  strengths: readonly number[],
): readonly number[] {
  return strengths.map((strength) => {
    let sum = 0;
    for (const [row, wanted] of positives.entries()) {
      const rank = bestRank(base, adapted, row, wanted, strength);
      if (rank <= 10) sum += 1 / rank;
    }
    return sum / Math.max(1, positives.length);
  });
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
