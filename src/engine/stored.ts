// How frozen matrices are kept in less than 32 bits a value. They are decoded where a product or a gather reads them; sums stay f32.
//   f16   halves, two in a word
//   q8    blocks of 32 neighbours of a row: x ≈ q·d, d = absmax/127 as a half, q = round(x/d) in −127…127       (8.5 bits a value)
//   q4    the same with d = x*/−8, x* the value of largest magnitude with its sign, x ≈ (q − 8)·d, q in 0…15      (4.5 bits)
// (ggml's Q8_0 and Q4_0; q is taken for the scale as it is stored, so that no value is further away than it must be.)
// A q matrix [rows, columns] lies in words: all values first, rows padded with zeros to whole blocks, four bytes or eight nibbles
// in a word, the first in the low bits; then the blocks' scales, two halves in a word.
import { RetuneError } from "./errors.ts";
import { matrixShape, type DType, type StoredType } from "./graph.ts";
import { encodeHalves, halfBits, halfValue } from "./half.ts";

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
  write(first: number, values: Float32Array): void {
    const columns = this.#columns;
    if (this.dtype === "f16") {
      encodeHalves(values, this.#halves, first * columns);
      return;
    }
    const encode = this.dtype === "q8" ? encodeBytes : encodeNibbles;
    for (let row = 0; row < values.length / columns; row++) {
      for (let column = 0; column < columns; column += BLOCK) {
        const at = (first + row) * this.#stride + column;
        const [from, end] = [row * columns + column, row * columns + Math.min(columns, column + BLOCK)];
        this.#halves[this.#scales + at / BLOCK] = encode(values, from, end, this.#bytes, at);
      }
    }
  }

  /** Rows first ≤ row < end as floats. */
  read(first: number, end: number): Float32Array {
    const columns = this.#columns;
    const values = new Float32Array((end - first) * columns);
    if (this.dtype === "f16") {
      const start = first * columns;
      for (let index = 0; index < values.length; index++)
        values[index] = halfValue(this.#halves[start + index]!);
      return values;
    }
    const decode = this.dtype === "q8" ? decodeBytes : decodeNibbles;
    for (let row = first; row < end; row++) {
      for (let column = 0; column < columns; column += BLOCK) {
        const at = row * this.#stride + column;
        const scale = halfValue(this.#halves[this.#scales + at / BLOCK]!);
        const from = (row - first) * columns + column;
        decode(this.#bytes, at, scale, values, from, from + Math.min(BLOCK, columns - column));
      }
    }
    return values;
  }
}

// A block's values from `from` to `end` into bytes or nibbles at element `at` of `bytes`; the bits of its scale.

function encodeBytes(values: Float32Array, from: number, end: number, bytes: Uint8Array, at: number): number {
  const bits = scaleBits(Math.abs(furthest(values, from, end)) / 127);
  const inverse = inverseOf(bits);
  for (let index = from; index < end; index++) {
    const quotient = Math.floor(values[index]! * inverse + 0.5);
    bytes[at + index - from] = quotient > 127 ? 127 : quotient < -127 ? -127 : quotient;
  }
  return bits;
}

function encodeNibbles(
  values: Float32Array,
  from: number,
  end: number,
  bytes: Uint8Array,
  at: number,
): number {
  const bits = scaleBits(furthest(values, from, end) / -8);
  const inverse = inverseOf(bits);
  for (let index = 0; index < BLOCK; index++) {
    const quotient = from + index < end ? Math.floor(values[from + index]! * inverse + 8.5) : 8;
    const nibble = quotient > 15 ? 15 : quotient < 0 ? 0 : quotient;
    const byte = (at + index) >>> 1;
    bytes[byte] = index & 1 ? bytes[byte]! | (nibble << 4) : nibble;
  }
  return bits;
}

function decodeBytes(
  bytes: Uint8Array,
  at: number,
  scale: number,
  values: Float32Array,
  from: number,
  end: number,
): void {
  for (let index = from; index < end; index++) {
    values[index] = ((bytes[at + index - from]! << 24) >> 24) * scale;
  }
}

function decodeNibbles(
  bytes: Uint8Array,
  at: number,
  scale: number,
  values: Float32Array,
  from: number,
  end: number,
): void {
  for (let index = from; index < end; index++) {
    const place = at + index - from;
    values[index] = (((bytes[place >>> 1]! >>> ((place & 1) << 2)) & 15) - 8) * scale;
  }
}

function scaleBits(scale: number): number {
  return halfBits(Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, scale)));
}

/** 1 / scale; 0 where nothing is left of it, so that all values are stored as 0. */
function inverseOf(bits: number): number {
  const scale = halfValue(bits);
  return scale === 0 ? 0 : 1 / scale;
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
function furthest(values: Float32Array, from: number, end: number): number {
  let [low, high] = [0, 0];
  for (let index = from; index < end; index++) {
    const value = values[index]!;
    if (value > high) high = value;
    else if (value < low) low = value;
  }
  return -low > high ? low : high;
}
