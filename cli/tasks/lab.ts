import { dirname, join } from "node:path";
import { keptDecoder, openPair } from "../../src/app/jobs/lab-kept.ts";
import { ROW_NOTE_TEXTS, type TrainingRows } from "../../src/domain/chat/training-rows.ts";
import { weightsHash } from "../../src/domain/formats/decoder-card.ts";
import type { LanguageModel } from "../../src/domain/generate/language-model.ts";
import { compareAnswers, type LabFigure } from "../../src/domain/lab/compare.ts";
import { answerable } from "../../src/domain/lab/answered.ts";
import type { LabAnswer, LabExample, LabTask } from "../../src/domain/lab/lab-task.ts";
import type { DecoderModel } from "../../src/domain/models/decoder-model.ts";
import { openDecoderRun } from "../../src/domain/recipes/decoder/decoder.ts";
import { decoderRows } from "../../src/domain/recipes/decoder/decoder-rows.ts";
import type { TrainedDecoder } from "../../src/domain/recipes/decoder/decoder-run.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { inJob } from "../job.ts";
import { decoderSettings, type LabJob } from "../job-lab.ts";
import { chooseBackend } from "../ports/backend.ts";
import { openDiskDecoder } from "../ports/decoder.ts";
import { sha256, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { loadLabData, type LabData } from "../run/lab-data.ts";
import { writeLabExports } from "../run/lab-exports.ts";
import {
  answerLines,
  armsRecord,
  comparisonRecord,
  comparisonTable,
  type LabArms,
} from "../run/lab-record.ts";
import { pullDecoder } from "../run/pull-decoder.ts";
import type { RunFolder } from "../run/output.ts";
import { backendFacts } from "../run/record.ts";
import { versionsOf } from "../run/versions.ts";
import type { Asked, LabSystem } from "./lab-system.ts";
import { labSystem } from "./lab-systems.ts";

const MOST_TOKENS = 1024; // of a row, where a job does not say

/** A system of the lab: rows in, an adapter and what base and tuned make of held-out rows out. */
export async function runLabJob(
  job: LabJob,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const system = await labSystem(job, root);
  try {
    return await runSystem(job, system, folder, root);
  } finally {
    await system.close();
  }
}

async function runSystem(
  job: LabJob,
  system: LabSystem,
  folder: RunFolder,
  root: string,
): Promise<{ record: object; summary: string }> {
  const data = await system.prepared(await loadLabData(job, system.task));
  const model = await inJob(job, "model", () => openDiskDecoder(root, job.model, dirname(job.file)));
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
  try {
    const started = performance.now();
    const learnt = await train(job, data, model, backend);
    const judging = performance.now();
    const judged = await judgeTrained(job, data, { model, learnt, backend }, system);
    const evaluated = performance.now();
    await folder.begin();
    await writeResults(job, folder.path, data, { model, learnt, judged });
    await system.write?.(folder.path);
    const seconds = { train: (judging - started) / 1000, evaluate: (evaluated - judging) / 1000 };
    const record = {
      ...recordOf(job, data, { model, learnt, judged }),
      estimate: system.estimate?.(data, model.format) ?? null,
      ...backendFacts(backend, reason),
      ...{ seconds, versions: versionsOf(root, false) },
    };
    return { record, summary: judged.summary };
  } finally {
    backend.dispose();
  }
}

interface Outcome {
  readonly model: DecoderModel;
  readonly learnt: Learnt;
  readonly judged: JudgedLab;
}

function recordOf(job: LabJob, data: LabData, { model, learnt, judged }: Outcome): object {
  const { trained, rows, plan } = learnt;
  return {
    ...{ task: job.task, model: model.name, method: job.method },
    ...judged.record,
    rows: countsOf(data, rows),
    ...{
      plan,
      losses: trained.losses,
      looks: trained.looks,
      chosen: decoderSettings(job),
      step: trained.step,
    },
    hashes: data.hashes,
    notes: [...data.notes, ...rowNotes(rows), ...judged.notes, ...trained.notes],
  };
}

async function writeResults(
  job: LabJob,
  out: string,
  { task, train: learntRows, hashes }: LabData,
  { model, learnt: { trained }, judged }: Outcome,
): Promise<void> {
  await writeLabExports(job, out, {
    ...{ model, learnt: keptDecoder(trained).tuned, system: job.task, metrics: judged.figures },
    facts: { "training rows": learntRows.length, seed: job.seed },
    dataSha256: hashes["train"]!,
  });
  await writeWhole(join(out, "answers.jsonl"), answerLines(task, judged.test, judged.arms, model));
}

async function judgeTrained(
  job: LabJob,
  data: LabData,
  { model, learnt: { trained }, backend }: Pick<Outcome, "model" | "learnt"> & { readonly backend: Backend },
  system: LabSystem,
): Promise<JudgedLab> {
  const pair = await openPair(backend, model, keptDecoder(trained), job.base);
  try {
    return await judge(job, data, { pair, backend, tunedHash: await hashOf(model, trained) }, system);
  } finally {
    pair.dispose();
  }
}

/** SHA-256 of the base's weights and what was learnt. */
async function hashOf({ files }: DecoderModel, { tuned }: TrainedDecoder): Promise<string> {
  const weights = tuned.kind === "lora" ? tuned.adapter.weights : tuned.weights;
  const parts = Array.from(weights, ([name, { values }]) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return `${name} ${sha256(bytes)}`;
  });
  return sha256(new TextEncoder().encode([await weightsHash(files), ...parts].join("\n")));
}

