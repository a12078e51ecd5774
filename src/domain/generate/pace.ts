const MILLISECONDS = 30; // that a loop may hold the thread

/** Lets other tasks of the thread in now and then, so that a cancel is heard where kernels hold the thread. */
export class Pace {
  #since = performance.now();

  async next(): Promise<void> {
    if (performance.now() - this.#since < MILLISECONDS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#since = performance.now();
  }
}
