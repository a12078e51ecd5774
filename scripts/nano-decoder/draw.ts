import { CounterRandom } from "../../src/domain/random.ts";

/** Draws of a generator; equal seeds give equal rows on every machine. */
export class Draw {
  readonly #random: CounterRandom;

  constructor(seed: number, stream: number) {
    this.#random = CounterRandom.stream(seed, stream);
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  one<T>(of: readonly T[]): T {
    return of[this.#random.below(of.length)]!;
  }

  /** `count` different ones, in a random order. */
  some<T>(of: readonly T[], count: number): T[] {
    return [...this.#random.permutation(of.length)].slice(0, count).map((at) => of[at]!);
  }

  shuffled<T>(of: readonly T[]): T[] {
    return this.some(of, of.length);
  }
}
