/** Seconds left, from the pace since the first progress seen of a stage; null until there is enough to go by. */
export class Eta {
  private first: { readonly stage: string; readonly done: number; readonly at: number } | undefined;
  private readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  left(done: number, total: number, stage = ""): number | null {
    if (stage !== this.first?.stage || done < this.first.done) this.first = { stage, done, at: this.now() };
    const passed = (this.now() - this.first.at) / 1000;
    const gained = done - this.first.done;
    if (gained <= 0 || passed < 0.5) return null;
    return Math.max(0, ((total - done) * passed) / gained);
  }
}
