import { fileKind } from "../../domain/text/file-kind.ts";
import type { FileKind } from "../../domain/text/file-kind.ts";
import { readArchive } from "../../domain/formats/zip-documents.ts";
import type { LeftOut } from "../../domain/formats/zip-documents.ts";
import { checkFileSize } from "../../domain/text/decode.ts";

export interface InputFile {
  readonly name: string; // its path, where a folder was dropped
  readonly size: number;
  read(): Promise<Uint8Array>;
  /** Bytes `from` up to `to`, the end where that is past it. */
  part(from: number, to: number): Promise<Uint8Array>;
}

/** Files that are read together: one file, or those of a BEIR dataset. */
export interface ImportUnit {
  readonly name: string; // of the file, or of the folder of the dataset
  readonly files: readonly InputFile[];
  readonly size: number;
}

/** What is to be imported, and what was refused before it could be read. */
export interface ImportUnits {
  readonly units: readonly ImportUnit[];
  readonly refused: readonly { readonly name: string; readonly error: unknown }[];
  readonly leftOut: readonly LeftOut[];
}

const HEAD_BYTES = 65_536;

/** A file kept in memory, as tests and archives have it. */
export function memoryFile(name: string, bytes: Uint8Array): InputFile {
  return unpackedFile(name, bytes.length, () => bytes);
}

function unpackedFile(name: string, size: number, unpack: () => Uint8Array): InputFile {
  const read = (): Promise<Uint8Array> => Promise.resolve().then(unpack);
  return { name, size, read, part: async (from, to) => (await read()).subarray(from, to) };
}

/** Unpacks archives (paths go on inside them) and puts together the files that are one dataset. */
export async function importUnits(files: readonly InputFile[]): Promise<ImportUnits> {
  const single: InputFile[] = [];
  const refused: { name: string; error: unknown }[] = [];
  const leftOut: LeftOut[] = [];
  for (const file of files) {
    if (isSystemFile(file.name)) continue;
    try {
      if (!(await isArchive(file))) single.push(file);
      else {
        checkFileSize(file.size, file.name);
        const archive = readArchive(file.name, await file.read());
        for (const entry of archive.files) {
          single.push(unpackedFile(`${file.name}/${entry.path}`, entry.size, () => entry.read()));
        }
        leftOut.push(...archive.leftOut.map((each) => ({ ...each, path: `${file.name}/${each.path}` })));
      }
    } catch (error) {
      refused.push({ name: file.name, error });
    }
  }
  return { units: grouped(single), refused, leftOut };
}

/** A unit whose files are read once, however often their bytes are asked for. */
export function readOnce(unit: ImportUnit): ImportUnit {
  const files = unit.files.map((file): InputFile => {
    let bytes: Promise<Uint8Array> | undefined;
    const read = (): Promise<Uint8Array> => (bytes ??= file.read());
    const small = file.size <= HEAD_BYTES;
    const part = async (from: number, to: number): Promise<Uint8Array> =>
      small ? (await read()).subarray(from, to) : file.part(from, to);
    return { ...file, read, part };
  });
  return { ...unit, files };
}

/** Told by a glance at the first bytes, only where the name does not already say that it is something else. */
async function isArchive(file: InputFile): Promise<boolean> {
  if (!/\.(?:zip|gz)$|(^|\/)[^./]+$/i.test(file.name)) return false;
  return (await kindOf(file)) === "zip";
}

export async function kindOf(file: InputFile): Promise<FileKind> {
  return fileKind(file.name, await file.part(0, HEAD_BYTES));
}

const CORPUS = /(?:^|\/)corpus\.jsonl$/;

function grouped(files: readonly InputFile[]): ImportUnit[] {
  const names = new Set(files.map(({ name }) => name));
  const folders = [...names]
    .filter((name) => CORPUS.test(name))
    .map((name) => name.slice(0, -"corpus.jsonl".length))
    .filter((folder) => names.has(`${folder}queries.jsonl`));
  const folderOf = (name: string): string | undefined =>
    folders.find(
      (folder) =>
        name.startsWith(folder) &&
        /^(?:corpus\.jsonl|queries\.jsonl|qrels\/[^/]+\.tsv)$/.test(name.slice(folder.length)),
    );
  const units: { name: string; files: InputFile[]; size: number }[] = [];
  const ofFolder = new Map<string, (typeof units)[number]>();
  for (const file of files) {
    const folder = folders.length > 0 ? folderOf(file.name) : undefined;
    const known = folder === undefined ? undefined : ofFolder.get(folder);
    if (known) {
      known.files.push(file);
      known.size += file.size;
      continue;
    }
    const name = folder === undefined ? file.name : folder.replace(/\/$/, "") || "BEIR";
    const unit = { name, files: [file], size: file.size };
    if (folder !== undefined) ofFolder.set(folder, unit);
    units.push(unit);
  }
  return units;
}

function isSystemFile(name: string): boolean {
  return /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git\/|node_modules\/)/i.test(name);
}
