import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { DatasetFiles, Detection } from "../../src/domain/formats/datasets/dataset-format.ts";
import { DATASET_FORMATS, detectDataset } from "../../src/domain/formats/datasets/registry.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { isFolder, readBytes } from "./files.ts";

const BEIR_FILE = /(?:^|\/)(?:corpus\.jsonl|queries\.jsonl|qrels\/[^/]+\.tsv)$/;

/** Whether a folder holds a BEIR dataset. */
export async function isDatasetFolder(folder: string): Promise<boolean> {
  return (await datasetPaths(folder)).some((path) => path.endsWith("corpus.jsonl"));
}

/** The files of a dataset: one file, or those of a BEIR folder by their paths in it. `field` is a job's name for it. */
export async function datasetFiles(input: string, field?: string): Promise<DatasetFiles> {
  if (!(await isFolder(input))) return new Map([[basename(input), await readBytes(input, field)]]);
  const files = new Map<string, Uint8Array>();
  for (const path of await datasetPaths(input)) files.set(path, await readBytes(join(input, path), field));
  return files;
}

/** What the files most likely are. E_UNKNOWN_FORMAT with the known formats, after `next`, where they are nothing known. */
export async function detectedFormat(files: DatasetFiles, input: string, next: string): Promise<Detection> {
  const [best] = await detectDataset(files);
  if (best) return best;
  const known = DATASET_FORMATS.map(({ id }) => id).join(", ");
  throw new RetuneError("E_UNKNOWN_FORMAT", `${input} is no dataset that is recognised; ${next}: ${known}`, {
    file: input,
  });
}

/** Where a BEIR dataset has its files, in the folder or one folder below. */
async function datasetPaths(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const own = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && depth < 2) await visit(own, depth + 1);
      else if (entry.isFile() && BEIR_FILE.test(own)) found.push(own);
    }
  };
  await visit("", 0);
  return found.sort();
}
