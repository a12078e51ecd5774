import type { Executable } from "../../engine/backend.ts";

/** Executables by key; of more than `most`, the ones that were not used for the longest time go. */
export class Executables {
  readonly #most: number;
  readonly #kept = new Map<string, Executable>(); // least recently used first

  constructor(most: number) {
    this.#most = most;
  }

  async get(key: string, compile: () => Promise<Executable>): Promise<Executable> {
    const executable = this.#kept.get(key) ?? (await compile());
    this.#kept.delete(key);
    this.#kept.set(key, executable);
    for (const [oldest, old] of this.#kept) {
      if (this.#kept.size <= this.#most) break;
      old.dispose();
      this.#kept.delete(oldest);
    }
    return executable;
  }

  dispose(): void {
    for (const executable of this.#kept.values()) executable.dispose();
    this.#kept.clear();
  }
}
