/** Seconds left, from the pace since the first progress seen; null until there is enough to go by. */
export class Eta {
  private first: { readonly done: number; readonly at: number } | undefined;
  private readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  left(done: number, total: number): number | null {
    if (!this.first || done < this.first.done) this.first = { done, at: this.now() };
    const passed = (this.now() - this.first.at) / 1000;
    const gained = done - this.first.done;
    if (gained <= 0 || passed < 0.5) return null;
    return Math.max(0, ((total - done) * passed) / gained);
  }
}
