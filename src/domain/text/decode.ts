import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn, type ImportWarning } from "../data/import-report.ts";

export interface DecodedText {
  readonly text: string; // without byte order mark
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be";
  readonly warnings: readonly ImportWarning[];
}

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const SIGNATURES: readonly (readonly [string, readonly number[]])[] = [
  ["a PDF document", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["a ZIP archive (or .docx, .xlsx, .epub)", [0x50, 0x4b, 0x03, 0x04]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["a PNG picture", [0x89, 0x50, 0x4e, 0x47]],
  ["a JPEG picture", [0xff, 0xd8, 0xff]],
  ["a GIF picture", [0x47, 0x49, 0x46, 0x38]],
  ["an old Office document", [0xd0, 0xcf, 0x11, 0xe0]],
  ["a program", [0x7f, 0x45, 0x4c, 0x46]],
  ["an RTF document", [0x7b, 0x5c, 0x72, 0x74, 0x66]],
];
const HIDDEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;

/** What the first bytes say a file is, where that is not text. */
export function binaryKind(bytes: Uint8Array): string | undefined {
  return SIGNATURES.find(([, start]) => startsWith(bytes, start))?.[0];
}

/** Refuses a file by its size alone, before anything of it is read. */
export function checkFileSize(size: number, file?: string): void {
  if (size <= IMPORT_LIMITS.fileBytes) return;
  const megabytes = Math.ceil(size / 1e6);
  throw new RetuneError(
    "E_TOO_LARGE",
    `${opening(file)}${megabytes} MB; files up to ${IMPORT_LIMITS.fileBytes / 1e6} MB can be read, split it`,
    placeIn(file),
  );
}

/**
 * Bytes of a text file → text: UTF-8 (its mark dropped) or UTF-16 with a mark. Errors: E_TOO_LARGE, E_EMPTY (nothing
 * but white space), E_BINARY with the byte that gives it away, E_UTF8 with the first wrong byte.
 */
export function decodeText(bytes: Uint8Array, file?: string): DecodedText {
  checkFileSize(bytes.length, file);
  const encoding = encodingOf(bytes);
  const kind = encoding === "utf-8" ? binaryKind(bytes) : undefined;
  if (kind !== undefined) throw binary(file, 0, `this is ${kind}, not text`);
  const text = encoding === "utf-8" ? decodeUtf8(bytes, file) : new TextDecoder(encoding).decode(bytes);
  if (text.trim() === "") throw new RetuneError("E_EMPTY", `${opening(file)}no text in it`, placeIn(file));
  return {
    text,
    encoding,
    warnings: [...brokenHalves(text, encoding, file), ...hiddenCharacters(text, file)],
  };
}

function encodingOf(bytes: Uint8Array): DecodedText["encoding"] {
  if (startsWith(bytes, [0xff, 0xfe])) return "utf-16le";
  if (startsWith(bytes, [0xfe, 0xff])) return "utf-16be";
  return "utf-8";
}

function decodeUtf8(bytes: Uint8Array, file: string | undefined): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw binary(file, zero, "a zero byte, so this is not a text file");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops the mark
  } catch (error) {
    const byte = firstInvalidUtf8(bytes);
    if (byte < 0) throw error;
    const value = bytes[byte]!.toString(16).padStart(2, "0");
    throw new RetuneError(
      "E_UTF8",
      `${opening(file)}byte ${byte} (0x${value}) is not UTF-8; open the file in its program and save it as UTF-8`,
      placeIn(file, { byte, ...lineOfByte(bytes, byte) }),
      { cause: error },
    );
  }
}

/** Offset of the first byte that is no valid UTF-8 (Unicode table 3-7), or −1. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  let at = startsWith(bytes, UTF8_MARK) ? 3 : 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return -1;
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index] ?? 0;
    if (byte < (index === 1 ? low : 0x80) || byte > (index === 1 ? high : 0xbf)) return 0;
  }
  return length;
}

function lineOfByte(bytes: Uint8Array, byte: number): { line: number } {
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < byte; at = bytes.indexOf(10, at + 1)) line++;
  return { line };
}

function brokenHalves(text: string, encoding: string, file: string | undefined): ImportWarning[] {
  if (encoding === "utf-8") return []; // UTF-8 cannot hold half a character
  const count = text.split("\ufffd").length - 1;
  if (count === 0) return [];
  const message = `${opening(file)}${count} broken characters were replaced by \ufffd`;
  return [{ code: "lone-surrogate", message, count }];
}

function hiddenCharacters(text: string, file: string | undefined): ImportWarning[] {
  const count = text.match(HIDDEN)?.length ?? 0;
  if (count === 0) return [];
  const message = `${opening(file)}${count} invisible direction or zero-width characters; they are kept`;
  return [{ code: "hidden-characters", message, count }];
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

function binary(file: string | undefined, byte: number, what: string): RetuneError {
  return new RetuneError("E_BINARY", `${opening(file)}byte ${byte}: ${what}`, placeIn(file, { byte }));
}
