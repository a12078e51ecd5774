import { dirname, join } from "node:path";
import { wholeEncoder, withoutBase } from "../../src/app/jobs/trained-store.ts";
import { clusterFolder } from "../../src/app/jobs/cluster-export.ts";
import { withParity } from "../../src/app/jobs/export-parity.ts";
import type { ExportedFolder } from "../../src/app/jobs/tuned-exports.ts";
import type { ExportLayout } from "../../src/domain/formats/parity.ts";
import { judgeEncoder } from "../../src/app/jobs/judge-tuned.ts";
import { onnxFolder, peftFolder, sentenceTransformersFolder } from "../../src/app/jobs/tuned-exports.ts";
import { OwnEncoder, identityOf } from "../../src/app/encoders/own-encoder.ts";
import { leakNotes } from "../../src/domain/data/leaks.ts";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import type { ScoreThreshold } from "../../src/domain/eval/advice-types.ts";
import type { EvaluationReport } from "../../src/domain/eval/report.ts";
import { writeFusion } from "../../src/domain/formats/fusion-json.ts";
import type { EncoderModel } from "../../src/domain/models/encoder-model.ts";
import { openEncoderRun } from "../../src/domain/recipes/encoder/encoder.ts";
import type { EncoderData } from "../../src/domain/recipes/encoder/encoder-job.ts";
import type { TrainedEncoder } from "../../src/domain/recipes/encoder/encoder-run.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { inJob } from "../job.ts";
import { loadDataset, showWarnings, type LoadedDataset } from "../job-data.ts";
import { encoderSettings, type EncoderTuningJob } from "../job-tuned.ts";
import { chooseBackend, openBackend } from "../ports/backend.ts";
import { diskModelFiles, openEncoder } from "../ports/encoder.ts";
import { readBytes, sha256, writeWhole } from "../ports/files.ts";
import { modelFolder } from "../ports/models.ts";
import { ProgressLine } from "../ports/progress.ts";
import { saveFolder } from "../ports/trained-folders.ts";
import { embedTexts } from "../ports/vectors.ts";
import { embedSet } from "../run/inputs.ts";
import { writeReport, type RunFolder } from "../run/output.ts";
import { pull } from "../run/pull.ts";
import { recordOf, type RunRecord } from "../run/record.ts";
import { searchThreshold } from "../run/threshold.ts";
import { versionsOf } from "../run/versions.ts";
import { startEncoder } from "./models.ts";
import { encoderNegatives } from "./negatives.ts";

/** A fine-tune of an encoder, full or by LoRA: texts in, a model and its figures out. */
export async function runEncoderJob(
  job: EncoderTuningJob,
  folder: RunFolder,
  root: string,
): Promise<RunRecord> {
  const { train, validation } = await loadSides(job);
  const base = await startEncoder(root, job, job.queryInstruction ?? "");
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
  try {
    const started = performance.now();
    const data = await trainingData(job, root, train);
    for (const loaded of [train, validation]) if (loaded) showWarnings(loaded);
    const trained = await fineTune(job, data, base, backend);
    const trainSeconds = (performance.now() - started) / 1000;
    const model = await wholeEncoder(withoutBase(trained), () => Promise.resolve(base));
    const judging = performance.now();
    const judged = validation && (await judge(job, root, validation, { trained, model }));
    await folder.begin();
    const ground = { job, root, out: folder.path, backend, data, dataSha256: train.hash };
    await writeExports(ground, trained, { base, model });
    if (judged) await writeReport(folder.path, judged.report);
    const embed = judged?.embedSeconds ?? 0;
    const evaluate = (performance.now() - judging) / 1000 - embed;
    return recordOf({
      task: job.task,
      trainQuestions: train.dataset.queries.length,
      notes: validation ? leakNotes(train.dataset, validation.dataset) : [],
      trained: { ...trained, chosen: { ...trained.chosen, looks: trained.looks, guards: trained.guards } },
      report: judged?.report,
      threshold: judged?.threshold ?? null,
      ...{ backend, reason },
      seconds: { embed, train: trainSeconds, evaluate },
      versions: versionsOf(root, validation !== undefined),
      hashes: await hashesOf(job, train, validation, base),
    });
  } finally {
    backend.dispose();
  }
}

async function loadSides({ train, validation }: EncoderTuningJob): Promise<{
  readonly train: LoadedDataset;
  readonly validation: LoadedDataset | undefined;
}> {
  return {
    train: await loadDataset(train, "train"),
    validation: validation === undefined ? undefined : await loadDataset(validation, "validation"),
  };
}

/** The questions with the wrong passages, scores and general questions that the job names. */
async function trainingData(
  job: EncoderTuningJob,
  root: string,
  loaded: LoadedDataset,
): Promise<EncoderData> {
  const negatives = await encoderNegatives(job, root, loaded);
  return { dataset: loaded.dataset, ...negatives, ...(job.anchors ? { anchors: job.anchors } : {}) };
}

