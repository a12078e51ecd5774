import { crc32 } from "./zip.ts";

export interface ZipContent {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly packed?: Uint8Array; // the same, raw-deflated; absent = stored
}

/** What stands before a file's bytes and in the directory. */
export interface ZipEntryFacts {
  readonly name: string;
  readonly crc: number; // of the bytes before they were packed
  readonly size: number;
  readonly packed?: number; // bytes after deflating; absent = stored
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8 = 0x0800;
const PADDING = 0x4246; // "FB": the extra field in which torch hides its padding
const DATE = 0x0021; // 1980-01-01: the same content gives the same bytes on every day

/**
 * A ZIP archive of the given files. With `alignment` the data of every entry starts at a multiple of it, as
 * torch.save does, so that a reader may map tensors in place. Below 4 GB in all.
 */
export function writeZip(contents: readonly ZipContent[], alignment = 1): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new ZipWriter((part) => void parts.push(part), alignment);
  for (const content of contents) writer.add(content);
  writer.end();
  return joined(parts);
}

/** The same, one file after another: what was handed to `write` is not needed again. */
export class ZipWriter {
  private readonly write: (part: Uint8Array) => void;
  private readonly alignment: number;
  private readonly directory: Uint8Array[] = [];
  private at = 0;

  constructor(write: (part: Uint8Array) => void, alignment = 1) {
    this.write = write;
    this.alignment = alignment;
  }

  add({ name, bytes, packed }: ZipContent): void {
    const data = packed ?? bytes;
    this.open({ name, crc: crc32(bytes), size: bytes.length, ...(packed ? { packed: packed.length } : {}) });
    this.write(data);
  }

  /** Writes what stands before a file; its bytes are the next to follow, by the caller's hand. */
  open(entry: ZipEntryFacts): void {
    const extra = padding(this.at + 30 + new TextEncoder().encode(entry.name).length, this.alignment);
    const local = header(entry, LOCAL, extra);
    this.directory.push(centralHeader(entry, this.at));
    this.write(local);
    this.at += local.length + (entry.packed ?? entry.size);
  }

  /** The directory; nothing may be added after it. */
  end(): void {
    const size = this.directory.reduce((sum, entry) => sum + entry.length, 0);
    const end = new Uint8Array(22);
    const view = new DataView(end.buffer);
    view.setUint32(0, END, true);
    view.setUint16(8, this.directory.length, true);
    view.setUint16(10, this.directory.length, true);
    view.setUint32(12, size, true);
    view.setUint32(16, this.at, true);
    for (const entry of this.directory) this.write(entry);
    this.write(end);
  }
}

/** The bytes of all parts, one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** An extra field that moves the data after it to a multiple of `alignment`. */
function padding(start: number, alignment: number): Uint8Array {
  const missing = (alignment - (start % alignment)) % alignment;
  if (missing === 0) return new Uint8Array(0);
  const length = missing < 4 ? missing + alignment : missing;
  const extra = new Uint8Array(length).fill(0x5a);
  const view = new DataView(extra.buffer);
  view.setUint16(0, PADDING, true);
  view.setUint16(2, length - 4, true);
  return extra;
}

/** What local header and directory share, from the "version needed" field on, with the name and extra field. */
function header(entry: ZipEntryFacts, signature: number, extra: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const bytes = new Uint8Array(30 + name.length + extra.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, signature, true);
  view.setUint16(4, 20, true); // version needed: 2.0
  view.setUint16(6, UTF8, true);
  view.setUint16(8, entry.packed === undefined ? 0 : 8, true);
  view.setUint16(12, DATE, true);
  view.setUint32(14, entry.crc, true);
  view.setUint32(18, entry.packed ?? entry.size, true);
  view.setUint32(22, entry.size, true);
  view.setUint16(26, name.length, true);
  view.setUint16(28, extra.length, true);
  bytes.set(name, 30);
  bytes.set(extra, 30 + name.length);
  return bytes;
}

function centralHeader(entry: ZipEntryFacts, offset: number): Uint8Array {
  const local = header(entry, CENTRAL, new Uint8Array(0));
  const bytes = new Uint8Array(local.length + 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CENTRAL, true);
  view.setUint16(4, 20, true); // made by: 2.0
  bytes.set(local.subarray(4, 30), 6);
  view.setUint32(42, offset, true);
  bytes.set(local.subarray(30), 46);
  return bytes;
}
