import { dirname, join } from "node:path";
import {
  judgeReranker,
  firstSearch,
  RERANK_JUDGING,
  rerankTrainingSet,
} from "../../src/app/jobs/judge-tuned.ts";
import { withParity } from "../../src/app/jobs/export-parity.ts";
import { crossEncoderFolder, onnxFolder } from "../../src/app/jobs/tuned-exports.ts";
import { pairsOf, type RerankDataset } from "../../src/domain/data/rerank-dataset.ts";
import type { RerankReport } from "../../src/domain/eval/rerank.ts";
import { readRerankPairs } from "../../src/domain/formats/rerank-pairs.ts";
import type { ExportLayout } from "../../src/domain/formats/parity.ts";
import type { CrossEncoderModel } from "../../src/domain/models/encoder-model.ts";
import type { ExportedFolder } from "../../src/app/jobs/tuned-exports.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { openCrossEncoderRun } from "../../src/domain/recipes/cross-encoder/cross-encoder.ts";
import type { TrainedCrossEncoder } from "../../src/domain/recipes/cross-encoder/cross-encoder-job.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { inJob } from "../job.ts";
import { loadDataset, type LoadedDataset } from "../job-data.ts";
import { crossEncoderSettings, type CrossEncoderTuningJob } from "../job-tuned.ts";
import { chooseBackend } from "../ports/backend.ts";
import { openEncoder } from "../ports/encoder.ts";
import { readBytes, readText, sha256, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { saveFolder } from "../ports/trained-folders.ts";
import { embedSet } from "../run/inputs.ts";
import type { RunFolder } from "../run/output.ts";
import { pull } from "../run/pull.ts";
import { backendFacts } from "../run/record.ts";
import { signed } from "../run/summary.ts";
import { versionsOf } from "../run/versions.ts";
import { startModel } from "./models.ts";
import { jobMining, withFileNegatives } from "./negatives.ts";

type StartModel = Awaited<ReturnType<typeof startModel>>;

/** A re-ranker: pairs, or a dataset whose negatives are mined, in; a cross-encoder and its figures out. */
export async function runCrossEncoderJob(
  job: CrossEncoderTuningJob,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const data = await trainingSet(job, root);
  const validation =
    job.validation === undefined ? undefined : await loadDataset(job.validation, "validation");
  const model = await startModel(root, job);
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
  try {
    const started = performance.now();
    const trained = await fineTune(job, data, model, backend);
    const trainSeconds = (performance.now() - started) / 1000;
    const judging = performance.now();
    const report = validation && (await judge(job, root, validation, { model, trained, backend }));
    await folder.begin();
    await writeExports(job, folder.path, { base: model.name, model: trained.model, backend });
    if (report) await writeRows(folder.path, report);
    const evaluate = (performance.now() - judging) / 1000;
    const record = {
      ...{ task: job.task, ...reportFields(report) },
      losses: trained.losses,
      chosen: { ...trained.chosen, looks: trained.looks },
      heldOut: trained.heldOut,
      questions: { train: data.queries.length, validation: report?.queries ?? 0 },
      pairs: pairsOf(data).length,
      seconds: { embed: 0, train: trainSeconds, evaluate },
      ...backendFacts(backend, reason),
      versions: versionsOf(root, validation !== undefined),
      hashes: await hashesOf(job),
      notes: trained.notes,
    };
    return { record, summary: summaryOf(report) };
  } finally {
    backend.dispose();
  }
}

async function writeExports(
  job: CrossEncoderTuningJob,
  out: string,
  {
    base,
    model,
    backend,
  }: { readonly base: string; readonly model: CrossEncoderModel; readonly backend: Backend },
): Promise<void> {
  const provenance = { base, recipe: "cross-encoder", facts: { seed: job.seed } };
  const dataSha256 = sha256(await readBytes(job.train));
  const checked = (folder: ExportedFolder, layout: ExportLayout) =>
    withParity(backend, folder, model, layout, { ...provenance, dataSha256 });
  for (const format of job.export ?? []) {
    const folder =
      format === "onnx"
        ? await checked(onnxFolder(model, { precision: "fp32", pooled: false }), "onnx")
        : await checked(crossEncoderFolder(model), "cross-encoder");
    await saveFolder(join(out, format), folder);
  }
}

/** {query, context, score} rows as they are; of a dataset, positives with negatives mined by the first search. */
async function trainingSet(job: CrossEncoderTuningJob, root: string): Promise<RerankDataset> {
  const text = await readText(job.train, "train");
  if (!/"relevant_docs"/.test(text)) return inJob(job, "train", () => readRerankPairs(text, job.train));
  const loaded = await loadDataset(job.train, "train");
  const dataset = await withFileNegatives(job, loaded.dataset);
  const first = await firstSearchOf(job, root, loaded, "train");
  const mining = jobMining(job);
  return inJob(job, "mining", () => rerankTrainingSet(dataset, () => first, [], job.seed, mining));
}

/** Hybrid where the job names a retriever, else BM25. */
async function firstSearchOf(
  job: CrossEncoderTuningJob,
  root: string,
  loaded: LoadedDataset,
  label: string,
): Promise<Matrix> {
  if (job.retriever === undefined) return firstSearch(loaded.dataset, null);
  const encoder = await inJob(job, "retriever", () => openEncoder(root, job.retriever!, dirname(job.file)));
  try {
    return firstSearch(loaded.dataset, await embedSet(root, encoder, loaded, { instruction: "", label }));
  } finally {
    await encoder.close();
  }
}

async function fineTune(
  job: CrossEncoderTuningJob,
  train: RerankDataset,
  model: StartModel,
  backend: Backend,
): Promise<TrainedCrossEncoder> {
  const settings = crossEncoderSettings(job);
  const run = await inJob(job, undefined, () => openCrossEncoderRun(backend, { model, train, settings }));
  process.stderr.write(`backend: ${backend.label}\n`);
  try {
    return await pull(run);
  } finally {
    run.dispose();
  }
}

async function judge(
  job: CrossEncoderTuningJob,
  root: string,
  validation: LoadedDataset,
  { model, trained, backend }: { model: StartModel; trained: TrainedCrossEncoder; backend: Backend },
): Promise<RerankReport> {
  const retrieved = await firstSearchOf(job, root, validation, "validation");
  const line = new ProgressLine("re-ranking");
  const { depth = RERANK_JUDGING.depth, forceGold = RERANK_JUDGING.forceGold, seed } = job;
  const models = { base: model, tuned: trained.model };
  const settings = { depth: Math.min(depth, validation.dataset.passages.length), forceGold, seed };
  const report = await inJob(job, "validation", () =>
    judgeReranker(backend, validation.dataset, retrieved, models, settings, { onProgress: line.show }),
  );
  line.finish(`${report.queries} questions`);
  return report;
}

function reportFields(report: RerankReport | undefined): object {
  if (!report) return { systems: null, verdict: "cannot-tell", verdictRetrieved: "cannot-tell" };
  const { rows: _rows, queries: _queries, ...figures } = report;
  return figures;
}

async function writeRows(out: string, { rows }: RerankReport): Promise<void> {
  await writeWhole(join(out, "questions.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

async function hashesOf(job: CrossEncoderTuningJob): Promise<Record<string, string>> {
  return {
    job: sha256(await readBytes(job.file)),
    train: sha256(await readBytes(job.train)),
    ...(job.validation === undefined ? {} : { validation: sha256(await readBytes(job.validation)) }),
  };
}

function summaryOf(report: RerankReport | undefined): string {
  if (!report) return "";
  const rows = (["retrieved", "rerankedBase", "rerankedTuned"] as const).flatMap((name) => {
    const metrics = report.systems[name];
    return metrics
      ? [`${name.padEnd(20)} ${metrics["hit@5"].toFixed(4)}  ${metrics["mrr@10"].toFixed(4)}`]
      : [];
  });
  const delta = report.deltaRetrieved?.["mrr@10"];
  const verdict = delta
    ? [`re-ranked − retrieved: ${signed(delta.value)} [${signed(delta.low)}, ${signed(delta.high)}]`]
    : [];
  return [`${"".padEnd(20)} hit@5   MRR@10`, ...rows, ...verdict].map((line) => `${line}\n`).join("");
}
