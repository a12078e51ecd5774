import type { Matrix } from "../../domain/matrix.ts";
import type { Connection } from "./connection.ts";
import { digestKey, digestOf } from "./digest.ts";
import type { VectorBlock, VectorKeys } from "./records.ts";

/** Which vectors are comparable: the same encoder with the same instruction before the text. */
export interface VectorSpace {
  readonly encoderHash: string;
  readonly instruction: string; // its trailing space counts
}

/** Vectors by (encoder hash, instruction, text hash). */
export interface VectorCache {
  /** One row a text, undefined where the text is not cached. */
  find(space: VectorSpace, texts: readonly string[]): Promise<readonly (Float32Array | undefined)[]>;
  count(space: VectorSpace, texts: readonly string[]): Promise<number>;
  add(space: VectorSpace, texts: readonly string[], vectors: Matrix): Promise<void>;
  /** Writes the rows of `texts` one after the other into `values` [texts, dimension]; how many are not cached. */
  fill(
    space: VectorSpace,
    texts: readonly string[],
    dimension: number,
    values: Float32Array,
  ): Promise<number>;
}

const DIGEST_BYTES = 32;
const BLOCK_ROWS = 4096; // 6 MB of 384 dimensions
const READ_BLOCKS = 4;

interface Position {
  readonly block: string;
  readonly row: number;
  readonly dimension: number;
}

/** The cache in IndexedDB: digests beside the vectors, so that asking what is missing reads 32 bytes a text. */
export class IndexedVectorCache implements VectorCache {
  private readonly connection: Connection;
  private readonly digests = new WeakMap<readonly string[], readonly string[]>();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async find(space: VectorSpace, texts: readonly string[]): Promise<readonly (Float32Array | undefined)[]> {
    const positions = await this.positions(space, texts);
    const wanted = [...new Set(positions.flatMap((position) => (position ? [position.block] : [])))];
    const blocks = await this.blocks(wanted);
    const values = new Map(blocks.map((block) => [block.block, block.values]));
    return positions.map((position) => {
      const block = position && values.get(position.block);
      if (!position || !block) return undefined;
      return block.subarray(position.row * position.dimension, (position.row + 1) * position.dimension);
    });
  }

  async count(space: VectorSpace, texts: readonly string[]): Promise<number> {
    const digests = this.digestsOf(texts);
    const known = new Set<string>();
    for (const { hashes } of await this.keysOf(space)) for (const key of digestKeys(hashes)) known.add(key);
    return digests.reduce((sum, digest) => (known.has(digest) ? sum + 1 : sum), 0);
  }

  async fill(
    space: VectorSpace,
    texts: readonly string[],
    dimension: number,
    values: Float32Array,
  ): Promise<number> {
    const rowsOf = new Map<string, { readonly place: number; readonly row: number }[]>();
    let missing = 0;
    for (const [place, position] of (await this.positions(space, texts)).entries()) {
      if (!position || position.dimension !== dimension) missing++;
      else {
        const known = rowsOf.get(position.block);
        if (known) known.push({ place, row: position.row });
        else rowsOf.set(position.block, [{ place, row: position.row }]);
      }
    }
    if (missing > 0) return missing;
    const wanted = [...rowsOf.keys()];
    for (let start = 0; start < wanted.length; start += READ_BLOCKS) {
      for (const block of await this.blocks(wanted.slice(start, start + READ_BLOCKS))) {
        for (const { place, row } of rowsOf.get(block.block)!) {
          values.set(block.values.subarray(row * dimension, (row + 1) * dimension), place * dimension);
        }
      }
    }
    return 0;
  }

  async add(space: VectorSpace, texts: readonly string[], vectors: Matrix): Promise<void> {
    const blocks: { keys: VectorKeys; stored: VectorBlock }[] = [];
    for (let start = 0; start < texts.length; start += BLOCK_ROWS) {
      const own = texts.slice(start, start + BLOCK_ROWS);
      const hashes = new Uint8Array(own.length * DIGEST_BYTES);
      for (const [row, text] of own.entries()) hashes.set(digestOf(text), row * DIGEST_BYTES);
      const block = crypto.randomUUID();
      const dimension = vectors.columns;
      const values = vectors.values.slice(start * dimension, (start + own.length) * dimension);
      blocks.push({
        keys: { block, space: keyOf(space), dimension, hashes },
        stored: { block, values: new Float32Array(values) }, // its own bytes only
      });
    }
    await this.connection.write(
      ["vectorKeys", "vectorBlocks"],
      "saving vectors",
      async (transaction) => {
        for (const { keys, stored } of blocks) {
          await transaction.objectStore("vectorKeys").put(keys);
          await transaction.objectStore("vectorBlocks").put(stored);
        }
      },
      { durability: "relaxed", bytes: vectors.values.byteLength }, // they can be made again
    );
  }

