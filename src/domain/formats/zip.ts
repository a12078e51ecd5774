// The part of ZIP that models and projects use: STORED and DEFLATE, one disk, below 4 GB, no encryption. The central
// directory is believed only where the local headers say the same, so two readers never see two archives.
// Specification: PKWARE APPNOTE 6.3.10.
import { Inflate } from "fflate";
import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";

export interface ZipEntry {
  readonly name: string;
  readonly stored: boolean; // else deflated
  readonly size: number; // bytes once unpacked
  readonly packed: number; // bytes in the archive
  readonly crc: number;
  readonly start: number; // byte of the first packed byte
}

export interface ZipArchive {
  readonly entries: ReadonlyMap<string, ZipEntry>; // in the order of the central directory
  /** The content of an entry, its size and CRC-32 checked; a view for stored entries. */
  extract(entry: ZipEntry): Uint8Array;
}

export interface ZipLimits {
  readonly entries: number;
  readonly expandedBytes: number; // of all entries together
  readonly expansion: number; // unpacked : packed of the archive
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const ENCRYPTED = 1;
const DESCRIPTOR = 8; // sizes stand after the data, the local header may hold zeros

export const ZIP_LIMITS: ZipLimits = {
  entries: 100_000,
  expandedBytes: IMPORT_LIMITS.expandedBytes,
  expansion: IMPORT_LIMITS.expansion,
};

/** Opens an archive and checks its whole directory. Errors: E_ZIP with the byte, E_TOO_LARGE past the limits. */
export function openZip(bytes: Uint8Array, file?: string, limits: ZipLimits = ZIP_LIMITS): ZipArchive {
  const entries = new ZipDirectory(bytes, file, limits).read();
  return { entries, extract: (entry) => extract(bytes, entry, file) };
}

class ZipDirectory {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly file: string | undefined;
  private readonly limits: ZipLimits;

  constructor(bytes: Uint8Array, file: string | undefined, limits: ZipLimits) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
    this.limits = limits;
  }

  read(): Map<string, ZipEntry> {
    const end = this.findEnd();
    const count = this.view.getUint16(end + 10, true);
    const [size, start] = [this.view.getUint32(end + 12, true), this.view.getUint32(end + 16, true)];
    if (count === 0xffff || size === 0xffffffff || start === 0xffffffff) {
      throw this.error(end, "ZIP64, meant for archives past 4 GB, is not read");
    }
    if (this.view.getUint32(end + 4, true) !== 0)
      throw this.error(end, "part of an archive in several files");
    const directoryEnd = this.directoryEnd(end, { count, size, start });
    if (start + size !== directoryEnd)
      throw this.error(directoryEnd, `the directory should end here, it says byte ${start + size}`);
    this.checkCount(count);
    const entries = new Map<string, ZipEntry>();
    let at = start;
    for (let index = 0; index < count; index++) at = this.readEntry(at, directoryEnd, start, entries);
    if (at !== directoryEnd)
      throw this.error(at, `${directoryEnd - at} bytes after the last of ${count} entries`);
    this.checkSizes(entries);
    this.checkOverlaps(entries);
    return entries;
  }

  /** The end record is the last thing in the file, behind it only its own comment. */
  private findEnd(): number {
    const { length } = this.bytes;
    for (let at = length - 22; at >= Math.max(0, length - 22 - 0xffff); at--) {
      if (this.view.getUint32(at, true) === END && at + 22 + this.view.getUint16(at + 20, true) === length)
        return at;
    }
    const begins = length >= 4 && this.view.getUint32(0, true) === LOCAL;
    if (begins)
      throw this.error(length, "the archive is incomplete, its end is missing; copy or download it again");
    throw this.error(0, "this is not a ZIP archive");
  }

