import type { Matrix } from "../../domain/matrix.ts";
import type { Connection } from "./connection.ts";
import { hexadecimal, digestOf } from "./digest.ts";
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
}

const DIGEST_BYTES = 32;

interface Position {
  readonly block: string;
  readonly row: number;
  readonly dimension: number;
}

/** The cache in IndexedDB: digests beside the vectors, so that asking what is missing reads 32 bytes a text. */
export class IndexedVectorCache implements VectorCache {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async find(space: VectorSpace, texts: readonly string[]): Promise<readonly (Float32Array | undefined)[]> {
    const positions = await this.positions(space, texts);
    const wanted = [...new Set(positions.flatMap((position) => (position ? [position.block] : [])))];
    const blocks = await this.connection.read(["vectorBlocks"], "reading vectors", (transaction) =>
      Promise.all(wanted.map((block) => transaction.objectStore("vectorBlocks").get(block))),
    );
    const values = new Map(blocks.flatMap((block) => (block ? [[block.block, block.values]] : [])));
    return positions.map((position) => {
      const block = position && values.get(position.block);
      if (!position || !block) return undefined;
      return block.subarray(position.row * position.dimension, (position.row + 1) * position.dimension);
    });
  }

  async count(space: VectorSpace, texts: readonly string[]): Promise<number> {
    return (await this.positions(space, texts)).filter((position) => position !== undefined).length;
  }

  async add(space: VectorSpace, texts: readonly string[], vectors: Matrix): Promise<void> {
    const digests = await Promise.all(texts.map((text) => digestOf(text)));
    const hashes = new Uint8Array(texts.length * DIGEST_BYTES);
    for (const [row, digest] of digests.entries()) hashes.set(digest, row * DIGEST_BYTES);
    const block = crypto.randomUUID();
    const keys: VectorKeys = { block, space: keyOf(space), dimension: vectors.columns, hashes };
    const stored: VectorBlock = { block, values: new Float32Array(vectors.values) }; // its own bytes only
    const bytes = stored.values.byteLength;
    await this.connection.write(
      ["vectorKeys", "vectorBlocks"],
      "saving vectors",
      async (transaction) => {
        await transaction.objectStore("vectorKeys").put(keys);
        await transaction.objectStore("vectorBlocks").put(stored);
      },
      { durability: "relaxed", bytes }, // they can be made again
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
    const digests = await Promise.all(texts.map(async (text) => hexadecimal(await digestOf(text))));
    const keys = await this.connection.read(["vectorKeys"], "looking vectors up", (transaction) =>
      transaction.objectStore("vectorKeys").index("space").getAll(keyOf(space)),
    );
    const known = new Map<string, Position>();
    for (const { block, dimension, hashes } of keys) {
      for (let row = 0; row * DIGEST_BYTES < hashes.length; row++) {
        const digest = hexadecimal(hashes.subarray(row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES));
        known.set(digest, { block, row, dimension });
      }
    }
    return digests.map((digest) => known.get(digest));
  }
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
}

function keyOf(space: VectorSpace): string {
  return `${space.encoderHash}\n${space.instruction}`;
}
