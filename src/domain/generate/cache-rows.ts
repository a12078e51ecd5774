/** A stretch of rows. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** Hands out stretches of the rows of a cache, the first that is long enough. */
export class CacheRows {
  readonly total: number;
  #free: RowRange[];

  constructor(total: number) {
    this.total = total;
    this.#free = total > 0 ? [{ first: 0, count: total }] : [];
  }

  get isEmpty(): boolean {
    return this.#free.reduce((sum, { count }) => sum + count, 0) === this.total;
  }

  take(count: number): RowRange | undefined {
    const index = this.#free.findIndex((gap) => gap.count >= count);
    const gap = this.#free[index];
    if (!gap) return undefined;
    const rest = { first: gap.first + count, count: gap.count - count };
    this.#free.splice(index, 1, ...(rest.count > 0 ? [rest] : []));
    return { first: gap.first, count };
  }

  giveBack(range: RowRange): void {
    const gaps = [...this.#free, range].sort((a, b) => a.first - b.first);
    this.#free = [];
    for (const gap of gaps) {
      const last = this.#free.at(-1);
      const joined = last && last.first + last.count === gap.first;
      if (joined) this.#free.splice(-1, 1, { first: last.first, count: last.count + gap.count });
      else this.#free.push(gap);
    }
  }
}
