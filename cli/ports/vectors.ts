import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Matrix } from "../../src/domain/matrix.ts";
import type { Encoder, Progress } from "../../src/domain/ports.ts";
import { sha256, writeWhole } from "./files.ts";
import { ProgressLine } from "./progress.ts";

const PORTION = 64; // texts between two saves: what an interrupted embedding loses at most
const DIGEST_BYTES = 32;

/**
 * Vectors of `instruction + text` for every text, in order. What (model, instruction, text) was embedded before on
 * this machine is taken from `.cache/vectors` (or the folder RETUNE_CACHE), so embedding a corpus twice does no work the second time.
 */
export async function embedTexts(
  root: string,
  encoder: Encoder,
  texts: readonly string[],
  { instruction, label }: { readonly instruction: string; readonly label: string },
): Promise<Matrix> {
  const { dimension } = encoder.identity;
  const cache = await VectorFile.open(root, encoder, instruction);
  const missing = [...new Set(texts.filter((text) => !cache.has(text)))].sort((a, b) => b.length - a.length);
  const line = new ProgressLine(`embedding ${label}`);
  const total = missing.reduce((sum, text) => sum + text.length, 0);
  let done = 0;
  for (let start = 0; start < missing.length; start += PORTION) {
    const portion = missing.slice(start, start + PORTION);
    const size = portion.reduce((sum, text) => sum + text.length, 0);
    const show = ({ done: tokens, total: all }: Progress): void => {
      const characters = done + (size * tokens) / all;
      const counted = { done: Math.round(characters / 1000), total: Math.ceil(total / 1000) };
      line.show({ ...counted, label: "thousand characters" });
    };
    const vectors = await encoder.encode(
      portion.map((text) => instruction + text),
      { onProgress: show },
    );
    await cache.add(portion, vectors);
    done += size;
  }
  const known = texts.length - missing.length;
  line.finish(`${texts.length} texts${known > 0 ? `, ${known} of them known` : ""}`);
  const values = new Float32Array(texts.length * dimension);
  for (const [row, text] of texts.entries()) values.set(cache.get(text), row * dimension);
  return { rows: texts.length, columns: dimension, values };
}

/** An append-only file of records: SHA-256 of the text, then its vector. A record cut off by a kill is overlooked. */
class VectorFile {
  readonly #path: string;
  readonly #dimension: number;
  readonly #vectors = new Map<string, Float32Array>();

  private constructor(path: string, dimension: number) {
    this.#path = path;
    this.#dimension = dimension;
  }

  static async open(root: string, { identity }: Encoder, instruction: string): Promise<VectorFile> {
    const folder = join(process.env["RETUNE_CACHE"] ?? join(root, ".cache"), "vectors");
    await mkdir(folder, { recursive: true });
    const space = sha256(new TextEncoder().encode(JSON.stringify([identity.hash, instruction])));
    const file = new VectorFile(join(folder, `${space.slice(0, 32)}.f32`), identity.dimension);
    await file.#load();
    return file;
  }

  async #load(): Promise<void> {
    const bytes = await readFile(this.#path).catch(() => Buffer.alloc(0));
    const size = DIGEST_BYTES + this.#dimension * 4;
    for (let start = 0; start + size <= bytes.length; start += size) {
      const key = bytes.toString("hex", start, start + DIGEST_BYTES);
      const vector = bytes.buffer.slice(
        bytes.byteOffset + start + DIGEST_BYTES,
        bytes.byteOffset + start + size,
      );
      this.#vectors.set(key, new Float32Array(vector));
    }
    if (bytes.length % size !== 0) await this.#dropTail(bytes, bytes.length - (bytes.length % size));
  }

  /** Rewrites the file without the record that was cut off, so that what is appended lies in place again. */
  async #dropTail(bytes: Buffer, whole: number): Promise<void> {
    await writeWhole(this.#path, new Uint8Array(bytes.subarray(0, whole)));
  }

  has(text: string): boolean {
    return this.#vectors.has(keyOf(text));
  }

  get(text: string): Float32Array {
    return this.#vectors.get(keyOf(text))!;
  }

  async add(texts: readonly string[], { values, columns }: Matrix): Promise<void> {
    const records = texts.map((text, row) => {
      const vector = values.slice(row * columns, (row + 1) * columns);
      this.#vectors.set(keyOf(text), vector);
      return Buffer.concat([Buffer.from(keyOf(text), "hex"), Buffer.from(vector.buffer)]);
    });
    await appendFile(this.#path, Buffer.concat(records));
  }
}

function keyOf(text: string): string {
  return sha256(new TextEncoder().encode(text));
}
