// Batches differ in tokens, executables do not: a step is compiled for a number of rows. Few sizes are chosen so that the
// batches of a run waste the fewest rows: exact dynamic programming over the distinct sizes.
const UNIT = 64; // rows of an executable are a multiple

/** At most `most` row counts, ascending, the last one for the longest batch, with the least padding over `totals`. */
export function chooseRowSizes(totals: readonly number[], most: number): number[] {
  const counts = new Map<number, number>();
  for (const total of totals) {
    const size = Math.max(UNIT, Math.ceil(total / UNIT) * UNIT);
    counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  const sizes = [...counts.keys()].sort((a, b) => a - b);
  // least[k][i]: padding of sizes[0 … i] when sizes[i] is the k-th size chosen; from[k][i]: the one chosen before it
  const waste = (after: number, upTo: number): number => {
    let sum = 0;
    for (let j = after + 1; j <= upTo; j++) sum += counts.get(sizes[j]!)! * (sizes[upTo]! - sizes[j]!);
    return sum;
  };
  const last = sizes.length - 1;
  const rounds = Math.min(most, sizes.length);
  let least = sizes.map((_, i) => ({ padding: waste(-1, i), chosen: [sizes[i]!] }));
  for (let k = 1; k < rounds; k++) {
    least = sizes.map((size, i) => {
      let best = least[i]!;
      for (let j = 0; j < i; j++) {
        const padding = least[j]!.padding + waste(j, i);
        if (padding < best.padding) best = { padding, chosen: [...least[j]!.chosen, size] };
      }
      return best;
    });
  }
  return least[last]!.chosen;
}

/** The smallest chosen size that holds `tokens`; a batch longer than all of them gets a size of its own. */
export function rowsFor(tokens: number, sizes: readonly number[]): number {
  return sizes.find((size) => size >= tokens) ?? Math.ceil(tokens / UNIT) * UNIT;
}
