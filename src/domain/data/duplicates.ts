// Shingle containment (Broder 1997): S(t) is the set of a text's runs of `size` words,
//
//   share(a → b) = |S(a) ∩ S(b)| / |S(a)|        how much of a stands word for word in b, not symmetric
//
// Below EXACT_BELOW texts an inverted index over all shingles finds every pair; above, MinHash with LSH proposes pairs
// (duplicates-minhash.ts) and the same exact share decides. Shingles are compared as 36-bit hashes of word numbers; a
// pair that reaches the threshold is counted once more on the words themselves, so a collision never makes a pair.
// On the guide's data 14 of 395 Uber chunks share ≥ 30 % of their 5-grams with one Lyft chunk (trainers.md §10.3).
import type { RunControl } from "../ports.ts";
import { minHashPairs } from "./duplicates-minhash.ts";
import { Pace } from "./pace.ts";

const SHINGLE_WORDS = 5;
const EXACT_BELOW = 50_000;

/** Share of text `from`'s shingles that text `to` holds too; positions in the list that was given. */
export interface Overlap {
  readonly from: number;
  readonly to: number;
  readonly share: number; // 0–1
}

export interface OverlapOptions extends RunControl {
  readonly atLeast: number;
  readonly size?: number; // words of a shingle, default 5
  readonly between?: (from: number, to: number) => boolean; // which pairs matter; default all
  readonly exactBelow?: number;
  readonly measure?: "containment" | "jaccard"; // jaccard = |A ∩ B| / |A ∪ B|
}

/** All ordered pairs (from ≠ to) whose share reaches `atLeast`, in the order of `from`. Texts without a shingle have none. */
export async function overlaps(
  texts: readonly string[],
  options: OverlapOptions,
): Promise<readonly Overlap[]> {
  const { size = SHINGLE_WORDS, exactBelow = EXACT_BELOW } = options;
  const pace = new Pace(options);
  const shingled = await shinglesOf(texts, size, pace);
  const pairs =
    texts.length < exactBelow
      ? await indexedPairs(shingled, options, pace)
      : await minHashPairs(shingled.hashes, pace);
  const { between = () => true, atLeast } = options;
  const found: Overlap[] = [];
  for (const [from, to] of pairs) {
    if (!between(from, to)) continue;
    const share = shareOf(shingled, from, to, options.measure);
    if (share >= atLeast) found.push({ from, to, share });
  }
  return found.sort((a, b) => a.from - b.from || b.share - a.share || a.to - b.to);
}

/** The strongest overlap of each `from`. */
export function strongest(found: readonly Overlap[]): ReadonlyMap<number, Overlap> {
  const best = new Map<number, Overlap>();
  for (const each of found) {
    const known = best.get(each.from);
    if (!known || each.share > known.share) best.set(each.from, each);
  }
  return best;
}

// Scripts written without spaces give one word a character; all others runs of letters, marks and digits.
const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
const WORD = new RegExp(`[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}])+`, "gu");

