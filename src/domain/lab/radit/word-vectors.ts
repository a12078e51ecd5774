// Vectors of texts without any model: words are hashed onto dimensions with a sign (feature hashing, Weinberger et al. 2009),
//
//   v[h(word) mod D] += ±(1 + ln count)          then ‖v‖ = 1
//
// What a query adapter can improve where no encoder is at hand: which words of a question count.
import { tokens } from "../../eval/tokens.ts";
import { matrixOf, type Matrix } from "../../matrix.ts";

export const WORD_DIMENSIONS = 256;

/** texts [N] → [N, D], rows of length 1, or zeros for a text without words. */
export function wordVectors(texts: readonly string[], dimensions = WORD_DIMENSIONS): Matrix {
  return matrixOf(
    texts.map((text) => vectorOf(text, dimensions)),
    dimensions,
  );
}

function vectorOf(text: string, dimensions: number): Float32Array {
  const counts = new Map<string, number>();
  for (const word of tokens(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const vector = new Float64Array(dimensions);
  for (const [word, count] of counts) {
    const hash = fnv1a(word);
    vector[(hash >>> 1) % dimensions]! += (hash & 1 ? 1 : -1) * (1 + Math.log(count));
  }
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}

/** FNV-1a over UTF-16 units, mixed at the end so that low bits depend on all. */
function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x21f0aaad);
  return (hash ^ (hash >>> 15)) >>> 0;
}
