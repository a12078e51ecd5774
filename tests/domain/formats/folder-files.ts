import { filesOf } from "../models/model-folders.ts";

/** A folder below tests/fixtures/formats, or a copy of it with some files replaced (undefined: removed). */
export function fixtureFolder(
  name: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Map<string, Uint8Array> {
  const files = filesOf(`tests/fixtures/formats/${name}`);
  for (const [path, text] of Object.entries(changes)) {
    if (text === undefined) files.delete(path);
    else files.set(path, new TextEncoder().encode(text));
  }
  return files;
}

/** The text of one file of a folder. */
export function textOf(files: ReadonlyMap<string, Uint8Array>, path: string): string {
  return new TextDecoder().decode(files.get(path));
}
