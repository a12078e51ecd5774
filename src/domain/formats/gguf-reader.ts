// Reads what gguf.ts writes, and any GGUF file of versions 2 and 3 whose tensors are floats: an adapter, not a quantised model. Every
// length is checked against the file before it is used.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { TensorData } from "../matrix.ts";
import { decodeFloats, firstNotFinite, FLOAT_BYTES, type FloatType } from "./floats.ts";

/** Texts and numbers of a file; arrays are passed over. */
export interface ReadGguf {
  readonly pairs: ReadonlyMap<string, string | number | boolean>;
  readonly tensors: ReadonlyMap<string, TensorData>; // shapes slowest first
}

const MOST = { entries: 100_000, characters: 1_000_000, sizes: 4 };
const TENSOR_TYPES: Readonly<Record<number, FloatType>> = { 0: "F32", 1: "F16", 28: "F64", 30: "BF16" };
const STRING = 8;
const ARRAY = 9;
/** Bytes of a value by type: u8, i8, u16, i16, u32, i32, f32, bool; u64, i64, f64. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1 },
  ...{ 10: 8, 11: 8, 12: 8 },
};

/** Errors: E_UNKNOWN_FORMAT for what is no GGUF, "unsupported" for quantised tensors, "corrupt" with the byte for any other flaw. */
export function readGguf(bytes: Uint8Array, file?: string): ReadGguf {
  return new GgufReader(bytes, file).read();
}

interface Described {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: FloatType;
  readonly offset: number;
}

class GgufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string | undefined;
  #at = 0;

  constructor(bytes: Uint8Array, file: string | undefined) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  read(): ReadGguf {
    const magic = new TextDecoder().decode(this.#bytes.subarray(0, 4));
    this.#at = 4;
    const version = magic === "GGUF" && this.#bytes.length >= 24 ? this.#number(4) : 0;
    if (version !== 2 && version !== 3) {
      const what = "no GGUF file of version 2 or 3; choose an adapter that llama.cpp's converter wrote";
      throw new RetuneError("E_UNKNOWN_FORMAT", `${opening(this.#file)}${what}`, placeIn(this.#file));
    }
    const [tensorCount, pairCount] = [this.#count("tensors"), this.#count("pairs")];
    const pairs = new Map<string, string | number | boolean>();
    for (let index = 0; index < pairCount; index++) {
      const key = this.#text();
      const value = this.#value(this.#number(4));
      if (value !== undefined) pairs.set(key, value);
    }
    const described = Array.from({ length: tensorCount }, () => this.#described());
    const alignment = pairs.get("general.alignment") ?? 32;
    if (typeof alignment !== "number" || !(alignment >= 1)) throw this.#flaw("general.alignment is no size");
    const start = Math.ceil(this.#at / alignment) * alignment;
    return { pairs, tensors: new Map(described.map((own) => [own.name, this.#tensor(own, start)])) };
  }

  #described(): Described {
    const name = this.#text();
    const count = this.#number(4);
    if (count < 1 || count > MOST.sizes) throw this.#flaw(`${name} has ${count} dimensions`);
    const shape = Array.from({ length: count }, () => this.#number(8)).reverse();
    const type = TENSOR_TYPES[this.#number(4)];
    if (!type) {
      const what = `${name.slice(0, 120)} is quantised; adapters in F32, F16 and BF16 can be read`;
      throw new RetuneError("unsupported", `${opening(this.#file)}${what}`, placeIn(this.#file));
    }
    return { name, shape, type, offset: this.#number(8) };
  }

  #tensor({ name, shape, type, offset }: Described, start: number): TensorData {
    const length = shape.reduce((product, size) => product * size, 1);
    const from = start + offset;
    const to = from + length * FLOAT_BYTES[type];
    if (!Number.isSafeInteger(to) || to > this.#bytes.length) throw this.#flaw(`${name} ends past the file`);
    const values = decodeFloats(this.#bytes.subarray(from, to), type);
    const odd = firstNotFinite(values);
    if (odd >= 0) throw this.#flaw(`${name} holds ${values[odd]} at ${odd}`);
    return { shape, values };
  }

  /** undefined for an array, which is passed over. */
  #value(type: number): string | number | boolean | undefined {
    if (type === STRING) return this.#text();
    if (type === ARRAY) return this.#passArray();
    const at = this.#take(VALUE_BYTES[type] ?? this.#refuse(`a value of type ${type}`));
    switch (type) {
      case 0:
        return this.#view.getUint8(at);
      case 1:
        return this.#view.getInt8(at);
      case 2:
        return this.#view.getUint16(at, true);
      case 3:
        return this.#view.getInt16(at, true);
      case 4:
        return this.#view.getUint32(at, true);
      case 5:
        return this.#view.getInt32(at, true);
      case 6:
        return this.#view.getFloat32(at, true);
      case 7:
        return this.#view.getUint8(at) !== 0;
      case 12:
        return this.#view.getFloat64(at, true);
      default:
        return Number(type === 10 ? this.#view.getBigUint64(at, true) : this.#view.getBigInt64(at, true));
    }
  }

  #passArray(): undefined {
    const [type, count] = [this.#number(4), this.#number(8)];
    if (type === ARRAY) throw this.#flaw("an array of arrays");
    if (type !== STRING) this.#take(count * (VALUE_BYTES[type] ?? this.#refuse(`an array of type ${type}`)));
    else for (let index = 0; index < count; index++) this.#text();
    return undefined;
  }

  #text(): string {
    const length = this.#number(8);
    if (length > MOST.characters) throw this.#flaw(`a text of ${length} bytes`);
    const at = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  #count(what: string): number {
    const count = this.#number(8);
    if (count > MOST.entries) throw this.#flaw(`${count} ${what}`);
    return count;
  }

  #number(size: 4 | 8): number {
    const at = this.#take(size);
    return size === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  /** The place of the next `size` bytes. */
  #take(size: number): number {
    const at = this.#at;
    if (!(size <= this.#bytes.length - at)) throw this.#flaw(`the file ends, ${size} bytes are wanted`);
    this.#at += size;
    return at;
  }

  #refuse(what: string): never {
    throw this.#flaw(what);
  }

  #flaw(what: string): RetuneError {
    const text = `${opening(this.#file)}byte ${this.#at}: ${what.slice(0, 200)}`;
    return new RetuneError("corrupt", text, placeIn(this.#file, { byte: this.#at }));
  }
}
