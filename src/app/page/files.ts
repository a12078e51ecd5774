import type { SentBytes, SentFile } from "../protocol/calls.ts";
import type { ExportedFile } from "../studio.ts";

/** A file as it crosses to a worker: its bytes by reference. */
export function sent(file: File): SentFile {
  return { name: file.webkitRelativePath || file.name, blob: new Blob([file]) };
}

const TYPES: Record<string, string> = {
  json: "application/json",
  csv: "text/csv",
  zip: "application/zip",
};

export function asFile({ name, bytes, verified }: SentBytes): ExportedFile {
  const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
  return { name, blob: new Blob([bytes], { type }), verified };
}
