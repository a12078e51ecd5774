/** A batch of texts that are about as long: positions in the caller's order. */
export interface Batch {
  readonly rows: readonly number[];
  readonly length: number; // tokens of the longest
}

/**
 * Longest first, packed so that rows × longest stays within `tokens`: little is spent on padding, the first batch is
 * the largest in memory, and an estimate of the time left errs on the long side.
 */
export function batchesByLength(lengths: readonly number[], tokens: number, most = Infinity): Batch[] {
  const order = lengths.map((_, row) => row).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: Batch[] = [];
  for (let start = 0; start < order.length;) {
    const length = Math.max(1, lengths[order[start]!]!);
    const size = Math.min(most, Math.max(1, Math.floor(tokens / length)));
    batches.push({ rows: order.slice(start, start + size), length });
    start += size;
  }
  return batches;
}
