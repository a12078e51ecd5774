// One family, a format read whole and in parts and written, which is why it is long.
// safetensors: u64 header length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__"}, then the values,
// little-endian, without gap or overlap. Specification: huggingface/safetensors README, "Format".
import { RetuneError, type ErrorPlace } from "../../engine/errors.ts";
import { matrixShape } from "../../engine/graph.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { TensorData, Weights } from "../matrix.ts";
import { decodeFloats, firstNotFinite, FLOAT_BYTES, type FloatType } from "./floats.ts";
import { parseJson, type JsonNode, type JsonObject } from "./json.ts";
import { ELEMENT_BYTES, safetensorsHeader, type IntegerType } from "./safetensors-header.ts";

export interface SafetensorsFile {
  readonly tensors: Weights; // floats, in the order of their data
  readonly integers: ReadonlyMap<string, IntegerTensor>; // I8, I32 and I64: quantised weights, token ids
  readonly metadata: ReadonlyMap<string, string>;
}

export interface IntegerTensor {
  readonly shape: readonly number[];
  readonly values: Int32Array;
}

const MAX_HEADER = 1_000_000;
const MAX_TENSORS = 10_000;
const HEADER_LIMITS = { depth: 4, textCharacters: MAX_HEADER, keyCharacters: 1024, records: MAX_TENSORS };

/**
 * The tensors of a file as float32 (F64, F32, F16 and BF16 are read), integers apart. Everything is checked before a
 * value is touched; any flaw is E_SAFETENSORS with the byte, NaN and infinity included.
 */
export function readSafetensors(bytes: Uint8Array, file?: string): SafetensorsFile {
  return new SafetensorsReader(bytes, file).read();
}

/** Bytes that are read in parts: a file of a folder, a range request. */
export interface ByteSource {
  readonly size: number;
  /** Bytes from ≤ at < to. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** A file whose tensors are read one at a time, so that no more than one is ever in memory. */
export interface OpenSafetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly shapes: ReadonlyMap<string, readonly number[]>; // of all tensors, in the order of their data
  /** A tensor of floats as float32. Throws E_SAFETENSORS for NaN, infinity, an integer tensor or a name that is not there. */
  tensor(name: string): Promise<TensorData>;
  /** Rows first ≤ row < end of a tensor seen as a matrix, a vector as one row. Throws as `tensor`. */
  rows(name: string, first: number, end: number): Promise<Float32Array>;
  /** Bytes from ≤ at < to of a tensor of any type, all of them where no range is given. */
  bytes(name: string, from?: number, to?: number): Promise<Uint8Array>;
}

/** Reads and checks the header alone, as strictly as `readSafetensors`; values are read and checked when asked for. */
export async function openSafetensors(source: ByteSource, file?: string): Promise<OpenSafetensors> {
  const head = await source.read(0, Math.min(8, source.size));
  const wanted = head.length < 8 ? 0n : new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  const most = Math.min(source.size, 8 + MAX_HEADER);
  const end = wanted > BigInt(most) ? 8 : Math.min(most, 8 + Number(wanted));
  const reader = new SafetensorsReader(await source.read(0, Math.min(end, source.size)), file, source.size);
  const { start, described, metadata } = reader.described();
  const named = new Map(described.map((tensor) => [tensor.name, tensor]));
  const find = (name: string): Described => {
    const found = named.get(name);
    if (found) return found;
    throw reader.error(`there is no tensor ${JSON.stringify(name)}`, 8);
  };
  const read = async (part: Described): Promise<TensorData> =>
    reader.floats(part, await source.read(start + part.begin, start + part.end));
  return {
    metadata,
    shapes: new Map(described.map(({ name, shape }) => [name, shape])),
    bytes: async (name, from = 0, to) => {
      const { begin, end } = find(name);
      return await source.read(start + begin + from, start + (to === undefined ? end : begin + to));
    },
    tensor: async (name) => await read(find(name)),
    rows: async (name, first, end) => (await read(rowsOf(find(name), first, end))).values,
  };
}

/** Some rows of a tensor as if they were one. */
function rowsOf(tensor: Described, first: number, end: number): Described {
  const { rows, columns } = matrixShape(tensor.shape);
  const bytes = (tensor.end - tensor.begin) / rows;
  const begin = tensor.begin + first * bytes;
  return { ...tensor, shape: [end - first, columns], begin, end: begin + (end - first) * bytes };
}

