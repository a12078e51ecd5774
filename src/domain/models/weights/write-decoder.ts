// A decoder's weights from its files into an executable, a stretch of rows at a time: bf16 or f32 of the file → floats of the stretch
// → f32, f16, q8 or q4 as the executable keeps them. In memory at once: a stretch in floats and the one tensor as it is kept.
import type { Executable, Leaf } from "../../../engine/backend.ts";
import { RetuneError } from "../../../engine/errors.ts";
import { elementCount, isStored, matrixShape } from "../../../engine/graph.ts";
import { StoredMatrix } from "../../../engine/stored.ts";
import { isTable } from "../llama/frozen.ts";
import { partPlaces, partsOf } from "../llama/vocabulary.ts";
import type { DecoderFolder } from "./decoder-folder.ts";

const STRETCH = 1 << 22; // values

/**
 * Writes all weights of a folder under the names that `traceLlama` gave them, tables of the vocabulary in the parts they were cut
 * into. Throws "shape" where the executable lacks one.
 */
export async function writeDecoder(executable: Executable, folder: DecoderFolder): Promise<void> {
  for (const name of folder.names) {
    if (isTable(name) && !executable.leaf(name)) await writeParts(executable, folder, name);
    else await writeTensor(executable, folder, name);
  }
}

async function writeParts(executable: Executable, folder: DecoderFolder, table: string): Promise<void> {
  const first = leafOf(executable, `${table}[0]`, table);
  const most = first.shape[0]! - 1; // without the row of zeros
  for (const part of partsOf(folder.config, table, most)) {
    const { name, places, from, rows } = part;
    const leaf = leafOf(executable, name, table);
    executable.write(name, await valuesOf(folder, table, leaf, from, rows));
    executable.write(places, partPlaces(folder.config, part));
  }
}

async function writeTensor(executable: Executable, folder: DecoderFolder, name: string): Promise<void> {
  executable.write(name, await storedTensor(folder, name, leafOf(executable, name, name)));
}

/** A tensor as a leaf keeps it: floats, or the words that store it. */
export async function storedTensor(
  folder: DecoderFolder,
  name: string,
  leaf: Leaf,
): Promise<Float32Array | Uint32Array> {
  const words = isStored(leaf.dtype) ? await folder.words?.(name, leaf.dtype) : undefined;
  return words ?? (await valuesOf(folder, name, leaf, 0, matrixShape(leaf.shape).rows));
}

/** `rows` rows of a tensor from row `from` on, as a leaf of at least so many rows keeps them; what is left stays zero. */
async function valuesOf(
  folder: DecoderFolder,
  name: string,
  { shape, dtype }: Leaf,
  from: number,
  rows: number,
): Promise<Float32Array | Uint32Array> {
  const { columns } = matrixShape(shape);
  const whole = folder.rows ? undefined : (await folder.tensor(name)).values;
  const read = async (first: number, end: number): Promise<Float32Array> =>
    whole ? whole.subarray(first * columns, end * columns) : await folder.rows!(name, first, end);
  const matrix = isStored(dtype) ? new StoredMatrix(dtype, shape) : undefined;
  const floats = matrix ? undefined : new Float32Array(elementCount(shape));
  const step = Math.max(1, Math.floor(STRETCH / columns));
  for (let row = 0; row < rows; row += step) {
    const values = await read(from + row, from + Math.min(rows, row + step));
    if (matrix) matrix.write(row, values);
    else floats!.set(values, row * columns);
  }
  return matrix?.words ?? floats!;
}

function leafOf(executable: Executable, name: string, tensor: string): Leaf {
  const leaf = executable.leaf(name);
  if (leaf) return leaf;
  throw new RetuneError(
    "shape",
    `decoder: "${tensor}" has no place here; trace every tensor of the model first`,
  );
}
