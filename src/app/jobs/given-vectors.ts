import type { Dataset } from "../../domain/data/dataset.ts";
import { readNpy } from "../../domain/formats/npy.ts";
import { alignVectors, readVectorsJsonl } from "../../domain/formats/vectors-jsonl.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { RetuneError } from "../../engine/errors.ts";
import { normalised } from "../encoders/pooling.ts";
import type { VectorCache, VectorSpace } from "../storage/vector-cache.ts";
import type { VectorPart } from "../studio-data.ts";

const NPY_START = 0x93; // of "\x93NUMPY"; no JSON begins so

/**
 * Vectors someone else made, as .npy or JSON lines: rows in the order of the dataset's keys, or named by them.
 * E_MISMATCH where the rows do not fit.
 */
export function readGivenVectors(
  bytes: Uint8Array,
  file: string,
  dataset: Dataset,
  part: VectorPart,
): Matrix {
  const texts = part === "corpus" ? dataset.passages : dataset.queries;
  const rows = texts.length;
  if (bytes[0] !== NPY_START) {
    const ids = texts.map(({ id }) => id);
    return alignVectors(readVectorsJsonl(bytes, file), ids, file);
  }
  const matrix = readNpy(bytes, file);
  if (matrix.rows === rows) return matrix;
  const what = part === "corpus" ? "passages" : "questions";
  const text = `${file} has ${matrix.rows} rows, but there are ${rows} ${what}; rows must follow their order.`;
  throw new RetuneError("E_MISMATCH", text, { file });
}

/** Puts given vectors into the cache, L2-normalised as an encoder's are. */
export async function keepGivenVectors(
  cache: VectorCache,
  space: VectorSpace,
  dataset: Dataset,
  part: VectorPart,
  matrix: Matrix,
): Promise<void> {
  const rows = part === "corpus" ? dataset.passages : dataset.queries;
  const values = new Float32Array(matrix.values.length);
  for (let row = 0; row < matrix.rows; row++) {
    const start = row * matrix.columns;
    values.set(normalised(matrix.values.subarray(start, start + matrix.columns)), start);
  }
  const texts = rows.map((row) => row.text);
  await cache.add(space, texts, { ...matrix, values });
}
