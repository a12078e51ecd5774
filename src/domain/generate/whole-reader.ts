import type { PackedPasses } from "./packed-passes.ts";
import type { Reading, ReadSequence, SequenceReader } from "./sequence-reader.ts";

class WholeSequence implements ReadSequence {
  readonly ids: number[] = [];

  get tokens(): number {
    return this.ids.length;
  }
}

/** Reads every sequence from its beginning each time: slow, and what the reader with a cache is held to. */
export class WholeReader implements SequenceReader {
  readonly #passes: PackedPasses;
  readonly #vocabSize: number;

  constructor(passes: PackedPasses, vocabSize: number) {
    this.#passes = passes;
    this.#vocabSize = vocabSize;
  }

  open(): ReadSequence {
    return new WholeSequence();
  }

  async read(readings: readonly Reading[]): Promise<Float32Array> {
    const sequences = readings.map(({ sequence, ids }) => {
      const own = sequence as WholeSequence;
      own.ids.push(...ids);
      return own;
    });
    const values = new Float32Array(readings.length * this.#vocabSize);
    for (const batch of this.#passes.batches(sequences)) {
      const logits = await this.#passes.logitsAfter(batch.map((index) => sequences[index]!));
      for (const [row, index] of batch.entries()) {
        const own = logits.subarray(row * this.#vocabSize, (row + 1) * this.#vocabSize);
        values.set(own, index * this.#vocabSize);
      }
    }
    return values;
  }

  close(): void {
    // nothing is held but the ids
  }
}
