import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  exportCard,
  ggufExport,
  peftExport,
  type DecoderExport,
} from "../../src/domain/formats/decoder-exports.ts";
import { mergedDecoder } from "../../src/domain/formats/merged-decoder.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { LabJob } from "../job-lab.ts";
import { openDiskDecoder } from "../ports/decoder.ts";
import { writeWhole } from "../ports/files.ts";
import { saveFolder } from "../ports/trained-folders.ts";

/** What was learnt as folders of others below `out`, each read back before it is told of. */
export async function writeLabExports(job: LabJob, out: string, tuned: DecoderExport): Promise<void> {
  for (const format of job.export) {
    const folder = join(out, format);
    if (format === "merged") await saveMerged(folder, tuned);
    else if (tuned.learnt.kind === "full")
      continue; // there is no adapter to write
    else await saveFolder(folder, await (format === "peft" ? peftExport(tuned) : ggufExport(tuned)));
  }
}

/** Written part by part, so that a model never is in memory; what lies on disk is hashed and opened again. */
async function saveMerged(folder: string, tuned: DecoderExport): Promise<void> {
  await mkdir(folder, { recursive: true });
  const writing = new PartWriter(folder);
  try {
    for await (const { path, bytes } of mergedDecoder(tuned.model, tuned.learnt, "f16"))
      await writing.add(path, bytes);
  } finally {
    await writing.close();
  }
  await writeWhole(join(folder, "README.md"), await exportCard(tuned, "merged"));
  await writing.check();
  await openDiskDecoder("", folder, dirname(folder));
  process.stderr.write(`${folder}: read back from disk, equal to the bit, and opened\n`);
}

/** Files that grow: beside their place until they are whole. */
class PartWriter {
  readonly #folder: string;
  readonly #digests = new Map<string, string>();
  #open:
    { path: string; file: Awaited<ReturnType<typeof open>>; hash: ReturnType<typeof createHash> } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(path: string, bytes: Uint8Array): Promise<void> {
    if (this.#open?.path !== path) {
      await this.close();
      const file = await open(this.#partOf(path), "w");
      this.#open = { path, file, hash: createHash("sha256") };
    }
    this.#open.hash.update(bytes);
    await this.#open.file.writeFile(bytes);
  }

  /** Puts the file in hand into its place. */
  async close(): Promise<void> {
    if (!this.#open) return;
    const { path, file, hash } = this.#open;
    this.#open = undefined;
    await file.close();
    await rename(this.#partOf(path), join(this.#folder, path));
    this.#digests.set(path, hash.digest("hex"));
  }

  /** "corrupt" where a file on disk is not what was written. */
  async check(): Promise<void> {
    for (const [path, digest] of this.#digests) {
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(join(this.#folder, path))) hash.update(chunk as Uint8Array);
      if (hash.digest("hex") === digest) continue;
      const file = join(this.#folder, path);
      throw new RetuneError("corrupt", `${file} reads back differently than it was written`, { file });
    }
  }

  #partOf(path: string): string {
    return `${join(this.#folder, path)}.${process.pid}.part`;
  }
}