  /** Bytes of all cached vectors. */
  async bytes(): Promise<number> {
    const keys = await this.connection.read(["vectorKeys"], "measuring the vector cache", (transaction) =>
      transaction.objectStore("vectorKeys").getAll(),
    );
    return keys.reduce((sum, key) => sum + (key.hashes.length / DIGEST_BYTES) * (key.dimension * 4 + 32), 0);
  }

  async clear(): Promise<void> {
    await this.connection.write(["vectorKeys", "vectorBlocks"], "clearing the vector cache", async (tx) => {
      await Promise.all([tx.objectStore("vectorKeys").clear(), tx.objectStore("vectorBlocks").clear()]);
    });
  }

  private async positions(
    space: VectorSpace,
    texts: readonly string[],
  ): Promise<readonly (Position | undefined)[]> {
    const digests = this.digestsOf(texts);
    const wanted = new Set(digests);
    const starts = new Set(digests.map(startOf));
    const known = new Map<string, Position>();
    for (const { block, dimension, hashes } of await this.keysOf(space)) {
      for (let row = 0, at = 0; at < hashes.length; row++, at += DIGEST_BYTES) {
        if (!starts.has((hashes[at]! << 16) | (hashes[at + 1]! << 8) | hashes[at + 2]!)) continue;
        const key = digestKey(hashes.subarray(at, at + DIGEST_BYTES)); // made only of what is likely asked for
        if (wanted.has(key)) known.set(key, { block, row, dimension });
      }
    }
    return digests.map((digest) => known.get(digest));
  }

  /** Digests are kept as long as the list of texts they are of. */
  private digestsOf(texts: readonly string[]): readonly string[] {
    const known = this.digests.get(texts);
    if (known) return known;
    const digests = texts.map((text) => digestKey(digestOf(text)));
    this.digests.set(texts, digests);
    return digests;
  }

  private keysOf(space: VectorSpace): Promise<VectorKeys[]> {
    return this.connection.read(["vectorKeys"], "looking vectors up", (transaction) =>
      transaction.objectStore("vectorKeys").index("space").getAll(keyOf(space)),
    );
  }

  private async blocks(names: readonly string[]): Promise<readonly VectorBlock[]> {
    const bytes = names.length * BLOCK_ROWS * 4096;
    const found = await this.connection.read(
      ["vectorBlocks"],
      "reading vectors",
      (transaction) => Promise.all(names.map((block) => transaction.objectStore("vectorBlocks").get(block))),
      { bytes },
    );
    return found.filter((block) => block !== undefined);
  }
}

/** The first three bytes of a digest as a number. */
function startOf(digest: string): number {
  return (digest.charCodeAt(0) << 16) | (digest.charCodeAt(1) << 8) | digest.charCodeAt(2);
}

function digestKeys(hashes: Uint8Array): string[] {
  return Array.from({ length: hashes.length / DIGEST_BYTES }, (_, row) =>
    digestKey(hashes.subarray(row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES)),
  );
}

/** The cache of a script that keeps none, or of a test. */
export class MemoryVectorCache implements VectorCache {
  private readonly rows = new Map<string, Float32Array>();

  find(space: VectorSpace, texts: readonly string[]): Promise<readonly (Float32Array | undefined)[]> {
    return Promise.resolve(texts.map((text) => this.rows.get(`${keyOf(space)}\n${text}`)));
  }

  async count(space: VectorSpace, texts: readonly string[]): Promise<number> {
    return (await this.find(space, texts)).filter((row) => row !== undefined).length;
  }

  add(space: VectorSpace, texts: readonly string[], vectors: Matrix): Promise<void> {
    for (const [row, text] of texts.entries()) {
      const values = vectors.values.slice(row * vectors.columns, (row + 1) * vectors.columns);
      this.rows.set(`${keyOf(space)}\n${text}`, values);
    }
    return Promise.resolve();
  }

  async fill(
    space: VectorSpace,
    texts: readonly string[],
    dimension: number,
    values: Float32Array,
  ): Promise<number> {
    const rows = await this.find(space, texts);
    for (const [place, row] of rows.entries()) if (row) values.set(row, place * dimension);
    return rows.filter((row) => row === undefined).length;
  }
}

function keyOf(space: VectorSpace): string {
  return `${space.encoderHash}\n${space.instruction}`;
}
