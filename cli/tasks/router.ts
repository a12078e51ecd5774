import { dirname, join } from "node:path";
import { judgeRouter, learnsOnVectors, type RouterBase } from "../../src/app/jobs/judge-router.ts";
import { routerSides } from "../../src/app/jobs/router-data.ts";
import {
  crossEncoderFolder,
  routerFolder,
  sentenceTransformersFolder,
} from "../../src/app/jobs/tuned-exports.ts";
import { choiceText, type RouterDataset } from "../../src/domain/data/router-dataset.ts";
import type { RouterReport } from "../../src/domain/eval/classification.ts";
import { readRouterData } from "../../src/domain/formats/router-data.ts";
import { openRouterRun } from "../../src/domain/recipes/router/router.ts";
import type { RouterVectors, TrainedRouter } from "../../src/domain/recipes/router/router-job.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { inJob } from "../job.ts";
import { routerSettings, type RouterTuningJob } from "../job-tuned.ts";
import { chooseBackend } from "../ports/backend.ts";
import { openEncoder } from "../ports/encoder.ts";
import { readBytes, sha256, writeWhole } from "../ports/files.ts";
import { saveFolder } from "../ports/trained-folders.ts";
import { embedTexts } from "../ports/vectors.ts";
import type { RunFolder } from "../run/output.ts";
import { pull } from "../run/pull.ts";
import { backendFacts } from "../run/record.ts";
import { signed } from "../run/summary.ts";
import { versionsOf } from "../run/versions.ts";
import { startModel } from "./models.ts";

const SPLIT = { testShare: 0.25, seed: 0 } as const;

interface Ground {
  readonly train: RouterDataset;
  readonly test: RouterDataset;
  readonly model?: Awaited<ReturnType<typeof startModel>>;
  readonly vectors?: { readonly train: RouterVectors; readonly test: RouterVectors };
  readonly embedSeconds: number;
}

/** A router: choices and questions in, what picks among them and its figures out. */
export async function runRouterJob(
  job: RouterTuningJob,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const ground = await layGround(job, root);
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
  try {
    const started = performance.now();
    const router = await learn(job, ground, backend);
    const train = (performance.now() - started) / 1000;
    const judging = performance.now();
    const report = await judged(job, ground, router, backend);
    await folder.begin();
    await writeExports(job, folder.path, router);
    if (report) await writeRows(folder.path, ground.test, report);
    const evaluate = (performance.now() - judging) / 1000;
    const { rows: _rows, ...figures } = report ?? { rows: [] };
    const record = {
      ...{ task: job.task, trainer: job.trainer, kind: router.kind },
      ...{ base: null, tuned: null, delta: null, verdict: "cannot-tell" },
      ...figures,
      choices: router.choices,
      calibration: router.calibration,
      losses: router.losses,
      chosen: { ...routerSettings(job), epochs: router.epochs },
      heldOut: router.heldOut,
      questions: { train: ground.train.examples.length, validation: ground.test.examples.length },
      seconds: { embed: ground.embedSeconds, train, evaluate },
      ...backendFacts(backend, reason),
      versions: versionsOf(root, ground.vectors !== undefined),
      hashes: await hashesOf(job),
      notes: router.notes,
    };
    return { record, summary: summaryOf(report) };
  } finally {
    backend.dispose();
  }
}

async function judged(
  { seed }: RouterTuningJob,
  ground: Ground,
  router: TrainedRouter,
  backend: Backend,
): Promise<RouterReport | undefined> {
  if (ground.test.examples.length === 0) return undefined;
  return judgeRouter(backend, router, ground.test, baseOf(ground), seed);
}

/** Both sides of the data: the files as they are given, or one divided by the seed. */
async function layGround(job: RouterTuningJob, root: string): Promise<Ground> {
  const files = [job.train, ...(job.choices === undefined ? [] : [job.choices])];
  const whole = await inJob(job, "train", () => readFiles(files));
  const judged = job.validation;
  const sides =
    judged === undefined
      ? routerSides({ projectId: "", dataset: whole, split: { ...SPLIT, seed: job.seed } })
      : { train: whole, test: await inJob(job, "validation", () => readFiles([judged])) };
  const test = { choices: sides.train.choices, examples: sides.test.examples };
  if (!learnsOnVectors({ trainer: job.trainer, ...(job.tune ? { tune: job.tune } : {}) })) {
    return { train: sides.train, test, model: await startModel(root, job), embedSeconds: 0 };
  }
  const started = performance.now();
  const encoder = await inJob(job, "model", () => openEncoder(root, job.model, dirname(job.file)));
  try {
    const embed = (dataset: RouterDataset) => vectorsOf(root, encoder, dataset, job.queryInstruction ?? "");
    const vectors = { train: await embed(sides.train), test: await embed(test) };
    return { train: sides.train, test, vectors, embedSeconds: (performance.now() - started) / 1000 };
  } finally {
    await encoder.close();
  }
}

