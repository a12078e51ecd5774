// Just enough protobuf to take an ONNX file apart and put it together again. A field is a varint key (number · 8 + wire
// type), then a varint (0), 8 bytes (1), a length and bytes (2) or 4 bytes (5).
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";

/** One field: a number (wire type 0), else the bytes of its content; `whole` is the field with its key. */
export interface ProtoField {
  readonly number: number;
  readonly value: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** The fields of a message in order. E_ONNX with the byte (counted from the message's start) where it is damaged. */
export function* protoFields(message: Uint8Array, file?: string): Generator<ProtoField> {
  for (let at = 0; at < message.length;) {
    const key = varintAt(message, at, file);
    const [number, wire] = [Math.floor(key.value / 8), key.value % 8];
    if (![0, 1, 2, 5].includes(wire) || number === 0) {
      throw damaged(`no ONNX file: field ${number} of wire type ${wire}`, at, file);
    }
    const { value, next } =
      wire === 0 || wire === 2 ? varintAt(message, key.next, file) : { value: 0, next: key.next };
    const length = wire === 2 ? value : wire === 1 ? 8 : wire === 5 ? 4 : 0;
    if (length > message.length - next) {
      const what = `a field of ${length} bytes, ${message.length - next} are left; the file may be cut off`;
      throw damaged(what, at, file);
    }
    const end = next + length;
    yield { number, value, content: message.subarray(next, end), whole: message.subarray(at, end) };
    at = end;
  }
}

function varintAt(bytes: Uint8Array, at: number, file?: string): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw damaged("the file ends inside a number", at, file);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  throw damaged("a number of more than 10 bytes: no ONNX file", at, file);
}

function damaged(what: string, byte: number, file: string | undefined): RetuneError {
  return new RetuneError("E_ONNX", `${opening(file)}byte ${byte}: ${what}`, placeIn(file, { byte }));
}

/** A message being written: parts are kept by reference and copied once, by `finish`. */
export class ProtoMessage {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** A non-negative whole number below 2^53. */
  integer(field: number, value: number): this {
    return this.raw(varint(field * 8)).raw(varint(value));
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, content: Uint8Array): this {
    return this.raw(varint(field * 8 + 2))
      .raw(varint(content.length))
      .raw(content);
  }

  float(field: number, value: number): this {
    return this.raw(varint(field * 8 + 5)).raw(new Uint8Array(Float32Array.of(value).buffer));
  }

  message(field: number, message: ProtoMessage): this {
    this.raw(varint(field * 8 + 2)).raw(varint(message.size));
    for (const part of message.parts) this.raw(part);
    return this;
  }

  /** Bytes that already are fields. */
  raw(part: Uint8Array): this {
    this.parts.push(part);
    this.size += part.length;
    return this;
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}
