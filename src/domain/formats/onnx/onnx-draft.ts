// An ONNX model as what an export changes: nodes, tensors, outputs. Everything else passes through as bytes.
//   ModelProto 1 ir_version, 2 producer_name, 7 graph, 8 opset_import {1 domain, 2 version}
//   GraphProto 1 node, 2 name, 5 initializer, 11 input, 12 output, 13 value_info
//   NodeProto 1 input, 2 output, 3 name, 4 op_type, 5 attribute;  TensorProto 1 dims, 2 data_type, 8 name, 9 raw_data
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";
import { protoFields, ProtoMessage } from "./protobuf.ts";

/** TensorProto.DataType of what we write. */
export const DATA_TYPE = { float: 1, uint8: 2, int8: 3, int64: 7, half: 10 } as const;

export interface DraftNode {
  readonly operation: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly message: Uint8Array; // NodeProto
}

/** A float32 weight (what a precision changes), bytes of another type, or the base's own tensor as it was. */
export type DraftTensor =
  | { readonly kind: "weight"; readonly shape: readonly number[]; readonly values: Float32Array }
  | {
      readonly kind: "data";
      readonly type: number;
      readonly shape: readonly number[];
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "kept"; readonly message: Uint8Array };

export interface OnnxDraft {
  readonly opset: number; // of the default domain
  readonly modelFields: readonly Uint8Array[]; // all of ModelProto but the graph
  readonly graphFields: readonly Uint8Array[]; // of GraphProto: name, inputs, outputs, …
  readonly outputNames: readonly string[];
  readonly nodes: readonly DraftNode[];
  readonly tensors: ReadonlyMap<string, DraftTensor>;
}

/** A node of the default domain. Attributes: whole numbers and lists of them as ints, `float` ones by `floats`. */
export function draftNode(
  operation: string,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
  floats: Readonly<Record<string, number>> = {},
): DraftNode {
  const message = new ProtoMessage();
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(3, name).text(4, operation);
  for (const [key, value] of Object.entries(attributes)) {
    const attribute = new ProtoMessage().text(1, key);
    if (typeof value === "number") signedInteger(attribute, 3, value).integer(20, 2);
    else for (const item of value) signedInteger(attribute, 8, item);
    if (typeof value !== "number") attribute.integer(20, 7);
    message.message(5, attribute);
  }
  for (const [key, value] of Object.entries(floats)) {
    message.message(5, new ProtoMessage().text(1, key).float(2, value).integer(20, 1));
  }
  return { operation, name, inputs, outputs, message: message.finish() };
}

/** int64 as protobuf writes it: two's complement of 64 bits, so −1 takes ten bytes. */
function signedInteger(message: ProtoMessage, field: number, value: number): ProtoMessage {
  if (value >= 0) return message.integer(field, value);
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return message.raw(Uint8Array.of(field * 8)).raw(Uint8Array.from(bytes));
}

/** ValueInfoProto of a float or int64 tensor; a text stands for a size known at run time. */
export function valueInfo(name: string, type: number, shape: readonly (number | string)[]): ProtoMessage {
  const dimensions = new ProtoMessage();
  for (const size of shape) {
    const dimension = new ProtoMessage();
    dimensions.message(1, typeof size === "number" ? dimension.integer(1, size) : dimension.text(2, size));
  }
  const tensor = new ProtoMessage().integer(1, type).message(2, dimensions);
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensor));
}

/** Takes a model file apart. E_ONNX where it is damaged or holds no graph. */
export function readOnnxDraft(bytes: Uint8Array, file?: string): OnnxDraft {
  const modelFields: Uint8Array[] = [];
  let [opset, graph]: [number, Uint8Array | undefined] = [1, undefined];
  for (const { number, content, whole } of protoFields(bytes, file)) {
    if (number === 7) graph = content;
    else modelFields.push(whole);
    if (number === 8) opset = defaultOpset(content, file) ?? opset;
  }
  if (!graph) {
    throw new RetuneError("E_ONNX", `${opening(file)}no graph in it; choose a model.onnx`, placeIn(file));
  }
  return { opset, modelFields, ...readGraph(graph, file) };
}

function defaultOpset(message: Uint8Array, file: string | undefined): number | undefined {
  let [domain, version] = ["", 0];
  for (const { number, value, content } of protoFields(message, file)) {
    if (number === 1) domain = decoded(content);
    if (number === 2) version = value;
  }
  return domain === "" || domain === "ai.onnx" ? version : undefined;
}

function readGraph(graph: Uint8Array, file: string | undefined): Omit<OnnxDraft, "opset" | "modelFields"> {
  const graphFields: Uint8Array[] = [];
  const outputNames: string[] = [];
  const nodes: DraftNode[] = [];
  const tensors = new Map<string, DraftTensor>();
  for (const { number, content, whole } of protoFields(graph, file)) {
    if (number === 1) nodes.push(readNode(content, file));
    else if (number === 5) tensors.set(nameOf(content, 8, file), { kind: "kept", message: content });
    else if (number !== 13) graphFields.push(whole); // shapes of inner values: true of the base's own nodes only
    if (number === 12) outputNames.push(nameOf(content, 1, file));
  }
  return { graphFields, outputNames, nodes, tensors };
}

function readNode(message: Uint8Array, file: string | undefined): DraftNode {
  const fields = [...protoFields(message, file)];
  const texts = (wanted: number) =>
    fields.flatMap(({ number, content }) => (number === wanted ? [decoded(content)] : []));
  const [name, operation] = [texts(3)[0] ?? "", texts(4)[0] ?? ""];
  return { operation, name, inputs: texts(1), outputs: texts(2), message };
}

function nameOf(message: Uint8Array, field: number, file: string | undefined): string {
  for (const { number, content } of protoFields(message, file)) if (number === field) return decoded(content);
  return "";
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The file of a draft; weights are copied once. */
export function writeOnnxDraft(draft: OnnxDraft): Uint8Array {
  const graph = new ProtoMessage();
  for (const { message } of draft.nodes) graph.bytes(1, message);
  for (const [name, tensor] of draft.tensors) {
    if (tensor.kind === "kept") graph.bytes(5, tensor.message);
    else graph.message(5, tensorMessage(name, tensor));
  }
  for (const field of draft.graphFields) graph.raw(field);
  const model = new ProtoMessage();
  for (const field of draft.modelFields) model.raw(field);
  return model.message(7, graph).finish();
}

function tensorMessage(name: string, tensor: Exclude<DraftTensor, { kind: "kept" }>): ProtoMessage {
  const message = new ProtoMessage();
  for (const size of tensor.shape) message.integer(1, size);
  message.integer(2, tensor.kind === "weight" ? DATA_TYPE.float : tensor.type).text(8, name);
  return message.bytes(9, tensor.kind === "weight" ? bytesOf(tensor.values) : tensor.bytes);
}

/** The bytes of a typed array, not copied. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
