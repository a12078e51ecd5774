// MinHash (Broder 1997) with banded LSH (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3):
//
//   P(min h(A) = min h(B)) = J(A, B) = |A ∩ B| / |A ∪ B|        for each of 128 hash functions
//   P(pair is proposed)    = 1 − (1 − J²)^64                    64 bands of 2 rows
//
// A containment of .3 between texts of one length is J = .18, proposed with probability .87; J = .3 with .998. The
// caller counts the exact share of every proposed pair, so none is wrong and few are missed.
import { CounterRandom } from "../random.ts";
import type { Pace } from "./pace.ts";

const MINHASH = { hashes: 128, bands: 64, rows: 2 } as const;
const LARGEST_BUCKET = 2000; // texts that agree in a band: boilerplate beyond that would be all pairs of it

/** Ordered pairs of texts that fall into one bucket of some band. `shingles`: distinct hashes of each text. */
export async function minHashPairs(
  shingles: readonly Float64Array[],
  pace: Pace,
): Promise<readonly (readonly [number, number])[]> {
  const signatures = await signaturesOf(shingles, pace);
  const seen = new Set<number>();
  for (let band = 0; band < MINHASH.bands; band++) {
    for (const bucket of bucketsOf(shingles, signatures, band)) {
      for (const a of bucket) for (const b of bucket) if (a !== b) seen.add(a * shingles.length + b);
    }
    await pace.turn(MINHASH.bands + band, MINHASH.bands * 2, "Comparing passages");
  }
  return Array.from(seen, (pair) => [Math.floor(pair / shingles.length), pair % shingles.length] as const);
}

async function signaturesOf(shingles: readonly Float64Array[], pace: Pace): Promise<readonly Uint32Array[]> {
  const random = new CounterRandom(0x5e7);
  const factors = Uint32Array.from({ length: MINHASH.hashes }, () => random.next() | 1);
  const offsets = Uint32Array.from({ length: MINHASH.hashes }, () => random.next());
  const signatures: Uint32Array[] = [];
  for (const [text, own] of shingles.entries()) {
    const least = new Uint32Array(MINHASH.hashes).fill(0xffffffff);
    for (const shingle of own) {
      const folded = (shingle ^ Math.floor(shingle / 0x1_0000_0000)) >>> 0;
      for (let index = 0; index < MINHASH.hashes; index++) {
        const product = Math.imul(folded ^ offsets[index]!, factors[index]!);
        const hash = Math.imul(product ^ (product >>> 15), 0x2c1b3c6d) >>> 0;
        if (hash < least[index]!) least[index] = hash;
      }
    }
    signatures.push(least);
    await pace.turn(text, shingles.length * 2, "Cutting passages into runs of words");
  }
  return signatures;
}

function bucketsOf(
  shingles: readonly Float64Array[],
  signatures: readonly Uint32Array[],
  band: number,
): readonly (readonly number[])[] {
  const buckets = new Map<number, number[]>();
  for (const [text, signature] of signatures.entries()) {
    if (shingles[text]!.length === 0) continue;
    const first = signature[band * MINHASH.rows]!;
    const second = signature[band * MINHASH.rows + 1]!;
    const key = first + (second & 0x1f_ffff) * 0x1_0000_0000;
    const bucket = buckets.get(key);
    if (bucket) bucket.push(text);
    else buckets.set(key, [text]);
  }
  return [...buckets.values()].filter(({ length }) => length > 1 && length <= LARGEST_BUCKET);
}
