/** Where a generator stands; restoring it continues the same sequence. */
export interface RandomState {
  readonly seed: number; // u32
  readonly counter: number; // draws taken so far
}

/**
 * A counter-based generator: draw i of seed s is a bit mixer applied to (s, i), so its whole state is one counter and
 * the same seed gives the same numbers on every machine. Mixer: C. Wellons' 32-bit hash with bias 0.108
 * (hash-prospector "21f0aaad 735a2d97"), applied once to the seed and twice to the counter.
 */
export class CounterRandom {
  readonly #seed: number;
  readonly #key: number;
  #counter: number;

  constructor(seed: number, counter = 0) {
    this.#seed = seed >>> 0;
    this.#key = mix((this.#seed + 0x9e3779b9) >>> 0);
    this.#counter = counter;
  }

  /** A generator of its own for a named purpose: equal (seed, stream) give equal numbers, others differ. */
  static stream(seed: number, stream: number): CounterRandom {
    return new CounterRandom(mix((mix(seed >>> 0) + Math.imul(stream, 0x632be5ab)) >>> 0));
  }

  static restore(state: RandomState): CounterRandom {
    return new CounterRandom(state.seed, state.counter);
  }

  get state(): RandomState {
    return { seed: this.#seed, counter: this.#counter };
  }

  /** 32 random bits as an integer in [0, 2³²). */
  next(): number {
    const counter = this.#counter++;
    const high = Math.floor(counter / 0x1_0000_0000);
    return mix((mix((counter ^ this.#key) >>> 0) + this.#key + high) >>> 0);
  }

  /** A float64 in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer in [0, bound), without modulo bias. */
  below(bound: number): number {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const draw = this.next();
      if (draw < limit) return draw % bound;
    }
  }

  /** 0 … length − 1 in a random order (Fisher–Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, index) => index);
    for (let index = length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      const kept = order[index]!;
      order[index] = order[other]!;
      order[other] = kept;
    }
    return order;
  }
}

function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
