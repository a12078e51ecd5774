// The header in front of every page of a Parquet file: a struct of Thrift's compact protocol (parquet.thrift PageHeader).

/** Numbers and structs of a Thrift struct by field id; texts and lists are passed over. */
export type ThriftStruct = ReadonlyMap<number, number | boolean | ThriftStruct>;

const DEEPEST = 8;

/** Reads bytes of a buffer; throws RangeError past its end. */
export class ByteReader {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError("past the end of the page");
    return this.bytes[this.at++]!;
  }

  skip(count: number): void {
    if (!(count >= 0) || count > this.left) throw new RangeError("past the end of the page");
    this.at += count;
  }

  /** An unsigned LEB128 number, exact to 2⁵³. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError("a number without an end");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  uint32(): number {
    return this.byte() + 256 * this.byte() + 65_536 * this.byte() + 16_777_216 * this.byte();
  }
}

export function readThriftStruct(reader: ByteReader, depth = 0): ThriftStruct {
  if (depth > DEEPEST) throw new RangeError("nested too deep");
  const fields = new Map<number, number | boolean | ThriftStruct>();
  for (let id = 0, head = reader.byte(); (head & 15) !== 0; head = reader.byte()) {
    id = head >> 4 === 0 ? reader.zigzag() : id + (head >> 4);
    const value = readValue(reader, head & 15, depth);
    if (value !== undefined) fields.set(id, value);
  }
  return fields;
}

function readValue(
  reader: ByteReader,
  type: number,
  depth: number,
): number | boolean | ThriftStruct | undefined {
  if (type === 1 || type === 2) return type === 1;
  if (type === 3) return reader.byte();
  if (type >= 4 && type <= 6) return reader.zigzag();
  if (type === 12) return readThriftStruct(reader, depth + 1);
  if (type === 7) reader.skip(8);
  else if (type === 8) reader.skip(reader.varint());
  else throw new RangeError(`a field of kind ${type}, as no page has`);
  return undefined;
}
