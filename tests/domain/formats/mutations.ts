import { CounterRandom } from "../../../src/domain/random.ts";
import { RetuneError } from "../../../src/engine/errors.ts";

/** A reader under test with valid files to spoil. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => unknown;
}

const LENGTHS = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One spoilt copy: a bit flipped, an end cut off, a stretch moved or repeated, or a length field overwritten. */
export function mutated(seed: Uint8Array, random: CounterRandom): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> = seed.slice();
  for (let times = 1 + random.below(3); times > 0; times--) bytes = mutatedOnce(bytes, random);
  return bytes;
}

function mutatedOnce(bytes: Uint8Array<ArrayBuffer>, random: CounterRandom): Uint8Array<ArrayBuffer> {
  const at = random.below(Math.max(1, bytes.length));
  switch (random.below(5)) {
    case 0:
      if (bytes.length > 0) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      return bytes.slice(0, at);
    case 2: {
      const piece = bytes.slice(at, at + 1 + random.below(64));
      const to = random.below(bytes.length + 1);
      return Uint8Array.of(...bytes.subarray(0, to), ...piece, ...bytes.subarray(to));
    }
    case 3: {
      const width = [1, 2, 4, 8][random.below(4)]!;
      let value = BigInt(LENGTHS[random.below(LENGTHS.length)]!);
      if (random.below(2) === 0) value += BigInt(random.below(16));
      for (let index = 0; index < width && at + index < bytes.length; index++) {
        bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
      }
      return bytes;
    }
    default: {
      const value = random.below(256);
      bytes.fill(value, at, at + 1 + random.below(8));
      return bytes;
    }
  }
}

/**
 * Reads `count` spoilt files. Throws for anything thrown that is no RetuneError, with the case's number, so that it can
 * be repeated; gives how many were refused.
 */
export async function fuzz(target: FuzzTarget, count: number, seed: number): Promise<number> {
  let refused = 0;
  for (let index = 0; index < count; index++) {
    const random = CounterRandom.stream(seed, index);
    const bytes = mutated(target.seeds[index % target.seeds.length]!, random);
    try {
      await target.read(bytes);
    } catch (error) {
      if (error instanceof RetuneError && error.message !== "") refused++;
      else throw new Error(`${target.name}, seed ${seed}, case ${index}: ${String(error)}`, { cause: error });
    }
  }
  return refused;
}