interface Learnt {
  readonly trained: TrainedDecoder;
  readonly rows: TrainingRows;
  readonly plan: object;
}

async function train(job: LabJob, data: LabData, model: DecoderModel, backend: Backend): Promise<Learnt> {
  const { task } = data;
  const maxTokens = job.maxTokens ?? Math.min(MOST_TOKENS, model.config.maxPositions);
  const tokens = (field: string, examples: readonly LabExample[]): Promise<TrainingRows> => {
    const conversations = examples.flatMap((example) => task.conversations(example, model));
    const { learn, tooLong } = job;
    return inJob(job, field, () => decoderRows(model.format, conversations, { learn, tooLong, maxTokens }));
  };
  const rows = await tokens("train", data.train);
  const look = data.look.length > 0 ? await tokens("validation", data.look) : undefined;
  const replay = data.replay.length > 0 ? await tokens("replay.file", data.replay) : undefined;
  const decoderJob = {
    ...{ base: model, rows: rows.rows, settings: decoderSettings(job) },
    ...(look ? { validationRows: look.rows } : {}),
    ...(replay ? { replayRows: replay.rows } : {}),
  };
  const run = await inJob(job, undefined, () => openDecoderRun(backend, decoderJob));
  try {
    const { text, warnings } = await run.measure();
    const { totalSteps, trainedParameters, memory } = run.plan;
    process.stderr.write(`backend: ${backend.label}\n`);
    process.stderr.write(
      `${trainedParameters.toLocaleString("en")} weights, ${totalSteps} steps, ` +
        `${Math.ceil(memory.total / 2 ** 20)} MiB, ${text}\n`,
    );
    for (const warning of [...warnings, ...data.notes]) process.stderr.write(`warning: ${warning}\n`);
    return { trained: await pullDecoder(run), rows, plan: run.plan };
  } finally {
    run.dispose();
  }
}

interface JudgedLab {
  readonly test: readonly LabExample[];
  readonly arms: LabArms;
  readonly figures: readonly LabFigure[];
  readonly record: object;
  readonly summary: string;
  readonly notes: readonly string[];
}

async function judge(
  job: LabJob,
  data: LabData,
  { pair, backend, tunedHash }: Pick<Asked, "pair" | "backend" | "tunedHash">,
  system: LabSystem,
): Promise<JudgedLab> {
  const task = data.task.judgedBy?.(data.train) ?? data.task;
  const { maxNewTokens } = job;
  const limits = maxNewTokens === undefined ? {} : { maxNewTokens };
  const { examples: test, notes } = answerable(task, pair.base, data.test, limits);
  const models: readonly (readonly [string, LanguageModel, boolean])[] = [
    ["base", pair.base, false],
    ["tuned", pair.tuned!, false],
    ...(job.constrained ? ([["baseConstrained", pair.base, true]] as const) : []),
    ...(job.constrained ? ([["tunedConstrained", pair.tuned!, true]] as const) : []),
  ];
  const arms: Record<string, readonly LabAnswer[]> = {};
  for (const [arm, model, constrained] of models) {
    arms[arm] = await ask(task, model, test, arm, { ...limits, constrained, seed: job.seed });
  }
  const compared = compareAnswers(task, test, arms["base"]!, arms["tuned"]!, job.seed);
  const more = await system.further?.({ data: { ...data, test }, pair, arms, task, backend, tunedHash });
  return {
    ...{ test, arms, figures: compared.figures },
    record: {
      ...comparisonRecord(compared),
      constrained: job.constrained ? constrainedRecord(task, test, arms, job.seed) : null,
      ...more?.record,
    },
    summary: comparisonTable(compared) + (more?.summary ?? ""),
    notes: notes.map(({ line, reason }) => `test, line ${line}: ${reason}; left out`),
  };
}

async function ask(
  task: LabTask,
  model: LanguageModel,
  test: readonly LabExample[],
  arm: string,
  settings: { readonly maxNewTokens?: number; readonly constrained: boolean; readonly seed: number },
): Promise<readonly LabAnswer[]> {
  const line = new ProgressLine(`asking ${arm}`);
  const answers = await task.examine(model, test, settings, { onProgress: line.show });
  line.finish(`${answers.length} rows`);
  return answers;
}

/** base, base + constraint, tuned, tuned + constraint, and what tuning brings beside the constraint. */
function constrainedRecord(task: LabTask, test: readonly LabExample[], arms: LabArms, seed: number): object {
  const compared = compareAnswers(task, test, arms["baseConstrained"]!, arms["tunedConstrained"]!, seed);
  return { arms: armsRecord(task, arms), ...comparisonRecord(compared) };
}

function countsOf({ train, look, test, replay }: LabData, rows: TrainingRows): object {
  return {
    ...{ train: train.length, validation: look.length, test: test.length, replay: replay.length },
    ...{ tokens: rows.tokens, learntTokens: rows.learntTokens, longest: rows.longest },
  };
}

/** Notes of rows by kind: how many, and the first of each. */
function rowNotes({ notes }: TrainingRows): readonly string[] {
  const kinds = [...new Set(notes.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const own = notes.filter((note) => note.kind === kind);
    return `conversation ${own[0]!.line} (of ${own.length} such) ${ROW_NOTE_TEXTS[kind]}`;
  });
}
