import { Gunzip } from "fflate";
import { RetuneError, type ErrorCode } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";
import { openZip, type ZipEntry } from "./zip.ts";

/** A file inside an archive; `read` unpacks it, its size and checksum checked. */
export interface ArchiveFile {
  readonly path: string; // below the archive's folder, parted by /
  readonly size: number; // bytes once unpacked
  readonly read: () => Uint8Array;
}

export interface LeftOut {
  readonly path: string;
  readonly reason: "archive" | "system"; // an archive inside the archive; a file of an operating system
}

export interface Archive {
  readonly files: readonly ArchiveFile[]; // in the archive's order
  readonly leftOut: readonly LeftOut[];
}

const NESTED = /\.(?:zip|gz|tgz|tar|bz2|xz|7z|rar|jar)$/i;
const SYSTEM = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git\/|node_modules\/)/i;
const SMALL = 10_000_000; // bytes that a gzip file may always unpack to

/**
 * The files of a ZIP archive, or the one of a gzip file, to be imported one by one. Archives inside are left out, so that
 * nothing unpacks twice. Errors: those of openZip at once (names that leave the folder, two entries of one name,
 * encryption, sizes past the limits), E_ZIP and E_CHECKSUM when a file is read.
 */
export function readArchive(name: string, bytes: Uint8Array): Archive {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return readGzip(name, bytes);
  const archive = openZip(bytes, name);
  const entries = [...archive.entries.values()].filter((entry) => !entry.name.endsWith("/"));
  const leftOut = entries.flatMap((entry) => {
    const reason = reasonToLeaveOut(entry);
    return reason === undefined ? [] : [{ path: entry.name, reason }];
  });
  const files = entries.filter((entry) => reasonToLeaveOut(entry) === undefined);
  return {
    files: files.map((entry) => ({ path: entry.name, size: entry.size, read: () => archive.extract(entry) })),
    leftOut,
  };
}

function reasonToLeaveOut({ name }: Pick<ZipEntry, "name">): LeftOut["reason"] | undefined {
  if (SYSTEM.test(name)) return "system";
  return NESTED.test(name) ? "archive" : undefined;
}

/** One file under the archive's name without its ending; its size stands in the last four bytes (RFC 1952 §2.3.1). */
function readGzip(name: string, bytes: Uint8Array): Archive {
  const path = name
    .split("/")
    .at(-1)!
    .replace(/\.gz$|\.tgz$/i, "");
  const isTar = /\.tgz$|\.tar\.gz$/i.test(name);
  if (isTar || NESTED.test(path)) return { files: [], leftOut: [{ path, reason: "archive" }] };
  if (bytes.length < 20)
    throw failure("E_ZIP", name, bytes.length, "the gzip file is incomplete; copy or download it again");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(bytes.length - 4, true);
  if (size > IMPORT_LIMITS.fileBytes || size > Math.max(SMALL, IMPORT_LIMITS.expansion * bytes.length)) {
    const what = `it says it unpacks to ${size} bytes, past the limits; unpack and split it first`;
    throw failure("E_TOO_LARGE", name, bytes.length - 4, what);
  }
  return { files: [{ path, size, read: () => gunzip(name, bytes, size) }], leftOut: [] };
}

function gunzip(name: string, bytes: Uint8Array, size: number): Uint8Array {
  const content = new Uint8Array(size);
  let filled = 0;
  const stream = new Gunzip((part) => {
    if (filled + part.length > size)
      throw failure("E_ZIP", name, bytes.length - 4, `it unpacks to more than the ${size} bytes it says`);
    content.set(part, filled);
    filled += part.length;
  });
  try {
    for (let at = 0; at < bytes.length; at += 65_536)
      stream.push(bytes.subarray(at, at + 65_536), at + 65_536 >= bytes.length);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw failure("E_ZIP", name, 0, "the gzip file is broken; copy or download it again", error);
  }
  if (filled === size) return content;
  throw failure("E_ZIP", name, bytes.length, "the gzip file is incomplete; copy or download it again");
}

function failure(code: ErrorCode, name: string, byte: number, what: string, cause?: unknown): RetuneError {
  const options = cause === undefined ? {} : { cause };
  return new RetuneError(code, `${opening(name)}byte ${byte}: ${what}`, placeIn(name, { byte }), options);
}
