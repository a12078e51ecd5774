import { RetuneError } from "../../engine/errors.ts";
import { roundedUp } from "../text/pack.ts";
import { CachedPasses, type CachedToken } from "./cached-passes.ts";
import { CacheRows, type RowRange } from "./cache-rows.ts";
import type { DecoderStore } from "./decoder-store.ts";
import type { Reading, ReadSequence, SequenceReader } from "./sequence-reader.ts";

const MOST_BYTES = 2 ** 29; // of a cache
const ROWS = { step: 256, ratio: 2 }; // sizes of caches

class CachedSequence implements ReadSequence {
  readonly range: RowRange;
  tokens = 0;

  constructor(range: RowRange) {
    this.range = range;
  }
}

/** Reads only what is new of each sequence. Its cache stays from one use to the next and grows where more is asked for. */
export class CachedReader implements SequenceReader {
  readonly #store: DecoderStore;
  readonly #batch: number;
  #passes: CachedPasses | undefined;
  #rows = new CacheRows(0);

  /** @param batch tokens of a pass at most */
  constructor(store: DecoderStore, batch: number) {
    this.#store = store;
    this.#batch = batch;
  }

  /**
   * Makes room for `wanted` tokens of all sequences together, as far as memory is meant for it, and for `needed` in any case. No
   * sequence may be open.
   */
  reserve(wanted: number, needed: number): void {
    if (!this.#rows.isEmpty) throw new Error("sequences are open; close them before the cache changes");
    const { config } = this.#store;
    const most = Math.floor(MOST_BYTES / CachedPasses.bytes(config, 1));
    const rows = Math.max(Math.min(roundedUp(wanted, ROWS.step, ROWS.ratio), most), needed);
    if (rows <= this.#rows.total) return;
    this.#passes?.dispose();
    this.#passes = new CachedPasses(this.#store, rows);
    this.#rows = new CacheRows(rows);
  }

  open(tokens: number): ReadSequence | undefined {
    const range = this.#rows.take(tokens);
    return range && new CachedSequence(range);
  }

  async read(readings: readonly Reading[]): Promise<Float32Array> {
    const { vocabSize } = this.#store.config;
    const logits = new Float32Array(readings.length * vocabSize);
    for (const { tokens, asked } of this.#batches(readings)) {
      const values = await this.#passes!.read(
        tokens,
        asked.map(({ row }) => row),
      );
      for (const [place, { reading }] of asked.entries()) {
        logits.set(values.subarray(place * vocabSize, (place + 1) * vocabSize), reading * vocabSize);
      }
    }
    return logits;
  }

  close(sequence: ReadSequence): void {
    this.#rows.giveBack((sequence as CachedSequence).range);
  }

  dispose(): void {
    this.#passes?.dispose();
  }

  /** New tokens in passes; a long prompt may go through several of them. */
  #batches(readings: readonly Reading[]): Pass[] {
    const passes: Pass[] = [];
    for (const [reading, { sequence, ids }] of readings.entries()) {
      const own = sequence as CachedSequence;
      const { range } = own;
      if (own.tokens + ids.length > range.count) {
        const got = `${own.tokens} and ${ids.length} more tokens`;
        throw new RetuneError("shape", `generation: ${got} for a sequence of at most ${range.count}`);
      }
      for (const [index, id] of ids.entries()) {
        if (passes.length === 0 || passes.at(-1)!.tokens.length >= this.#batch) {
          passes.push({ tokens: [], asked: [] });
        }
        const pass = passes.at(-1)!;
        pass.tokens.push({ id, position: own.tokens++, first: range.first });
        if (index === ids.length - 1) pass.asked.push({ row: pass.tokens.length - 1, reading });
      }
    }
    return passes;
  }
}

interface Pass {
  readonly tokens: CachedToken[];
  readonly asked: { readonly row: number; readonly reading: number }[];
}
