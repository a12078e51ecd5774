import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";

/** Reads a file whole. Throws "usage" naming the file (and the field that named it) where it cannot be read. */
export async function readBytes(file: string, field?: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(file);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (error) {
    throw unreadable(file, error, field);
  }
}

export async function readText(file: string, field?: string): Promise<string> {
  const bytes = await readBytes(file, field);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RetuneError(
      "E_UTF8",
      `${file} is no UTF-8 text${named(field)}; save it as UTF-8`,
      { file },
      { cause: error },
    );
  }
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Makes a folder where there is none. Throws "usage" where a file stands in its place. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RetuneError(
      "usage",
      `${folder} is no folder to write to: ${reason}`,
      { file: folder },
      { cause: error },
    );
  }
}

/** Writes a file whole: beside its place first, then renamed, so that a reader never sees half of it. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.part`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RetuneError("usage", `${file} cannot be written: ${reason}`, { file }, { cause: error });
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unreadable(file: string, error: unknown, field?: string): RetuneError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const reason =
    code === "ENOENT"
      ? "does not exist"
      : code === "EISDIR"
        ? "is a folder, not a file"
        : `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  return new RetuneError("usage", `${file} ${reason}${named(field)}`, { file }, { cause: error });
}

function named(field?: string): string {
  return field === undefined ? "" : ` (field "${field}")`;
}
