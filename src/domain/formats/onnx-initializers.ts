// The weights inside an ONNX file, found without a protobuf library. Only these fields are looked at (onnx.proto3):
//   ModelProto 7 graph;  GraphProto 1 node, 5 initializer;  NodeProto 1 input, 2 output, 3 name, 4 op_type
//   TensorProto 1 dims, 2 data_type, 4 float_data, 8 name, 9 raw_data, 14 data_location
// A field is a varint key (number · 8 + wire type), then a varint (0), 8 bytes (1), a length and bytes (2) or 4 bytes (5).
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { TensorData } from "../matrix.ts";
import { decodeFloats, firstNotFinite, FLOAT_BYTES, type FloatType } from "./floats.ts";

/** Where an initializer's values lie in the file; an export writes tuned values to the same bytes. */
export interface OnnxInitializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: FloatType | undefined; // undefined: integers, or a type without values we can train
  readonly dataType: number; // TensorProto.DataType as stored
  readonly begin: number; // byte of the first value; begin = end where values are stored as neither raw bytes nor packed floats
  readonly end: number;
}

export interface OnnxNode {
  readonly operation: string; // "MatMul"
  readonly name: string; // "/encoder/layer.0/attention/self/query/MatMul"
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface OnnxGraph {
  readonly bytes: Uint8Array;
  readonly file: string | undefined;
  readonly initializers: ReadonlyMap<string, OnnxInitializer>;
  readonly nodes: readonly OnnxNode[];
}

const FLOAT_TYPES: Readonly<Record<number, FloatType>> = { 1: "F32", 10: "F16", 11: "F64", 16: "BF16" };
const EXTERNAL = 1; // TensorProto.DataLocation

/** Initializers and nodes of a model file; E_ONNX with the byte where it is damaged or keeps its weights elsewhere. */
export function readOnnxGraph(bytes: Uint8Array, file?: string): OnnxGraph {
  return new OnnxReader(bytes, file).read();
}

/** The values of an initializer as float32; E_ONNX where it holds no floats or a value that is not finite. */
export function initializerValues(graph: OnnxGraph, initializer: OnnxInitializer): TensorData {
  const { name, shape, type, begin, end, dataType } = initializer;
  const label = `initializer ${JSON.stringify(name)}`;
  if (!type) throw onnxError(graph.file, `${label} is of data type ${dataType}; floats are read`, begin);
  const wanted = shape.reduce((product, size) => product * size, FLOAT_BYTES[type]);
  if (end - begin !== wanted) {
    throw onnxError(graph.file, `${label}: [${shape.join(", ")}] of ${type} has ${end - begin} bytes`, begin);
  }
  const values = decodeFloats(graph.bytes.subarray(begin, end), type);
  const odd = firstNotFinite(values);
  if (odd >= 0) {
    throw onnxError(graph.file, `${label}: value ${odd} is ${values[odd]!}`, begin + odd * FLOAT_BYTES[type]);
  }
  return { shape, values };
}

export function onnxError(file: string | undefined, what: string, byte: number): RetuneError {
  return new RetuneError("E_ONNX", `${opening(file)}byte ${byte}: ${what}`, placeIn(file, { byte }));
}

/** A field of a message: a number (wire type 0) or the range of its bytes. */
interface Field {
  readonly number: number;
  readonly value: number;
  readonly begin: number;
  readonly end: number;
}

class OnnxReader {
  private readonly bytes: Uint8Array;
  private readonly file: string | undefined;
  private readonly decoder = new TextDecoder();

  constructor(bytes: Uint8Array, file: string | undefined) {
    this.bytes = bytes;
    this.file = file;
  }

  read(): OnnxGraph {
    const { bytes, file } = this;
    const start = this.decoder.decode(bytes.subarray(0, 40)).trimStart();
    if (start.startsWith("version https://git-lfs") || start.startsWith("<")) {
      throw onnxError(file, "a pointer or a web page, not the model itself; download the file", 0);
    }
    const graphs = [...this.fields(0, bytes.length)].filter(({ number }) => number === 7);
    if (graphs.length !== 1) throw onnxError(file, `${graphs.length} graphs in the file, expected one`, 0);
    const initializers = new Map<string, OnnxInitializer>();
    const nodes: OnnxNode[] = [];
    for (const { number, begin, end } of this.fields(graphs[0]!.begin, graphs[0]!.end)) {
      if (number === 1) nodes.push(this.node(begin, end));
      if (number !== 5) continue;
      const initializer = this.initializer(begin, end);
      initializers.set(initializer.name, initializer);
    }
    return { bytes, file, initializers, nodes };
  }

  private node(begin: number, end: number): OnnxNode {
    const texts = (wanted: number): string[] =>
      fields
        .filter(({ number }) => number === wanted)
        .map((field) => this.decoder.decode(this.bytes.subarray(field.begin, field.end)));
    const fields = [...this.fields(begin, end)];
    return {
      operation: texts(4)[0] ?? "",
      name: texts(3)[0] ?? "",
      inputs: texts(1),
      outputs: texts(2),
    };
  }

  private initializer(begin: number, end: number): OnnxInitializer {
    const shape: number[] = [];
    let [name, dataType] = ["", 0];
    let data = { begin, end: begin };
    for (const field of this.fields(begin, end)) {
      if (field.number === 1) shape.push(...this.integers(field));
      else if (field.number === 2) dataType = field.value;
      else if (field.number === 4 || field.number === 9) data = { begin: field.begin, end: field.end };
      else if (field.number === 8) name = this.decoder.decode(this.bytes.subarray(field.begin, field.end));
      else if (field.number === 14 && field.value === EXTERNAL) {
        const what = `the values of ${JSON.stringify(name)} lie in another file; export the model as one file`;
        throw onnxError(this.file, what, begin);
      }
    }
    return { name, shape, type: FLOAT_TYPES[dataType], dataType, begin: data.begin, end: data.end };
  }

  /** One integer, or several packed into bytes. */
  private integers(field: Field): number[] {
    if (field.begin === field.end) return [field.value];
    const numbers: number[] = [];
    for (let at = field.begin; at < field.end;) {
      const { value, next } = this.varint(at, field.end);
      numbers.push(value);
      at = next;
    }
    return numbers;
  }

  private *fields(begin: number, end: number): Generator<Field> {
    for (let at = begin; at < end;) {
      const key = this.varint(at, end);
      const [number, wire] = [Math.floor(key.value / 8), key.value % 8];
      const value = wire === 0 || wire === 2 ? this.varint(key.next, end) : { value: 0, next: key.next };
      const length = wire === 2 ? value.value : wire === 1 ? 8 : wire === 5 ? 4 : 0;
      if (![0, 1, 2, 5].includes(wire) || number === 0) {
        throw onnxError(this.file, `no ONNX file: field ${number} of wire type ${wire}`, at);
      }
      if (length > end - value.next) {
        const what = `a field of ${length} bytes, ${end - value.next} are left; the file may be cut off`;
        throw onnxError(this.file, what, at);
      }
      at = value.next + length;
      yield { number, value: value.value, begin: value.next, end: at };
    }
  }

  private varint(at: number, end: number): { value: number; next: number } {
    let value = 0;
    for (let index = 0; index < 10; index++) {
      if (at + index >= end) throw onnxError(this.file, "the file ends inside a number", at);
      const byte = this.bytes[at + index]!;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return { value, next: at + index + 1 };
    }
    throw onnxError(this.file, "a number of more than 10 bytes: no ONNX file", at);
  }
}
