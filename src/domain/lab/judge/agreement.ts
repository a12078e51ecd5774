// How well two raters agree over the same rows:
//   Cohen's κ = 1 − Σ w·O / Σ w·E      O: confusion matrix, E: product of its margins / n; w = 0 on the diagonal, else 1; of
//               graded scores w = (i − j)²                                                    (Cohen 1960, 1968)
//   Spearman  = Pearson's correlation of ranks, the average rank where values are equal       (Spearman 1904)

/** Rows: what the first said, columns: the second, by `labels`. */
export function confusionMatrix<Label>(
  first: readonly Label[],
  second: readonly Label[],
  labels: readonly Label[],
): readonly (readonly number[])[] {
  const counts = labels.map(() => labels.map(() => 0));
  for (const [row, label] of first.entries()) {
    const [i, j] = [labels.indexOf(label), labels.indexOf(second[row]!)];
    counts[i]![j]!++;
  }
  return counts;
}

/** κ of a confusion matrix; undefined where chance alone explains everything (nobody ever used a second label), or of nothing. */
export function cohenKappa(
  matrix: readonly (readonly number[])[],
  weights: "none" | "quadratic" = "none",
): number | undefined {
  const rows = matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = matrix.map((_, j) => matrix.reduce((sum, row) => sum + row[j]!, 0));
  const total = rows.reduce((sum, count) => sum + count, 0);
  let [observed, expected] = [0, 0];
  for (const [i, row] of matrix.entries()) {
    for (const [j, count] of row.entries()) {
      const weight = weights === "quadratic" ? (i - j) ** 2 : Number(i !== j);
      observed += weight * count;
      expected += (weight * rows[i]! * columns[j]!) / Math.max(1, total);
    }
  }
  return expected === 0 ? undefined : 1 - observed / expected;
}

/** ρ from −1 to 1; undefined below two rows, or where one side never changes. */
export function spearman(first: readonly number[], second: readonly number[]): number | undefined {
  const [x, y] = [averageRanks(first), averageRanks(second)];
  const middle = (first.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (const [row, rank] of x.entries()) {
    const [dx, dy] = [rank - middle, y[row]! - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? undefined : xy / Math.sqrt(xx * yy);
}

/** Ranks from 1; equal values share the mean of theirs. */
export function averageRanks(values: readonly number[]): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let place = from; place < to; place++) ranks[order[place]!] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}
