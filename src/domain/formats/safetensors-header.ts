// The beginning of a safetensors file: u64 header length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__"}.
import { FLOAT_BYTES, type FloatType } from "./floats.ts";

export type IntegerType = "I8" | "I32" | "I64";

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<FloatType | IntegerType, number>> = {
  ...FLOAT_BYTES,
  I8: 1,
  I32: 4,
  I64: 8,
};

/** What stands before the values of tensors, which follow in the order given: padded to 8 as the original does, metadata first. */
export function safetensorsHeader(
  tensors: ReadonlyMap<
    string,
    { readonly dtype: "F32" | "F16" | "I8" | "I32"; readonly shape: readonly number[] }
  >,
  metadata: ReadonlyMap<string, string> = new Map(),
): { readonly head: Uint8Array<ArrayBuffer>; readonly dataBytes: number } {
  const members = metadata.size > 0 ? [`"__metadata__":${JSON.stringify(Object.fromEntries(metadata))}`] : [];
  let end = 0;
  for (const [name, { shape, dtype }] of tensors) {
    const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
    const offsets = [end, (end += bytes)];
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`);
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, 8);
  return { head, dataBytes: end };
}
