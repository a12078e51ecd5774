// How frozen matrices are kept in less than 32 bits a value. They are decoded where a product or a gather reads them; sums stay f32.
//   f16   halves, two in a word
//   q8    blocks of 32 neighbours of a row: x ≈ q·d, d = absmax/127 as a half, q = round(x/d) in −127…127       (8.5 bits a value)
//   q4    the same with d = x*/−8, x* the value of largest magnitude with its sign, x ≈ (q − 8)·d, q in 0…15      (4.5 bits)
// (ggml's Q8_0 and Q4_0; q is taken for the scale as it is stored, so that no value is further away than it must be.)
// A q matrix [rows, columns] lies in words: all values first, rows padded with zeros to whole blocks, four bytes or eight nibbles
// in a word, the first in the low bits; then the blocks' scales, two halves in a word.
import { RetuneError } from "./errors.ts";
import { matrixShape, type DType, type StoredType } from "./graph.ts";
import { halfBits, halfValue } from "./half.ts";

export const BLOCK = 32;

export type QuantisedType = Exclude<StoredType, "f16">;

const LARGEST_HALF = 65504;
const VALUES_IN_WORD: Readonly<Record<StoredType, number>> = { f16: 2, q8: 4, q4: 8 };

export function isQuantised(dtype: DType): dtype is QuantisedType {
  return dtype === "q8" || dtype === "q4";
}

/** Elements from one row to the next: whole blocks where there are blocks. */
export function storedStride(dtype: DType, columns: number): number {
  return isQuantised(dtype) ? Math.ceil(columns / BLOCK) * BLOCK : columns;
}

/** Elements of a storage that holds a tensor of this shape, padding of rows included. */
export function storedElements(dtype: DType, shape: readonly number[]): number {
  const { rows, columns } = matrixShape(shape);
  return rows * storedStride(dtype, columns);
}

/** Words (u32) of a tensor as it is stored. */
export function storedWords(dtype: StoredType, shape: readonly number[]): number {
  const elements = storedElements(dtype, shape);
  const values = Math.ceil(elements / VALUES_IN_WORD[dtype]);
  return isQuantised(dtype) ? values + Math.ceil(elements / BLOCK / 2) : values;
}

/** The word where the scales of a q matrix begin. */
export function scalesAt(dtype: QuantisedType, rows: number, stride: number): number {
  return (rows * stride) / VALUES_IN_WORD[dtype];
}

/** A matrix being stored row by row, so that its floats never stand all at once. */
export class StoredMatrix {
  readonly words: Uint32Array;
  readonly dtype: StoredType;
  readonly #columns: number;
  readonly #stride: number;
  readonly #halves: Uint16Array; // a view of the words
  readonly #bytes: Uint8Array;
  readonly #scales: number; // first half that is a scale

  /** @param words what is stored already; new and zero where absent */
  constructor(dtype: StoredType, shape: readonly number[], words?: Uint32Array) {
    const { rows, columns } = matrixShape(shape);
    const size = storedWords(dtype, shape);
    if (words && words.length !== size) {
      const what = `${words.length} words for a ${dtype} matrix [${shape.join(", ")}] of ${size}`;
      throw new RetuneError("shape", `stored matrix: ${what}`);
    }
    this.dtype = dtype;
    this.words = words ?? new Uint32Array(size);
    this.#columns = columns;
    this.#stride = storedStride(dtype, columns);
    const { buffer, byteOffset, byteLength } = this.words;
    this.#halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.#scales = isQuantised(dtype) ? 2 * scalesAt(dtype, rows, this.#stride) : 0;
  }

  /** Stores whole rows from row `first` on. */
  write(first: number, values: ArrayLike<number>): void {
    if (this.dtype === "f16") {
      const start = first * this.#columns;
      for (let index = 0; index < values.length; index++)
        this.#halves[start + index] = halfBits(values[index]!);
      return;
    }
    const block = this.dtype === "q8" ? this.#writeBytes : this.#writeNibbles;
    const rows = values.length / this.#columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < this.#columns; column += BLOCK) {
        const from = row * this.#columns + column;
        const count = Math.min(BLOCK, this.#columns - column);
        block.call(this, (first + row) * this.#stride + column, values, from, count);
      }
    }
  }

  /** Rows first ≤ row < end as floats. */
  read(first: number, end: number): Float32Array {
    const columns = this.#columns;
    const values = new Float32Array((end - first) * columns);
    for (let row = first; row < end; row++) {
      for (let column = 0; column < columns; column++) {
        values[(row - first) * columns + column] = this.#value(row * this.#stride + column);
      }
    }
    return values;
  }

  #value(at: number): number {
    if (this.dtype === "f16") return halfValue(this.#halves[at]!);
    const scale = halfValue(this.#halves[this.#scales + Math.floor(at / BLOCK)]!);
    if (this.dtype === "q8") return ((this.#bytes[at]! << 24) >> 24) * scale;
    return (((this.#bytes[at >>> 1]! >>> (at & 1 ? 4 : 0)) & 15) - 8) * scale;
  }

  #writeBytes(at: number, values: ArrayLike<number>, from: number, count: number): void {
    const scale = this.#scale(at, Math.abs(furthest(values, from, count)) / 127);
    for (let index = 0; index < count; index++) {
      const quotient = scale === 0 ? 0 : Math.round(values[from + index]! / scale);
      this.#bytes[at + index] = Math.max(-127, Math.min(127, quotient));
    }
  }

  #writeNibbles(at: number, values: ArrayLike<number>, from: number, count: number): void {
    const scale = this.#scale(at, furthest(values, from, count) / -8);
    for (let index = 0; index < BLOCK; index++) {
      const quotient = scale === 0 || index >= count ? 0 : Math.round(values[from + index]! / scale);
      const nibble = Math.max(0, Math.min(15, quotient + 8));
      const byte = (at + index) >>> 1;
      this.#bytes[byte] = index & 1 ? this.#bytes[byte]! | (nibble << 4) : nibble;
    }
  }

  /** Notes a block's scale; the value it then has. */
  #scale(at: number, scale: number): number {
    const bits = halfBits(Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, scale)));
    this.#halves[this.#scales + at / BLOCK] = bits;
    return halfValue(bits);
  }
}

/** A tensor's values in the words that hold it. Words go through as they are. */
export function stored(
  dtype: StoredType,
  shape: readonly number[],
  values: Float32Array | Uint32Array,
): Uint32Array {
  if (values instanceof Uint32Array) return new StoredMatrix(dtype, shape, values).words;
  const matrix = new StoredMatrix(dtype, shape);
  matrix.write(0, values);
  return matrix.words;
}

/** What the words of a tensor stand for. */
export function decoded(dtype: StoredType, shape: readonly number[], words: Uint32Array): Float32Array {
  return new StoredMatrix(dtype, shape, words).read(0, matrixShape(shape).rows);
}

/** The value of largest magnitude, with its sign; 0 of nothing. */
function furthest(values: ArrayLike<number>, from: number, count: number): number {
  let most = 0;
  for (let index = from; index < from + count; index++) {
    if (Math.abs(values[index]!) > Math.abs(most)) most = values[index]!;
  }
  return most;
}