/** What is written: Float32Array as F32, Int8Array as I8. */
export interface WrittenTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int8Array;
}

/** Tensors in the order given; metadata first. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WrittenTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const described = Array.from(tensors, ([name, { shape, values }]) => {
    const dtype = values instanceof Int8Array ? ("I8" as const) : ("F32" as const);
    return [name, { shape, dtype }] as const;
  });
  const { head, dataBytes } = safetensorsHeader(new Map(described), metadata);
  const bytes = new Uint8Array(head.length + dataBytes);
  bytes.set(head);
  let at = head.length;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

interface Described {
  readonly name: string;
  readonly type: FloatType | IntegerType;
  readonly shape: readonly number[];
  readonly begin: number; // in the data
  readonly end: number;
}

interface Header {
  readonly start: number; // byte of the first value
  readonly described: readonly Described[]; // in the order of the data
  readonly metadata: ReadonlyMap<string, string>;
}

class SafetensorsReader {
  private readonly bytes: Uint8Array;
  private readonly file: string | undefined;
  private readonly size: number; // of the whole file, of which bytes may be the beginning
  private start = 0; // byte of the first value

  constructor(bytes: Uint8Array, file: string | undefined, size = bytes.length) {
    this.bytes = bytes;
    this.file = file;
    this.size = size;
  }

  /** What the header says, checked. */
  described(): Header {
    const header = this.header();
    const described: Described[] = [];
    for (const [name, node] of header.entries)
      if (name !== "__metadata__") described.push(this.describe(name, node));
    described.sort((a, b) => a.begin - b.begin || a.end - b.end);
    this.checkLayout(described);
    const metadata = this.metadata(header.entries.get("__metadata__"));
    return { start: this.start, described, metadata };
  }

  read(): SafetensorsFile {
    const { described, metadata } = this.described();
    const tensors = new Map<string, TensorData>();
    const integers = new Map<string, IntegerTensor>();
    for (const tensor of described) {
      const { name, type } = tensor;
      if (isInteger(type)) integers.set(name, this.integerTensor(tensor, type));
      else tensors.set(name, this.tensor(tensor, type));
    }
    return { tensors, integers, metadata };
  }

  private header(): JsonObject {
    const { bytes } = this;
    if (bytes.length < 8) throw this.error(`${bytes.length} bytes are too few for a safetensors file`, 0);
    const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    if (length > BigInt(this.size - 8)) {
      throw this.error(
        `the header wants ${length.toString()} bytes, the file has ${this.size - 8} left; it may be cut off`,
        0,
      );
    }
    if (length > BigInt(MAX_HEADER))
      throw this.error(`a header of ${length.toString()} bytes; at most ${MAX_HEADER}`, 0);
    this.start = 8 + Number(length);
    if (bytes[8] !== 0x7b) throw this.error('the header does not begin with "{"', 8);
    const { root, duplicates } = this.parseHeader(bytes.subarray(8, this.start));
    if (duplicates.length > 0)
      throw this.error(`${JSON.stringify(duplicates[0]!.key)} stands in the header twice`, 8);
    if (root.kind !== "object") throw this.error("the header is no JSON object", 8);
    return root;
  }

  private parseHeader(bytes: Uint8Array): ReturnType<typeof parseJson> {
    try {
      return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), undefined, HEADER_LIMITS);
    } catch (error) {
      const why = error instanceof RetuneError ? error.message : "not UTF-8";
      throw this.error(`the header cannot be read: ${why}`, 8, error);
    }
  }

  private describe(name: string, node: JsonNode): Described {
    const label = `tensor ${JSON.stringify(name)}`;
    const entries = node.kind === "object" ? node.entries : undefined;
    const [dtype, shape, offsets] = ["dtype", "shape", "data_offsets"].map((key) => entries?.get(key));
    const sizes = integersOf(shape);
    const range = integersOf(offsets);
    if (dtype?.kind !== "string" || !sizes || range?.length !== 2) {
      throw this.error(`${label} lacks dtype, shape or data_offsets as whole numbers`, 8);
    }
    if (!Object.hasOwn(ELEMENT_BYTES, dtype.value)) {
      const known = "F64, F32, F16, BF16, I8, I32 and I64 are read";
      throw this.error(`${label} is of type ${dtype.value.slice(0, 20)}; ${known}`, 8);
    }
    const type = dtype.value as FloatType | IntegerType;
    const [begin, end] = [range[0]!, range[1]!];
    const wanted = sizes.reduce((product, size) => product * BigInt(size), BigInt(ELEMENT_BYTES[type]));
    if (wanted === 0n) throw this.error(`${label} has a dimension of 0: [${sizes.join(", ")}]`, 8);
    if (begin > end || BigInt(end - begin) !== wanted) {
      const range = `its range [${begin}, ${end}] does not hold`;
      throw this.error(
        `${label}: [${sizes.join(", ")}] of ${type} takes ${wanted.toString()} bytes, ${range} them`,
        8,
      );
    }
    return { name, type, shape: sizes, begin, end };
  }

  /** Ranges follow each other from the first byte to the last: nothing shared, nothing hidden between or behind. */
  private checkLayout(described: readonly Described[]): void {
    let end = 0;
    for (const tensor of described) {
      if (tensor.begin !== end) {
        const flaw =
          tensor.begin < end
            ? "overlaps the tensor before it"
            : `leaves ${tensor.begin - end} bytes unused before it`;
        throw this.error(`tensor ${JSON.stringify(tensor.name)} ${flaw}`, this.start + tensor.begin);
      }
      end = tensor.end;
    }
    const rest = this.size - this.start - end;
    if (rest < 0)
      throw this.error(`${-rest} bytes of tensor data are missing; the file is cut off`, this.size);
    if (rest > 0) throw this.error(`${rest} bytes after the last tensor`, this.start + end);
  }

  /** A tensor of floats from its own bytes. */
  floats(tensor: Described, bytes: Uint8Array): TensorData {
    const { name, type, begin, end } = tensor;
    if (isInteger(type))
      throw this.error(`tensor ${JSON.stringify(name)} is of type ${type}, not of floats`, 8);
    if (bytes.length !== end - begin) {
      const what = `${bytes.length} bytes of ${end - begin} could be read of tensor ${JSON.stringify(name)}`;
      throw this.error(what, this.start + begin);
    }
    return this.tensor(tensor, type, bytes);
  }

  private tensor(
    { name, shape, begin, end }: Described,
    type: FloatType,
    bytes = this.bytes.subarray(this.start + begin, this.start + end),
  ): TensorData {
    const values = decodeFloats(bytes, type);
    const odd = firstNotFinite(values);
    if (odd >= 0) {
      const byte = this.start + begin + odd * FLOAT_BYTES[type];
      throw this.error(`tensor ${JSON.stringify(name)}: value ${odd} is ${values[odd]!}`, byte);
    }
    return { shape, values };
  }

  private integerTensor({ name, shape, begin, end }: Described, type: IntegerType): IntegerTensor {
    const data = new Uint8Array(this.bytes.subarray(this.start + begin, this.start + end)).buffer;
    if (type === "I8") return { shape, values: Int32Array.from(new Int8Array(data)) };
    if (type === "I32") return { shape, values: new Int32Array(data) };
    const wide = new BigInt64Array(data);
    const far = wide.findIndex((value) => BigInt.asIntN(32, value) !== value);
    if (far >= 0) {
      const byte = this.start + begin + far * ELEMENT_BYTES.I64;
      throw this.error(`tensor ${JSON.stringify(name)}: value ${far} is past 32 bits`, byte);
    }
    return { shape, values: Int32Array.from(wide, Number) };
  }

  private metadata(node: JsonNode | undefined): Map<string, string> {
    if (!node) return new Map();
    if (node.kind !== "object") throw this.error("__metadata__ is no object", 8);
    return new Map(
      Array.from(node.entries, ([key, value]) => {
        if (value.kind === "string") return [key, value.value];
        throw this.error(`__metadata__ holds ${JSON.stringify(key)}, which is no text`, 8);
      }),
    );
  }

  error(what: string, byte: number, cause?: unknown): RetuneError {
    const place: ErrorPlace = placeIn(this.file, { byte });
    const options = cause === undefined ? {} : { cause };
    return new RetuneError("E_SAFETENSORS", `${opening(this.file)}byte ${byte}: ${what}`, place, options);
  }
}

function isInteger(type: FloatType | IntegerType): type is IntegerType {
  return !Object.hasOwn(FLOAT_BYTES, type);
}

function integersOf(node: JsonNode | undefined): number[] | undefined {
  if (node?.kind !== "array" || node.items.length > 8) return undefined;
  const numbers = node.items.map((item) => (item.kind === "number" ? item.value : NaN));
  return numbers.every((value) => Number.isSafeInteger(value) && value >= 0) ? numbers : undefined;
}
