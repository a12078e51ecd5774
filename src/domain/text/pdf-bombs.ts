// A look at every packed stream of a PDF before anything decodes it: 1 MB of zeros packs into 1 kB, and again. Streams
// are found by the word that opens them, not through the file's own tables, so that a broken table hides none.
// Limits: PDF 32000-1 §7.3.8 streams, §7.4 filters.
import { Inflate } from "fflate";
import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";

export interface BombLimits {
  readonly streamBytes: number; // of one stream, unpacked
  readonly pictureBytes: number; // of one picture
  readonly totalBytes: number; // of all of them
  readonly layers: number; // packed streams inside packed streams
}

const BOMB_LIMITS: BombLimits = {
  streamBytes: 128_000_000,
  pictureBytes: 256_000_000, // A3 in 600 dpi and colour is 208 MB
  totalBytes: IMPORT_LIMITS.expandedBytes,
  layers: 3,
};

const CHUNK = 65_536;
const STREAM = [0x73, 0x74, 0x72, 0x65, 0x61, 0x6d]; // "stream"
const DICTIONARY = 2000; // bytes before a stream in which its dictionary is looked for
const RUN_LENGTH = 64; // a pair of bytes gives at most 128

/**
 * E_TOO_LARGE with the byte of the first stream that unpacks past the limits. Counted are deflated streams, and
 * run-length coded ones by their worst case; what is encrypted cannot be counted.
 */
export function refuseBombs(name: string, bytes: Uint8Array, limits: BombLimits = BOMB_LIMITS): void {
  let total = 0;
  for (const at of streamStarts(bytes)) {
    const dictionary = dictionaryBefore(bytes, at);
    const isPicture = /\/Subtype\s*\/Image\b/.test(dictionary);
    const limit = isPicture ? limits.pictureBytes : limits.streamBytes;
    const start = dataStart(bytes, at);
    const size = /\/RunLengthDecode\b/.test(dictionary)
      ? RUN_LENGTH * lengthOf(bytes, start)
      : unpackedSize(bytes, start, limit, limits.layers);
    total += size;
    if (size <= limit && total <= limits.totalBytes) continue;
    const most = Math.round((size > limit ? limit : limits.totalBytes) / 1e6);
    const what = `byte ${at}: a stream that unpacks to more than ${most} MB; it is not opened, save the file anew`;
    throw new RetuneError("E_TOO_LARGE", `${opening(name)}${what}`, placeIn(name, { byte: at }));
  }
}

/** Where the word "stream" stands, "endstream" left out. */
function* streamStarts(bytes: Uint8Array): Generator<number, void, void> {
  for (let at = bytes.indexOf(STREAM[0]!); at >= 0; at = bytes.indexOf(STREAM[0]!, at + 1)) {
    if (STREAM.some((byte, index) => bytes[at + index] !== byte)) continue;
    const [after, before] = [bytes[at + 6], bytes[at - 1]];
    if (before !== 0x64 && (after === 0x0a || after === 0x0d || after === 0x20)) yield at;
  }
}

function dataStart(bytes: Uint8Array, at: number): number {
  let start = at + 6;
  while (bytes[start] === 0x20) start++;
  if (bytes[start] === 0x0d) start++;
  return bytes[start] === 0x0a ? start + 1 : start;
}

function dictionaryBefore(bytes: Uint8Array, at: number): string {
  const before = String.fromCharCode(...bytes.subarray(Math.max(0, at - DICTIONARY), at));
  return before.slice(before.lastIndexOf(" obj") + 1);
}

/** Bytes up to the word that ends the stream, or the file. */
function lengthOf(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(STREAM[0]!, start); at >= 0; at = bytes.indexOf(STREAM[0]!, at + 1)) {
    if (STREAM.every((byte, index) => bytes[at + index] === byte)) return at - start;
  }
  return bytes.length - start;
}

/** Bytes of what stands at `start`, unpacked as long as it looks packed; counting ends past the limit. */
function unpackedSize(bytes: Uint8Array, start: number, limit: number, layers: number): number {
  const counter = new LayerCounter(limit, layers);
  try {
    for (let at = start; at < bytes.length && !counter.done; at += CHUNK)
      counter.push(bytes.subarray(at, Math.min(bytes.length, at + CHUNK)));
  } catch (error) {
    if (error instanceof RangeError) return Infinity;
    return counter.total; // broken or at its end: what came out before is what a reader would see
  }
  return counter.total;
}

/** Counts what a deflated stream gives, and what comes out of that in turn. */
class LayerCounter {
  done = false;
  private own = 0;
  private inflate: Inflate | undefined;
  private inner: LayerCounter | undefined;
  private first = true;
  private readonly limit: number;
  private readonly layers: number; // this one and those that may stand inside it

  constructor(limit: number, layers: number) {
    this.limit = limit;
    this.layers = layers;
  }

  get total(): number {
    return this.own + (this.inner?.total ?? 0);
  }

  push(part: Uint8Array): void {
    const skip = this.first ? this.begin(part) : 0;
    if (this.inflate) this.inflate.push(part.subarray(skip), false);
    else this.done = true;
  }

  /** A zlib header (RFC 1950) opens a layer; anything else is data. */
  private begin(part: Uint8Array): number {
    this.first = false;
    const [method, flags] = [part[0] ?? 0, part[1] ?? 0];
    const packed = (method & 0x0f) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0;
    if (!packed) return 0;
    this.inflate = new Inflate((out) => this.take(out));
    return 2;
  }

  private take(out: Uint8Array): void {
    this.own += out.length;
    if (this.total > this.limit) throw new RangeError("past the limit");
    if (out.length === 0 || this.layers === 1 || this.inner?.done) return;
    this.inner ??= new LayerCounter(this.limit, this.layers - 1);
    this.inner.push(out);
  }
}
