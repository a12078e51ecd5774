// GGUF version 3, little-endian: "GGUF", u32 version, u64 tensors, u64 pairs; the pairs (key, u32 type, value); the tensors (name,
// u32 dimensions, u64 sizes with the fastest first, u32 type, u64 offset); then, at multiples of 32 bytes, the values.
// Specification: ggml-org/ggml, docs/gguf.md. Texts are u64 length and UTF-8.
import { halvesOf } from "../../engine/half.ts";
import type { TensorData } from "../matrix.ts";
import { joined } from "./zip-writer.ts";

/** What a key may hold here. */
export type GgufValue = string | { readonly f32: number } | { readonly u32: number };

export interface GgufTensor extends TensorData {
  readonly name: string; // shape as we have it, slowest first
}

const VERSION = 3;
const ALIGNMENT = 32;
const TYPES = { u32: 4, f32: 6, text: 8 } as const; // of values
const TENSOR_TYPES = { f32: 0, f16: 1 } as const;

/** A whole GGUF file. */
export function writeGguf(
  pairs: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
  type: keyof typeof TENSOR_TYPES = "f32",
): Uint8Array {
  const values = tensors.map((tensor) => bytesOf(tensor.values, type));
  const infos: Uint8Array[] = [];
  let offset = 0;
  for (const [index, { name, shape }] of tensors.entries()) {
    const sizes = shape.toReversed().map((size) => u64(size));
    infos.push(text(name), u32(shape.length), ...sizes, u32(TENSOR_TYPES[type]), u64(offset));
    offset += aligned(values[index]!.length);
  }
  const head = joined([
    new TextEncoder().encode("GGUF"),
    ...[u32(VERSION), u64(tensors.length), u64(pairs.size)],
    ...Array.from(pairs, ([key, value]) => joined([text(key), ...valueParts(value)])),
    ...infos,
  ]);
  return joined([head, padding(head.length), ...values.flatMap((own) => [own, padding(own.length)])]);
}

function valueParts(value: GgufValue): Uint8Array[] {
  if (typeof value === "string") return [u32(TYPES.text), text(value)];
  if ("u32" in value) return [u32(TYPES.u32), u32(value.u32)];
  return [u32(TYPES.f32), new Uint8Array(Float32Array.of(value.f32).buffer)];
}

function bytesOf(values: Float32Array, type: keyof typeof TENSOR_TYPES): Uint8Array {
  const stored = type === "f16" ? halvesOf(values) : values;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joined([u64(bytes.length), bytes]);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function padding(length: number): Uint8Array {
  return new Uint8Array(aligned(length) - length);
}
