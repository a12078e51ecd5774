import { join } from "node:path";
import type { ExportedFolder } from "../../src/app/jobs/tuned-exports.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { readBytes, writeWhole } from "./files.ts";

/** Writes a folder's files below `folder` and reads each back from disk; "corrupt" where one differs. */
export async function saveFolder(folder: string, { files, verified }: ExportedFolder): Promise<void> {
  for (const [name, bytes] of files) {
    const file = join(folder, ...name.split("/"));
    await writeWhole(file, bytes);
    if (Buffer.compare(await readBytes(file), bytes) !== 0) {
      throw new RetuneError("corrupt", `${file} reads back differently than it was written`, { file });
    }
  }
  process.stderr.write(`${folder}: ${verified}\n`);
}
