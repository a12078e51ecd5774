import { RetuneError } from "../../errors.ts";

/**
 * Rejects what waits too long. WebGPU has no sign of a kernel that never ends: mapAsync stays pending for good. Every
 * read-back that arrives counts as progress, so a long queue of healthy steps is no hang.
 */
export class Watchdog {
  readonly #limitMs: number;
  #progress = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  progress(): void {
    this.#progress = performance.now();
  }

  /** The promise itself, or a rejection with "hung" once nothing has arrived for the limit. */
  async watch<T>(work: Promise<T>): Promise<T> {
    this.progress();
    let timer: ReturnType<typeof setInterval> | undefined;
    const hung = new Promise<never>((_resolve, reject) => {
      timer = setInterval(
        () => {
          const silentMs = performance.now() - this.#progress;
          if (silentMs < this.#limitMs) return;
          const seconds = Math.round(silentMs / 1000);
          reject(
            new RetuneError("hung", `WebGPU: no progress for ${seconds} s; resume from the last checkpoint`),
          );
        },
        Math.min(1000, this.#limitMs / 4),
      );
    });
    try {
      return await Promise.race([work, hung]);
    } finally {
      clearInterval(timer);
    }
  }
}
