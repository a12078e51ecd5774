import type { DecoderTokenizer } from "./decoder-tokenizer.ts";

export interface BoundedIds {
  readonly ids: readonly number[]; // of the whole text
  readonly starts: readonly number[]; // for every offset the token that holds the character after it
}

/**
 * The ids of a text, and where its offsets fall in them. Cheap where every part between two offsets gives the same ids
 * alone as in the whole; else an offset is where the ids of the text before it part from those of the whole, so that a
 * token across the offset counts to what follows (as with transformers' char_to_token).
 */
export function boundedIds(
  tokenizer: DecoderTokenizer,
  text: string,
  offsets: readonly number[],
): BoundedIds {
  const ids = tokenizer.encode(text);
  const sorted = [...new Set([0, ...offsets, text.length])].sort((a, b) => a - b);
  const starts =
    startsByParts(tokenizer, text, ids, sorted) ?? startsByPrefixes(tokenizer, text, ids, offsets);
  return { ids, starts: offsets.map((offset) => starts.get(offset)!) };
}

function startsByParts(
  tokenizer: DecoderTokenizer,
  text: string,
  ids: readonly number[],
  sorted: readonly number[],
): Map<number, number> | undefined {
  const starts = new Map<number, number>([[0, 0]]);
  let count = 0;
  for (const [index, from] of sorted.entries()) {
    const to = sorted[index + 1];
    if (to === undefined) break;
    for (const id of tokenizer.encode(text.slice(from, to))) if (ids[count++] !== id) return undefined;
    starts.set(to, count);
  }
  return count === ids.length ? starts : undefined;
}

function startsByPrefixes(
  tokenizer: DecoderTokenizer,
  text: string,
  ids: readonly number[],
  offsets: readonly number[],
): Map<number, number> {
  return new Map(
    offsets.map((offset) => {
      const before = tokenizer.encode(text.slice(0, offset));
      const parts = before.findIndex((id, index) => id !== ids[index]);
      return [offset, parts < 0 ? before.length : parts];
    }),
  );
}
