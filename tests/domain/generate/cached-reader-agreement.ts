import { expect } from "vitest";
import { CachedReader } from "../../../src/domain/generate/cached-reader.ts";
import { storedBeside, storedDecoder } from "../../../src/domain/generate/decoder-store.ts";
import { PackedPasses } from "../../../src/domain/generate/packed-passes.ts";
import type { ReadSequence, SequenceReader } from "../../../src/domain/generate/sequence-reader.ts";
import { WholeReader } from "../../../src/domain/generate/whole-reader.ts";
import type { DecoderTraceOptions } from "../../../src/domain/models/llama/weights.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { randomAdapter, randomDecoder, type Shape } from "./random-decoder.ts";

/** Prompts of one token, some, and more than a batch. */
const LENGTHS = [1, 7, 40, 90, 2];
const MOST_STEPS = 12;

/** Ids that differ from place to place. */
function idsOf(length: number, seed: number, vocabSize: number): number[] {
  return Array.from({ length }, (_, index) => (index * 37 + seed * 101 + 5) % vocabSize);
}

/**
 * Reads prompts of different lengths, then greedy tokens one by one, with sequences that end and others that begin in between;
 * the cached reader's logits must be those of whole passes, and its likeliest ids the same.
 */
export async function expectCacheAgrees(
  backend: Backend,
  shape: Shape,
  { steps = MOST_STEPS, trace = {} }: { readonly steps?: number; readonly trace?: DecoderTraceOptions } = {},
): Promise<void> {
  const decoder = randomDecoder(shape);
  const { config } = decoder;
  const settings = { config, positions: config.maxPositions, trace };
  const base = await storedDecoder(backend, decoder.weights, settings);
  const store = await storedBeside(base, randomAdapter(config, 4), 0);
  const passes = new PackedPasses(store, 128);
  const whole = new WholeReader(passes, config.vocabSize);
  const cached = new CachedReader(store, 48);
  cached.reserve(200, 120);
  const both = new BothReaders(whole, cached, config.vocabSize);
  for (const [seed, length] of LENGTHS.slice(0, 3).entries())
    both.open(idsOf(length, seed, config.vocabSize));
  for (let step = 0; step < steps; step++) {
    if (step === 2) both.close(1);
    if (step === 2) both.open(idsOf(LENGTHS[3]!, 3, config.vocabSize));
    if (step === 3) both.open(idsOf(LENGTHS[4]!, 4, config.vocabSize));
    await both.step();
  }
  cached.dispose();
  passes.dispose();
  store.dispose();
  base.dispose();
}

interface Pair {
  readonly whole: ReadSequence;
  readonly cached: ReadSequence;
  unread: readonly number[];
}

class BothReaders {
  readonly #whole: SequenceReader;
  readonly #cached: SequenceReader;
  readonly #vocabSize: number;
  readonly #pairs: Pair[] = [];

  constructor(whole: SequenceReader, cached: SequenceReader, vocabSize: number) {
    this.#whole = whole;
    this.#cached = cached;
    this.#vocabSize = vocabSize;
  }

  open(ids: readonly number[]): void {
    const room = ids.length + MOST_STEPS;
    this.#pairs.push({ whole: this.#whole.open(room)!, cached: this.#cached.open(room)!, unread: ids });
  }

  close(index: number): void {
    const [pair] = this.#pairs.splice(index, 1);
    this.#cached.close(pair!.cached);
  }

  async step(): Promise<void> {
    const readings = (side: "whole" | "cached") =>
      this.#pairs.map((pair) => ({ sequence: pair[side], ids: pair.unread }));
    const want = await this.#whole.read(readings("whole"));
    const got = await this.#cached.read(readings("cached"));
    expectClose(got, want, { absolute: 1e-4 }, "logits");
    for (const [row, pair] of this.#pairs.entries()) {
      const id = this.#likeliest(want, row);
      expect(this.#likeliest(got, row)).toBe(id);
      pair.unread = [id];
    }
  }

  #likeliest(logits: Float32Array, row: number): number {
    const own = logits.subarray(row * this.#vocabSize, (row + 1) * this.#vocabSize);
    return own.indexOf(Math.max(...own));
  }
}
