import { join } from "node:path";
import { cohereRows, writeCohereRows } from "../../src/domain/data/mining/cohere-rows.ts";
import {
  formatFor,
  judgedTexts,
  minedTable,
  writeMinedJsonLines,
} from "../../src/domain/data/mining/mined-rows.ts";
import { negativesById, negativesOf } from "../../src/domain/data/negatives.ts";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import type { MinedPreview } from "../../src/domain/data/negatives.ts";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { inJob } from "../job.ts";
import { loadDataset, showWarnings } from "../job-data.ts";
import { miningSettings, type MineJob } from "../job-mining.ts";
import { readBytes, sha256, writeWhole } from "../ports/files.ts";
import { mineForJob, searchBy, vectorsBy } from "../run/mining.ts";
import type { RunFolder } from "../run/output.ts";
import { versionsOf } from "../run/versions.ts";

/**
 * Hard negatives of a dataset: DIR/mined-negatives.json, which encoder, lora and cross-encoder jobs take, training rows in the
 * formats asked for, and Cohere's file.
 */
export async function runMineJob(
  job: MineJob,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const train = await loadDataset(job.train, "train");
  showWarnings(train);
  const { dataset } = train;
  const started = performance.now();
  const vectors =
    job.retriever === undefined
      ? null
      : await vectorsBy(job, "retriever", root, train, {
          model: job.retriever,
          instruction: job.queryInstruction ?? "",
          label: "train",
        });
  const search = job.search ?? (vectors ? "hybrid" : "bm25");
  const settings = miningSettings(job.mining, job.seed);
  const { crossEncoder } = job;
  const mined = await mineForJob(job, root, dataset, searchBy(dataset, search, vectors), {
    ...{ settings, crossEncoder },
  });
  await folder.begin();
  await writeFiles(job, folder.path, dataset, mined);
  await writeCohere(job, folder.path, dataset, vectors);
  const record = {
    ...{ task: job.task, search, settings, report: mined.report },
    seconds: { embed: 0, train: 0, evaluate: (performance.now() - started) / 1000 },
    versions: versionsOf(root, false),
    hashes: { job: sha256(await readBytes(job.file)), train: train.hash },
  };
  return { record, summary: summaryOf(mined) };
}

async function writeFiles(job: MineJob, out: string, dataset: Dataset, mined: MinedPreview): Promise<void> {
  const bare = { ...dataset, queries: dataset.queries.map(({ negatives: _own, ...query }) => query) };
  const byId = negativesById(
    dataset,
    negativesOf(bare, () => mined),
  );
  await writeWhole(join(out, "mined-negatives.json"), `${JSON.stringify(byId, null, 1)}\n`);
  const settings = miningSettings(job.mining, job.seed);
  const perQuestion = settings.negatives + settings.random;
  const texts = judgedTexts(dataset, mined);
  for (const format of new Set(job.formats.map((wanted) => formatFor(settings, wanted)))) {
    const table = minedTable(texts, format, { scores: job.scores, perQuestion });
    await writeWhole(join(out, `mined-${format}.jsonl`), writeMinedJsonLines(table));
  }
}

async function writeCohere(
  job: MineJob,
  out: string,
  dataset: Dataset,
  vectors: JudgedVectors | null,
): Promise<void> {
  const { cohere, seed } = job;
  if (!cohere) return;
  const rows = await inJob(job, "cohere", () => cohereRows(dataset, { ...cohere, seed }, vectors));
  await writeWhole(join(out, "cohere.jsonl"), writeCohereRows(rows));
}

function summaryOf({ report }: MinedPreview): string {
  const { positiveScores, negativeScores, differences, skipped, short } = report;
  const rows = (["count", "mean", "std", "min", "quarter", "median", "threeQuarters", "max"] as const).map(
    (name) => {
      const cells = [positiveScores, negativeScores, differences].map((summary) =>
        (name === "count" ? String(summary.count) : summary[name].toFixed(4)).padStart(12),
      );
      return `${name.padEnd(14)}${cells.join("")}`;
    },
  );
  const left = Object.entries(skipped).flatMap(([name, number]) =>
    number > 0 ? [`${number} candidates left out by ${name}`] : [],
  );
  const few = short > 0 ? [`${short} questions got fewer than asked for`] : [];
  const head = `${"".padEnd(14)}${["positive", "negative", "difference"].map((name) => name.padStart(12)).join("")}`;
  return [head, ...rows, ...left, ...few].map((line) => `${line}\n`).join("");
}
