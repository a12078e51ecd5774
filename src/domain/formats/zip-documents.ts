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

/**
 * The files of a ZIP archive, to be imported one by one. Archives inside it are left out, so that nothing unpacks twice.
 * Errors: those of openZip at once (names that leave the folder, two entries of one name, encryption, sizes past the
 * limits), E_ZIP and E_CHECKSUM when a file is read.
 */
export function readArchive(name: string, bytes: Uint8Array): Archive {
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

function reasonToLeaveOut({ name }: ZipEntry): LeftOut["reason"] | undefined {
  if (SYSTEM.test(name)) return "system";
  return NESTED.test(name) ? "archive" : undefined;
}