  /**
   * Where the directory ends: at the end record, or 76 bytes before it where a ZIP64 end record and its locator repeat
   * what it says, as torch.save writes them even in small files.
   */
  private directoryEnd(end: number, said: { count: number; size: number; start: number }): number {
    const record = end - 76;
    if (record < 0 || this.view.getUint32(end - 20, true) !== END64_LOCATOR) return end;
    const long = (at: number) => Number(this.view.getBigUint64(at, true));
    const same =
      this.view.getUint32(record, true) === END64 &&
      long(end - 12) === record &&
      long(record + 32) === said.count &&
      long(record + 40) === said.size &&
      long(record + 48) === said.start;
    if (!same) throw this.error(record, "the two end records disagree");
    return record;
  }

  private checkCount(count: number): void {
    if (count <= this.limits.entries) return;
    throw this.tooLarge(`${count} entries; at most ${this.limits.entries} are read`);
  }

  private readEntry(at: number, end: number, directory: number, entries: Map<string, ZipEntry>): number {
    if (at + 46 > end || this.view.getUint32(at, true) !== CENTRAL)
      throw this.error(at, "broken directory entry");
    const [flags, method] = [this.view.getUint16(at + 8, true), this.view.getUint16(at + 10, true)];
    const [crc, packed, size] = [16, 20, 24].map((offset) => this.view.getUint32(at + offset, true));
    const lengths = [28, 30, 32].map((offset) => this.view.getUint16(at + offset, true));
    const next = at + 46 + lengths[0]! + lengths[1]! + lengths[2]!;
    if (next > end) throw this.error(at, "broken directory entry");
    const name = this.name(at + 46, lengths[0]!);
    if (entries.has(name)) throw this.error(at, `${JSON.stringify(name)} stands in the archive twice`);
    if (flags & ENCRYPTED) throw this.error(at, `${JSON.stringify(name)} is encrypted; unpack it first`);
    if (method !== 0 && method !== 8)
      throw this.error(at, `${JSON.stringify(name)} is packed by method ${method}`);
    const local = this.view.getUint32(at + 42, true);
    const facts = { name, stored: method === 0, size: size!, packed: packed!, crc: crc! };
    const start = this.checkLocal(local, facts, lengths[0]!, directory);
    entries.set(name, { ...facts, start });
    return next;
  }

  /** Compares the local header with the directory; gives the byte where the data starts. */
  private checkLocal(
    at: number,
    entry: Omit<ZipEntry, "start">,
    nameLength: number,
    directory: number,
  ): number {
    const name = JSON.stringify(entry.name);
    if (at + 30 > directory || this.view.getUint32(at, true) !== LOCAL) {
      throw this.error(at, `${name} is not where the directory says`);
    }
    const flags = this.view.getUint16(at + 6, true);
    const method = this.view.getUint16(at + 8, true);
    const later = (flags & DESCRIPTOR) !== 0;
    const agrees = (offset: number, value: number) => {
      const own = this.view.getUint32(at + offset, true);
      return own === value || (later && own === 0);
    };
    const same =
      method === (entry.stored ? 0 : 8) &&
      agrees(14, entry.crc) &&
      agrees(18, entry.packed) &&
      agrees(22, entry.size) &&
      this.view.getUint16(at + 26, true) === nameLength;
    if (!same || this.name(at + 30, nameLength) !== entry.name) {
      throw this.error(at, `header and directory disagree about ${name}`);
    }
    const start = at + 30 + nameLength + this.view.getUint16(at + 28, true);
    if (start + entry.packed > directory) throw this.error(at, `${name} runs past the end of the data`);
    if (entry.stored && entry.packed !== entry.size) throw this.error(at, `${name} is stored with two sizes`);
    return start;
  }

