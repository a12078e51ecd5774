import { readTable } from "../../domain/formats/table.ts";
import type { Table } from "../../domain/formats/table-rows.ts";
import type { InputFile } from "./import-inputs.ts";

export const PART_BYTES = 8_000_000;

/** A table, or a part of a long one, and how many lines of the file stand before it. */
export interface TablePart {
  readonly table: Table;
  readonly line: number;
}

/** The table of a file; long JSON Lines part by part, so that neither all bytes nor all rows are held at once. */
export async function* tablesOf(file: InputFile): AsyncGenerator<TablePart, void, void> {
  const start = await file.part(0, PART_BYTES);
  if (file.size <= start.length || !hasLinesOfJson(start)) {
    yield { table: await readTable(file.name, await file.read()), line: 0 };
    return;
  }
  let line = 0;
  for (let from = 0; from < file.size;) {
    const bytes = await wholeLines(file, from);
    const table = await readPart(file.name, bytes);
    if (table) yield { table, line };
    for (const byte of bytes) if (byte === 0x0a) line++;
    from += bytes.length;
  }
}

/** One object a line, in an encoding whose lines end in one byte. */
function hasLinesOfJson(start: Uint8Array): boolean {
  const wide = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  return !wide && /^\ufeff?\s*\{/.test(new TextDecoder().decode(start.subarray(0, 1000)));
}

/** About PART_BYTES from `from` on, up to the end of a line; more where one line is longer. */
async function wholeLines(file: InputFile, from: number): Promise<Uint8Array> {
  for (let size = PART_BYTES; ; size *= 2) {
    const bytes = await file.part(from, from + size);
    if (from + bytes.length >= file.size) return bytes;
    const end = bytes.lastIndexOf(0x0a);
    if (end >= 0) return bytes.subarray(0, end + 1);
  }
}

/** A part of nothing but white space is no table, but no reason to refuse the file either. */
async function readPart(name: string, bytes: Uint8Array): Promise<Table | undefined> {
  if (bytes.every((byte) => byte <= 0x20)) return undefined;
  return readTable(name, bytes);
}
