import type { Matrix } from "../../domain/matrix.ts";
import type { Encoder, RunControl } from "../../domain/ports.ts";
import type { VectorCache, VectorSpace } from "../storage/vector-cache.ts";

export interface CachedVectors {
  readonly vectors: Matrix;
  readonly embedded: number; // texts that were not in the cache
}

const SAVE_TEXTS = 256; // a cancelled or killed embedding loses at most the work on so many texts

/**
 * Vectors of `instruction + text`, from the cache where it has them; only the rest is embedded, equal texts once,
 * and kept as it comes. Opening the encoder is left to `open`, so that a full cache needs no model.
 */
export async function embedThroughCache(
  cache: VectorCache,
  space: VectorSpace,
  dimension: number,
  texts: readonly string[],
  open: () => Promise<Encoder>,
  control: RunControl = {},
): Promise<CachedVectors> {
  const found = [...(await cache.find(space, texts))];
  const missing = [...new Set(texts.filter((_, row) => found[row] === undefined))];
  const fresh = new Map<string, Float32Array>();
  if (missing.length > 0) await embedMissing(cache, space, missing, await open(), control, fresh);
  const values = new Float32Array(texts.length * dimension);
  for (const [row, text] of texts.entries()) values.set((found[row] ?? fresh.get(text))!, row * dimension);
  return { vectors: { rows: texts.length, columns: dimension, values }, embedded: missing.length };
}

async function embedMissing(
  cache: VectorCache,
  space: VectorSpace,
  texts: readonly string[],
  encoder: Encoder,
  { signal, onProgress }: RunControl,
  into: Map<string, Float32Array>,
): Promise<void> {
  const portions = portionsByLength(texts);
  const characters = portions.map((portion) => portion.reduce((sum, text) => sum + text.length, 0));
  const total = characters.reduce((sum, count) => sum + count, 0);
  let before = 0;
  for (const [index, portion] of portions.entries()) {
    const share = characters[index]!;
    const prefixed = portion.map((text) => space.instruction + text);
    const vectors = await encoder.encode(prefixed, {
      ...(signal ? { signal } : {}),
      onProgress: ({ done, total: tokens }) => {
        const label = `${into.size + Math.round((portion.length * done) / tokens)} of ${texts.length} texts`;
        onProgress?.({ done: before + (share * done) / tokens, total, label });
      },
    });
    await cache.add(space, portion, vectors);
    for (const [row, text] of portion.entries()) {
      into.set(text, vectors.values.subarray(row * vectors.columns, (row + 1) * vectors.columns));
    }
    before += share;
  }
}

/** Texts of like length together, longest first: the encoder's batches then stay full across portions. */
function portionsByLength(texts: readonly string[]): string[][] {
  const sorted = [...texts].sort((a, b) => b.length - a.length);
  const portions: string[][] = [];
  for (let start = 0; start < sorted.length; start += SAVE_TEXTS) {
    portions.push(sorted.slice(start, start + SAVE_TEXTS));
  }
  return portions;
}
