import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelFiles } from "../../../src/app/encoders/model-files.ts";

export const DEFAULT_MODEL = "public/models/bge-small-en-v1.5";

/** A model folder on disk, as the command line reads it. */
export function filesOnDisk(folder: string, name = folder.split("/").at(-1)!): ModelFiles {
  return {
    name,
    read(path) {
      const file = join(folder, path);
      return Promise.resolve(existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined);
    },
  };
}
