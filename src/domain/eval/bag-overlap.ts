/**
 * F1 of two bags of items (words, tokens): 2·|A ∩ B| / (|A| + |B|), in [0, 1], where an item counts as often as it stands. Two empty
 * bags are 1.
 */
export function bagF1<Item>(own: readonly Item[], right: readonly Item[]): number {
  if (own.length + right.length === 0) return 1;
  const left = new Map<Item, number>();
  for (const item of right) left.set(item, (left.get(item) ?? 0) + 1);
  let shared = 0;
  for (const item of own) {
    const there = left.get(item) ?? 0;
    if (there === 0) continue;
    left.set(item, there - 1);
    shared++;
  }
  return (2 * shared) / (own.length + right.length);
}