async function readFiles(files: readonly string[]): Promise<RouterDataset> {
  const contents = await Promise.all(files.map(async (name) => ({ name, content: await readBytes(name) })));
  return readRouterData(contents).dataset;
}

async function vectorsOf(
  root: string,
  encoder: Encoder,
  { choices, examples }: RouterDataset,
  instruction: string,
): Promise<RouterVectors> {
  const texts = examples.map(({ text }) => text);
  const queries = await embedTexts(root, encoder, texts, { instruction, label: "questions" });
  const descriptions = choices.map(choiceText);
  return {
    queries,
    choices: await embedTexts(root, encoder, descriptions, { instruction: "", label: "choices" }),
  };
}

async function learn(job: RouterTuningJob, ground: Ground, backend: Backend): Promise<TrainedRouter> {
  const { train: dataset, model, vectors } = ground;
  const parts = { ...(model ? { model } : {}), ...(vectors ? { vectors: vectors.train } : {}) };
  const settings = routerSettings(job);
  const run = await inJob(job, undefined, () =>
    openRouterRun(backend, { settings, dataset, ...parts, encoderName: job.model.split("/").at(-1)! }),
  );
  process.stderr.write(`backend: ${backend.label}\n`);
  try {
    return await pull(run);
  } finally {
    run.dispose();
  }
}

function baseOf({ model, vectors }: Ground): RouterBase {
  return { ...(vectors ? { vectors: vectors.test } : {}), ...(model ? { model } : {}) };
}

async function writeExports(job: RouterTuningJob, out: string, router: TrainedRouter): Promise<void> {
  for (const format of job.export ?? []) {
    const folder = join(out, format);
    if (format === "router") await saveFolder(folder, routerFolder(router));
    if (format === "sentence-transformers" && router.kind === "encoder")
      await saveFolder(folder, sentenceTransformersFolder(router.model));
    if (format === "cross-encoder" && router.kind === "cross-encoder")
      await saveFolder(folder, crossEncoderFolder(router.model));
  }
}

async function writeRows(
  out: string,
  { examples, choices }: RouterDataset,
  { rows }: RouterReport,
): Promise<void> {
  const texts = new Map(examples.map(({ id, text }) => [id, text]));
  const name = (place: number): string => choices[place]!.id;
  const lines = rows.map(({ example, right, base, tuned }) => ({
    example,
    text: texts.get(example),
    right: right.map(name),
    base: base && { ...base, choice: name(base.choice) },
    tuned: { ...tuned, choice: name(tuned.choice) },
  }));
  await writeWhole(join(out, "questions.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

async function hashesOf(job: RouterTuningJob): Promise<Record<string, string>> {
  const files = { job: job.file, train: job.train, choices: job.choices, validation: job.validation };
  const hashes: Record<string, string> = {};
  for (const [name, file] of Object.entries(files)) {
    if (file !== undefined) hashes[name] = sha256(await readBytes(file));
  }
  return hashes;
}

function summaryOf(report: RouterReport | undefined): string {
  if (!report) return "";
  const row = (name: string, figures: RouterReport["base"]): string[] =>
    figures
      ? [
          `${name.padEnd(20)} ${figures.accuracy.toFixed(4)}    ${figures.mrr.toFixed(4)}  ${figures.macroF1.toFixed(4)}`,
        ]
      : [];
  const delta = report.delta?.accuracy;
  const verdict = delta
    ? [
        `tuned − base: ${signed(delta.value)} [${signed(delta.low)}, ${signed(delta.high)}], ${report.verdict}`,
      ]
    : [];
  const head = `${"".padEnd(20)} accuracy  MRR     macro F1`;
  return [head, ...row("base", report.base), ...row("tuned", report.tuned), ...verdict]
    .map((line) => `${line}\n`)
    .join("");
}
