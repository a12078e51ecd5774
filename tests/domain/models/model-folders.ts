import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The files of a folder by relative path, as a picked folder gives them. */
export function filesOf(folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (below: string): void => {
    for (const name of readdirSync(join(folder, below))) {
      const path = below === "" ? name : `${below}/${name}`;
      if (statSync(join(folder, path)).isDirectory()) visit(path);
      else files.set(path, new Uint8Array(readFileSync(join(folder, path))));
    }
  };
  visit("");
  return files;
}

export function jsonOf<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

export function tokenizerOf(files: ReadonlyMap<string, Uint8Array>): {
  tokenizerJson: string;
  tokenizerConfigJson: string;
} {
  const text = (path: string): string => new TextDecoder().decode(files.get(path));
  return { tokenizerJson: text("tokenizer.json"), tokenizerConfigJson: text("tokenizer_config.json") };
}