/** Lower-case words of any script, in order. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

interface Shingled {
  readonly size: number;
  readonly words: readonly Uint32Array[]; // numbers of the words of each text
  readonly hashes: readonly Float64Array[]; // distinct 36-bit hashes of each text's shingles, ascending
}

async function shinglesOf(texts: readonly string[], size: number, pace: Pace): Promise<Shingled> {
  const numbers = new Map<string, number>();
  const words: Uint32Array[] = [];
  const hashes: Float64Array[] = [];
  for (const [index, text] of texts.entries()) {
    const own = Uint32Array.from(wordsOf(text), (word) => {
      const known = numbers.get(word);
      if (known !== undefined) return known;
      numbers.set(word, numbers.size);
      return numbers.size - 1;
    });
    words.push(own);
    hashes.push(hashesOf(own, size));
    await pace.turn(index, texts.length * 2, "Cutting passages into runs of words");
  }
  return { size, words, hashes };
}

function hashesOf(words: Uint32Array, size: number): Float64Array {
  const count = Math.max(0, words.length - size + 1);
  const hashes = new Float64Array(count);
  for (let start = 0; start < count; start++) {
    let low = 0x811c9dc5;
    let high = 0x9e3779b9;
    for (let at = start; at < start + size; at++) {
      low = mixed(low ^ words[at]!, 0x21f0aaad);
      high = mixed(high + words[at]!, 0x735a2d97);
    }
    hashes[start] = (low >>> 0) + (high & 0xf) * 0x1_0000_0000;
  }
  hashes.sort();
  return hashes.filter((hash, index) => index === 0 || hash !== hashes[index - 1]);
}

function mixed(value: number, factor: number): number {
  const x = Math.imul(value ^ (value >>> 16), factor);
  return Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) ^ (x >>> 13);
}

const ID_LIMIT = 0x2_0000; // 17 bits of a float64's 53 beside the 36 of a hash

/** Pairs whose hashed share reaches the threshold, by an inverted index from shingle to texts. */
async function indexedPairs(
  { hashes }: Shingled,
  { atLeast, between = () => true, measure }: OverlapOptions,
  pace: Pace,
): Promise<readonly (readonly [number, number])[]> {
  const { starts, postings, ofText } = invertedIndex(hashes);
  const counts = new Uint32Array(hashes.length);
  const pairs: (readonly [number, number])[] = [];
  for (const [from, own] of ofText.entries()) {
    const met: number[] = [];
    for (const shingle of own) {
      for (let at = starts[shingle]!; at < starts[shingle + 1]!; at++) {
        const to = postings[at]!;
        if (counts[to]!++ === 0) met.push(to);
      }
    }
    const total = hashes[from]!.length;
    for (const to of met) {
      const shared = counts[to]!;
      counts[to] = 0;
      const whole = measure === "jaccard" ? total + hashes[to]!.length - shared : total;
      if (to !== from && shared >= atLeast * whole && between(from, to)) pairs.push([from, to]);
    }
    await pace.turn(hashes.length + from, hashes.length * 2, "Comparing passages");
  }
  return pairs;
}

interface InvertedIndex {
  readonly starts: Uint32Array; // of each shared shingle's postings
  readonly postings: Uint32Array; // texts
  readonly ofText: readonly (readonly number[])[]; // shingles of a text that another text has too
}

function invertedIndex(hashes: readonly Float64Array[]): InvertedIndex {
  const keys = new Float64Array(hashes.reduce((sum, own) => sum + own.length, 0));
  let at = 0;
  for (const [text, own] of hashes.entries()) for (const hash of own) keys[at++] = hash * ID_LIMIT + text;
  keys.sort();
  const starts: number[] = [];
  const postings: number[] = [];
  const ofText: number[][] = hashes.map(() => []);
  for (let from = 0; from < keys.length;) {
    const hash = Math.floor(keys[from]! / ID_LIMIT);
    let to = from + 1;
    while (to < keys.length && Math.floor(keys[to]! / ID_LIMIT) === hash) to++;
    if (to - from > 1) {
      for (let index = from; index < to; index++) {
        const text = keys[index]! - hash * ID_LIMIT;
        postings.push(text);
        ofText[text]!.push(starts.length);
      }
      starts.push(postings.length - (to - from));
    }
    from = to;
  }
  starts.push(postings.length);
  return { starts: Uint32Array.from(starts), postings: Uint32Array.from(postings), ofText };
}

/** The share on the words themselves. */
function shareOf(
  { words, size }: Shingled,
  from: number,
  to: number,
  measure: OverlapOptions["measure"],
): number {
  const own = runsOf(words[from]!, size);
  const there = runsOf(words[to]!, size);
  if (own.size === 0) return 0;
  let shared = 0;
  for (const run of own) if (there.has(run)) shared++;
  return shared / (measure === "jaccard" ? own.size + there.size - shared : own.size);
}

function runsOf(words: Uint32Array, size: number): ReadonlySet<string> {
  const runs = new Set<string>();
  for (let start = 0; start + size <= words.length; start++) {
    runs.add(words.subarray(start, start + size).join(" "));
  }
  return runs;
}
