import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** The files of a folder of fixtures by relative path, as a picked folder gives them. */
export function filesOf(folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const child = join(path, name);
      if (statSync(child).isDirectory()) visit(child);
      else files.set(relative(folder, child), new Uint8Array(readFileSync(child)));
    }
  };
  visit(folder);
  return files;
}

/** A folder below tests/fixtures/formats, or a copy of it with some files replaced (undefined: removed). */
export function fixtureFolder(
  name: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Map<string, Uint8Array> {
  const files = filesOf(join("tests/fixtures/formats", name));
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
