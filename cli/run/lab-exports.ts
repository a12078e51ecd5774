import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ExportedFolder } from "../../src/app/jobs/tuned-exports.ts";
import {
  weightsHash,
  writeDecoderCard,
  type CardMetric,
  type DecoderLayout,
} from "../../src/domain/formats/decoder-card.ts";
import { readGgufLora, writeGgufLora } from "../../src/domain/formats/gguf-lora.ts";
import { mergedDecoder } from "../../src/domain/formats/merged-decoder.ts";
import { readPeftFolder, writePeftFolder } from "../../src/domain/formats/peft-folder.ts";
import type { DecoderModel } from "../../src/domain/models/decoder-model.ts";
import type { LoraAdapter } from "../../src/domain/models/encoder-model.ts";
import type { TrainedDecoder } from "../../src/domain/recipes/decoder/decoder-run.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { LabJob } from "../job-lab.ts";
import { openDiskDecoder } from "../ports/decoder.ts";
import { writeWhole } from "../ports/files.ts";
import { saveFolder } from "../ports/trained-folders.ts";

export interface LabResult {
  readonly model: DecoderModel;
  readonly trained: TrainedDecoder;
  readonly metrics: readonly CardMetric[];
  readonly trainRows: number;
  readonly dataSha256: string;
}

/** What was learnt as folders of others, each read back before it is told of. */
export async function writeLabExports(job: LabJob, out: string, result: LabResult): Promise<void> {
  const { tuned } = result.trained;
  for (const format of job.export) {
    const folder = join(out, format);
    if (format === "merged") await saveMerged(folder, job, result);
    else if (tuned.kind === "lora" && format === "peft")
      await saveFolder(folder, await peftExport(job, tuned.adapter, result));
    else if (tuned.kind === "lora") await saveFolder(folder, await ggufExport(job, tuned.adapter, result));
  }
}

async function peftExport(job: LabJob, adapter: LoraAdapter, result: LabResult): Promise<ExportedFolder> {
  const { name, config } = result.model;
  const files = writePeftFolder(adapter, { base: name, task: "decoder", layers: config.layers });
  const back = readPeftFolder(files).adapter;
  for (const [tensor, { values }] of adapter.weights) {
    const other = back.weights.get(tensor)?.values;
    if (other === undefined || values.some((value, at) => value !== other[at]))
      throw new RetuneError("corrupt", `peft: "${tensor}" reads back differently; export again`);
  }
  return {
    files: new Map([...files, await card(job, "peft", result)]),
    verified: "read back, equal to the bit",
  };
}

async function ggufExport(job: LabJob, adapter: LoraAdapter, result: LabResult): Promise<ExportedFolder> {
  const { name, config } = result.model;
  const bytes = writeGgufLora(adapter, config, { name: `${name}-${job.task}` });
  const back = readGgufLora(bytes, config).weights;
  for (const [tensor, { values }] of adapter.weights) {
    const other = back.get(tensor)?.values;
    if (other === undefined || values.some((value, at) => value !== other[at]))
      throw new RetuneError("corrupt", `gguf: "${tensor}" reads back differently; export again`);
  }
  const files = new Map([["adapter.gguf", bytes], await card(job, "gguf-lora", result)]);
  return { files, verified: "read back, equal to the bit" };
}

async function card(
  job: LabJob,
  layout: DecoderLayout,
  { model, metrics, trainRows, dataSha256 }: LabResult,
): Promise<readonly [string, Uint8Array]> {
  const { rank = 8, alpha = 16, targets = "all-linear" } = job.lora ?? {};
  const layers = targets === "all-linear" ? "all linear layers" : targets.join(", ");
  const lora = `LoRA, rank ${rank}, alpha ${alpha}, ${layers}`;
  const bytes = writeDecoderCard({
    ...{ layout, name: `${model.name}-${job.task}`, base: model.name, dataSha256, metrics },
    baseSha256: await weightsHash(model.files),
    recipe: job.method === "full" ? "Full fine-tune" : lora,
    facts: { system: job.task, "training rows": trainRows, seed: job.seed },
  });
  return ["README.md", bytes];
}

/** Written part by part, so that a model never is in memory; what lies on disk is hashed and opened again. */
async function saveMerged(folder: string, job: LabJob, result: LabResult): Promise<void> {
  const { tuned } = result.trained;
  const learnt = tuned.kind === "lora" ? tuned : { kind: tuned.kind, weights: tuned.weights };
  await mkdir(folder, { recursive: true });
  const writing = new PartWriter(folder);
  try {
    for await (const { path, bytes } of mergedDecoder(result.model, learnt, "f16"))
      await writing.add(path, bytes);
  } finally {
    await writing.close();
  }
  const [name, bytes] = await card(job, "merged", result);
  await writeWhole(join(folder, name), bytes);
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