async function fineTune(
  job: EncoderTuningJob,
  data: EncoderData,
  model: EncoderModel,
  backend: Backend,
): Promise<TrainedEncoder> {
  const settings = encoderSettings(job);
  const run = await inJob(job, undefined, () => openEncoderRun(backend, { model, data, settings }));
  try {
    const { text, warnings } = await run.measure();
    const { totalSteps, trainedParameters } = run.plan;
    process.stderr.write(`backend: ${backend.label}\n`);
    process.stderr.write(`${trainedParameters.toLocaleString("en")} weights, ${totalSteps} steps, ${text}\n`);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    return await pull(run);
  } finally {
    run.dispose();
  }
}

interface JudgedJob {
  readonly report: EvaluationReport;
  readonly threshold: ScoreThreshold | null;
  readonly embedSeconds: number;
}

/** Base and tuned vectors of the validation file, each through the cache, then the whole evaluation. */
async function judge(
  job: EncoderTuningJob,
  root: string,
  validation: LoadedDataset,
  { trained, model }: { readonly trained: TrainedEncoder; readonly model: EncoderModel },
): Promise<JudgedJob> {
  const started = performance.now();
  const instruction = job.queryInstruction ?? "";
  const encoder = await openEncoder(root, job.model, dirname(job.file));
  let vectors: JudgedVectors;
  try {
    vectors = await embedSet(root, encoder, validation, { instruction, label: "base" });
  } finally {
    await encoder.close();
  }
  const tuned = await embedTuned(job, root, validation, model);
  const embedSeconds = (performance.now() - started) / 1000;
  const line = new ProgressLine("evaluating");
  const settings = { instruction: instruction !== "", seed: job.seed };
  const report = await inJob(job, "validation", () =>
    judgeEncoder({ dataset: validation.dataset, vectors }, tuned, trained.fusion, settings),
  );
  line.finish(`${report.queries} questions`);
  return { report, threshold: searchThreshold(validation.dataset, tuned, job.seed), embedSeconds };
}

async function embedTuned(
  job: EncoderTuningJob,
  root: string,
  { dataset }: LoadedDataset,
  model: EncoderModel,
) {
  const backend = await openBackend(job.backend ?? "cpu", root, job.threads);
  const encoder = await OwnEncoder.open(backend, model);
  try {
    const { query, document } = model.prompts;
    const texts = (rows: readonly { readonly text: string }[]): string[] => rows.map(({ text }) => text);
    const embed = (rows: readonly string[], instruction: string, label: string) =>
      embedTexts(root, encoder, rows, { instruction, label });
    const corpus = await embed(texts(dataset.passages), document, "passages anew");
    return { corpus, queries: await embed(texts(dataset.queries), query, "queries anew") };
  } finally {
    await encoder.close();
  }
}

interface ExportGround {
  readonly job: EncoderTuningJob;
  readonly root: string;
  readonly out: string;
  readonly backend: Backend;
  readonly data: EncoderData;
  readonly dataSha256: string;
}

async function writeExports(
  { job, root, out, backend, data, dataSha256 }: ExportGround,
  { tuned, fusion }: TrainedEncoder,
  { base, model }: { readonly base: EncoderModel; readonly model: EncoderModel },
): Promise<void> {
  const named = { ...model, name: base.name };
  const facts = { seed: job.seed, "training questions": data.dataset.queries.length };
  const provenance = { base: base.name, recipe: job.task, facts, dataSha256 };
  const checked = (folder: ExportedFolder, layout: ExportLayout) =>
    withParity(backend, folder, named, layout, provenance);
  for (const format of job.export ?? []) {
    const folder = join(out, format);
    if (format === "sentence-transformers")
      await saveFolder(folder, await checked(sentenceTransformersFolder(named), format));
    if (format === "peft" && tuned.kind === "lora") {
      const { layers } = base.config;
      const peft = peftFolder(tuned.adapter, { name: base.name, layers });
      await saveFolder(folder, await checked(peft, "peft-encoder"));
    }
    if (format === "onnx") {
      const files = diskModelFiles(await modelFolder(root, job.model, dirname(job.file)));
      const graph = await files.read("onnx/model.onnx");
      const options = { precision: "fp32" as const, pooled: false, ...(graph ? { base: graph } : {}) };
      await saveFolder(folder, await checked(onnxFolder(named, options), "onnx"));
    }
  }
  if (job.export?.includes("cluster")) {
    const settings = encoderSettings(job);
    const cluster = clusterFolder({ model: base, data, settings });
    await saveFolder(join(out, "cluster"), cluster);
  }
  await writeWhole(join(out, "fusion.json"), writeFusion(fusion.tuned));
}

async function hashesOf(
  job: EncoderTuningJob,
  train: LoadedDataset,
  validation: LoadedDataset | undefined,
  base: EncoderModel,
): Promise<Record<string, string>> {
  return {
    job: sha256(await readBytes(job.file)),
    train: train.hash,
    ...(validation ? { validation: validation.hash } : {}),
    model: (await identityOf(base)).hash,
  };
}
