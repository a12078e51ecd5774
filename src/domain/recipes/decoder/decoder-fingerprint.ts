import { FINAL_NORM } from "../../models/llama/names.ts";
import type { SupervisedSequence } from "../../models/llama/supervision.ts";
import type { DecoderJob } from "./decoder-job.ts";

/**
 * A short hash of settings, rows, the model's sizes and its last norm, to refuse the saved state of another run (not for security).
 * The last norm stands for the weights: no two trained models share it, and it need not be read twice.
 */
export async function jobFingerprint(job: DecoderJob): Promise<string> {
  const { base, rows, validationRows = [], replayRows = [], adapter, settings } = job;
  const words = new Words();
  for (const part of [settings, base.config.raw]) words.text(JSON.stringify(part));
  for (const own of [rows, validationRows, replayRows]) words.rows(own);
  words.floats((await base.weights.tensor(FINAL_NORM)).values);
  for (const { values } of adapter?.weights.values() ?? []) words.floats(values);
  return words.hash();
}

class Words {
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;

  take(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x21f0aaad);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b + word, 0x735a2d97) ^ (this.#b >>> 13);
  }

  text(text: string): void {
    this.take(text.length);
    for (let index = 0; index < text.length; index++) this.take(text.charCodeAt(index));
  }

  rows(rows: readonly SupervisedSequence[]): void {
    this.take(rows.length);
    for (const { ids, supervised } of rows) {
      this.take(ids.length);
      for (const [place, id] of ids.entries()) this.take(2 * id + (supervised[place] ? 1 : 0));
    }
  }

  floats(values: Float32Array): void {
    for (const word of new Uint32Array(values.buffer, values.byteOffset, values.length)) this.take(word);
  }

  hash(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