  private name(at: number, length: number): string {
    if (length > IMPORT_LIMITS.nameCharacters) {
      throw this.error(at, `a name of ${length} bytes; at most ${IMPORT_LIMITS.nameCharacters} are read`);
    }
    if (at + length > this.bytes.length) throw this.error(at, "broken directory entry");
    let name: string;
    try {
      name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        this.bytes.subarray(at, at + length),
      );
    } catch (error) {
      throw this.error(at, "a name is not UTF-8; pack the files again with another program", error);
    }
    if (!isSafePath(name))
      throw this.error(at, `the name ${JSON.stringify(name)} leaves the archive's folder`);
    return name;
  }

  private checkSizes(entries: ReadonlyMap<string, ZipEntry>): void {
    const total = [...entries.values()].reduce((sum, entry) => sum + entry.size, 0);
    if (total > this.limits.expandedBytes) {
      throw this.tooLarge(`unpacks to ${total} bytes; at most ${this.limits.expandedBytes} are read`);
    }
    if (total > this.limits.expansion * this.bytes.length) {
      throw this.tooLarge(
        `unpacks to ${Math.round(total / this.bytes.length)} times its size, as no honest file does`,
      );
    }
  }

  /** Entries sharing bytes are the trick of the smallest zip bombs. */
  private checkOverlaps(entries: ReadonlyMap<string, ZipEntry>): void {
    const ordered = [...entries.values()].sort((a, b) => a.start - b.start || a.packed - b.packed);
    for (let index = 1; index < ordered.length; index++) {
      const [before, entry] = [ordered[index - 1]!, ordered[index]!];
      if (before.start + before.packed + 30 > entry.start) {
        throw this.error(
          entry.start,
          `${JSON.stringify(entry.name)} overlaps ${JSON.stringify(before.name)}`,
        );
      }
    }
  }

  private tooLarge(what: string): RetuneError {
    return new RetuneError("E_TOO_LARGE", opening(this.file) + what, placeIn(this.file));
  }

  private error(byte: number, what: string, cause?: unknown): RetuneError {
    return zipError(this.file, byte, what, cause);
  }
}

/** Relative, below its folder, and a name on every system: no "..", no drive, no backslash, no control characters. */
export function isSafePath(name: string): boolean {
  if (name === "" || name.startsWith("/") || /[\\:]/.test(name)) return false;
  if (Array.from(name).some((character) => character < " " || character === "\u007f")) return false;
  const parts = (name.endsWith("/") ? name.slice(0, -1) : name).split("/");
  return parts.every((part) => part !== "" && part !== "." && part !== "..");
}

function extract(bytes: Uint8Array, entry: ZipEntry, file: string | undefined): Uint8Array {
  const packed = bytes.subarray(entry.start, entry.start + entry.packed);
  const content = entry.stored ? packed : inflate(packed, entry, file);
  if (crc32(content) !== entry.crc) {
    const message = `${opening(file)}${JSON.stringify(entry.name)} is damaged: its CRC-32 differs; copy the file again`;
    throw new RetuneError("E_CHECKSUM", message, placeIn(file, { byte: entry.start }));
  }
  return content;
}

function inflate(packed: Uint8Array, entry: ZipEntry, file: string | undefined): Uint8Array {
  const content = new Uint8Array(entry.size);
  let filled = 0;
  const stream = new Inflate((part) => {
    if (filled + part.length > entry.size) throw wrongSize(entry, file, "more");
    content.set(part, filled);
    filled += part.length;
  });
  try {
    for (let at = 0; at < packed.length || at === 0; at += 65_536) {
      stream.push(packed.subarray(at, at + 65_536), at + 65_536 >= packed.length);
    }
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw zipError(file, entry.start, `${JSON.stringify(entry.name)} cannot be unpacked`, error);
  }
  if (filled !== entry.size) throw wrongSize(entry, file, "less");
  return content;
}

function wrongSize(entry: ZipEntry, file: string | undefined, more: string): RetuneError {
  return zipError(
    file,
    entry.start,
    `${JSON.stringify(entry.name)} unpacks to ${more} than its ${entry.size} bytes`,
  );
}

function zipError(file: string | undefined, byte: number, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError("E_ZIP", `${opening(file)}byte ${byte}: ${what}`, placeIn(file, { byte }), options);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in ZIP and PNG (polynomial 0xEDB88320, reflected); `before` is that of the bytes that stand before these. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let index = 0; index < bytes.length; index++)
    crc = CRC_TABLE[(crc ^ bytes[index]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
