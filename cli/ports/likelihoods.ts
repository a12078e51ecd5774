import { join } from "node:path";
import type { LikelihoodCache } from "../../src/domain/lab/radit/supervision.ts";
import { exists, makeFolder, readText, writeWhole } from "./files.ts";

/** What a model said about passages before, in `.cache/likelihoods` (or the folder RETUNE_CACHE), a file a model. */
export class LikelihoodFile implements LikelihoodCache {
  readonly #file: string;
  readonly #values: Map<string, number>;
  #added = 0;

  private constructor(file: string, values: Map<string, number>) {
    this.#file = file;
    this.#values = values;
  }

  static async open(root: string, modelHash: string): Promise<LikelihoodFile> {
    const folder = join(process.env["RETUNE_CACHE"] ?? join(root, ".cache"), "likelihoods");
    await makeFolder(folder);
    const file = join(folder, `${modelHash}.json`);
    return new LikelihoodFile(file, await valuesIn(file));
  }

  get(key: string): number | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: number): void {
    this.#values.set(key, value);
    this.#added++;
  }

  async save(): Promise<void> {
    if (this.#added > 0) await writeWhole(this.#file, JSON.stringify(Object.fromEntries(this.#values)));
  }
}

/** A file that was cut off is made anew. */
async function valuesIn(file: string): Promise<Map<string, number>> {
  if (!(await exists(file))) return new Map();
  try {
    return new Map(Object.entries(JSON.parse(await readText(file)) as Record<string, number>));
  } catch {
    return new Map();
  }
}
