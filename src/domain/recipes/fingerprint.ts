/**
 * A short hash of what a run is made of (settings, data, weights), to refuse the saved state of another run. Not for security: two
 * 32-bit words, each mixed by a multiplication as in hash-prospector's lowbias32, in the order things are taken.
 */
export class Fingerprint {
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;

  word(word: number): this {
    this.#a = Math.imul(this.#a ^ word, 0x21f0aaad);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b + word, 0x735a2d97) ^ (this.#b >>> 13);
    return this;
  }

  text(text: string): this {
    for (let index = 0; index < text.length; index++) this.word(text.charCodeAt(index));
    return this;
  }

  /** The bits of every `stride`-th number. */
  floats(values: Float32Array, stride = 1): this {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let index = 0; index < words.length; index += stride) this.word(words[index]!);
    return this;
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
