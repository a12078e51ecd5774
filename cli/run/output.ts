import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { MINED_FORMATS } from "../../src/domain/data/mining/mined-rows.ts";
import { METRICS_CSV_NAME, writeMetricsCsv } from "../../src/domain/formats/metrics-csv.ts";
import type { EvaluationReport } from "../../src/domain/eval/report.ts";
import { makeFolder, writeWhole } from "../ports/files.ts";

/** Code that uses what a run wrote. */
export const SNIPPETS = ["search.py", "search.mjs", "llamaindex_adapter.py"] as const;

const OWN = new Set([
  "run.json",
  "adapter.safetensors",
  "fusion.json",
  "questions.jsonl",
  "answers.jsonl",
  METRICS_CSV_NAME,
  "mined-negatives.json",
  "cohere.jsonl",
  ...MINED_FORMATS.map((format) => `mined-${format}.jsonl`),
  ...["none", "random", "cosine"].map((method) => `arm-${method}.jsonl`),
  ...SNIPPETS,
]);
const OWN_ADAPTER = new Set(["config.json", "pytorch_model.bin"]);
const MODEL_FOLDERS = [
  "sentence-transformers",
  "peft",
  "onnx",
  "cross-encoder",
  "router",
  "cluster",
  "merged",
  "gguf",
];
const MODEL_FILE = /\.(json|jsonl|safetensors|onnx|txt|py|md|jinja|gguf)(\.\d+\.part)?$/;
const STEP = /^step_\d+$/;
const PART = /\.\d+\.part$/; // of a write that was killed

/**
 * The folder of a run. It is made, and cleared of what an earlier run left there, right before the first file is
 * written: a job that fails before that leaves it as it was. Files that no run writes stay.
 */
export class RunFolder {
  readonly path: string;
  private begun: Promise<void> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** To be awaited before every write; works once. Throws "usage" where the folder cannot be made. */
  begin(): Promise<void> {
    return (this.begun ??= this.clear());
  }

  private async clear(): Promise<void> {
    await makeFolder(this.path);
    await removeFiles(this.path, OWN);
    await clearAdapter(join(this.path, "llamaindex"));
    for (const folder of MODEL_FOLDERS) await clearModel(join(this.path, folder));
  }
}

async function clearAdapter(folder: string): Promise<void> {
  const entry = await lstat(folder).catch(() => undefined);
  if (!entry?.isDirectory()) return; // a link leads to what is not ours
  const steps = (await readdir(folder, { withFileTypes: true })).filter(
    (each) => each.isDirectory() && STEP.test(each.name),
  );
  for (const folderOf of [...steps.map(({ name }) => join(folder, name)), folder]) {
    await removeFiles(folderOf, OWN_ADAPTER);
    if ((await readdir(folderOf)).length === 0) await rmdir(folderOf);
  }
}

/** Files of the kinds that a model folder of ours holds, and the folders that are empty then. */
async function clearModel(folder: string): Promise<void> {
  const entry = await lstat(folder).catch(() => undefined);
  if (!entry?.isDirectory()) return; // a link leads to what is not ours
  for (const each of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, each.name);
    if (each.isDirectory()) await clearModel(path);
    else if (each.isFile() && MODEL_FILE.test(each.name)) await rm(path, { force: true });
  }
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}

async function removeFiles(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() || !names.has(entry.name.replace(PART, ""))) continue;
    await rm(join(folder, entry.name), { force: true });
  }
}

/** The metrics in sentence-transformers' columns, and every question with its ranks. */
export async function writeReport(out: string, { systems, rows }: EvaluationReport): Promise<void> {
  const metrics = systems.tuned;
  if (metrics)
    await writeWhole(join(out, METRICS_CSV_NAME), writeMetricsCsv([{ epoch: -1, steps: -1, metrics }]));
  await writeWhole(join(out, "questions.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
