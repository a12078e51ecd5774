import { createHash } from "node:crypto";
import { access, constants, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
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
    throw noFolder(folder, error);
  }
}

/** Throws "usage" where a folder is not there and could not be made, or could not be written to. Makes nothing. */
export async function requireWritable(folder: string): Promise<void> {
  let nearest = folder;
  while (dirname(nearest) !== nearest && !(await exists(nearest))) nearest = dirname(nearest);
  if (!(await isFolder(nearest))) throw noFolder(folder, `${nearest} is a file`);
  await access(nearest, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw noFolder(folder, error);
  });
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

function noFolder(folder: string, cause: unknown): RetuneError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RetuneError(
    "usage",
    `${folder} is no folder to write to: ${reason}`,
    { file: folder },
    { cause },
  );
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
