import { join } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";
import { exists, makeFolder, readText, writeWhole } from "./files.ts";

/** How often a validation file has judged runs on this machine. */
export interface Openings {
  readonly validation: string; // SHA-256 of the file
  readonly count: number; // this time included
  readonly sentence: string;
}

/**
 * Counts that a run was judged on a validation file, in `.cache/openings` (or the folder RETUNE_CACHE): a file that
 * judged many runs flatters the one that is kept.
 */
export async function openValidation(root: string, validation: string): Promise<Openings> {
  const folder = join(process.env["RETUNE_CACHE"] ?? join(root, ".cache"), "openings");
  await makeFolder(folder);
  const file = join(folder, `${validation}.json`);
  const count = (await known(file)) + 1;
  await writeWhole(file, `${JSON.stringify({ count })}\n`);
  const times = count === 1 ? "once" : `${count} times`;
  return { validation, count, sentence: `This test set was opened ${times} on this machine.` };
}

async function known(file: string): Promise<number> {
  if (!(await exists(file))) return 0;
  const { count } = JSON.parse(await readText(file)) as { readonly count?: unknown };
  if (typeof count === "number" && Number.isInteger(count) && count >= 0) return count;
  throw new RetuneError("corrupt", `${file}: the count of openings is unreadable; remove the file`, { file });
}
