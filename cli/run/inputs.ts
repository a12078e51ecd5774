import { dirname } from "node:path";
import { leakNotes } from "../../src/domain/data/leaks.ts";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { llamaIndexObstacle } from "../../src/domain/formats/adapter-config-json.ts";
import type { Encoder, EncoderIdentity } from "../../src/domain/ports.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { adapterConfig, inJob, type Job } from "../job.ts";
import { loadDataset, loadVectors, requireDimension, type LoadedDataset } from "../job-data.ts";
import { openEncoder } from "../ports/encoder.ts";
import { embedTexts } from "../ports/vectors.ts";

/** A dataset of the job with its vectors. */
export interface JobSet extends LoadedDataset {
  readonly vectors: JudgedVectors;
}

export interface JobInputs {
  readonly train: JobSet;
  readonly validation: JobSet | undefined;
  /** Whether training, tuned and hybrids use queries after the instruction. */
  readonly instruction: boolean;
  readonly encoder: EncoderIdentity | undefined; // where one ran
  readonly embedSeconds: number;
  readonly notes: readonly string[];
}

/** Loads all files of a job, checks them against each other and embeds what has no given vectors. */
export async function loadInputs(job: Job, root: string): Promise<JobInputs> {
  const train = await loadDataset(job.train, "train");
  const validation =
    job.validation === undefined ? undefined : await loadDataset(job.validation, "validation");
  const given = {
    train: job.vectors && (await loadVectors(job.vectors.train, train, "vectors.train")),
    validation:
      validation && job.vectors?.validation
        ? await loadVectors(job.vectors.validation, validation, "vectors.validation")
        : undefined,
  };
  const started = performance.now();
  const encoder =
    given.train && (!validation || given.validation)
      ? undefined
      : await inJob(job, "model", () => openEncoder(root, job.model!, dirname(job.file)));
  try {
    const embed = (set: LoadedDataset, label: string): Promise<JudgedVectors> =>
      embedSet(root, encoder!, set, { instruction: job.queryInstruction ?? "", label });
    const trainSet = { ...train, vectors: given.train ?? (await embed(train, "train")) };
    const validationSet = validation && {
      ...validation,
      vectors: given.validation ?? (await embed(validation, "validation")),
    };
    requireOneDimension(job, trainSet, validationSet);
    const leaks = validation ? leakNotes(train.dataset, validation.dataset) : [];
    const { instruction, notes } = instructionOf(job, trainSet, validationSet);
    return {
      train: trainSet,
      validation: validationSet,
      instruction,
      notes: [...notes, ...leaks, ...exportNotes(job, trainSet.vectors.corpus.columns)],
      encoder: encoder?.identity,
      embedSeconds: encoder ? (performance.now() - started) / 1000 : 0,
    };
  } finally {
    await encoder?.close();
  }
}

/** Says of an exported adapter that LlamaIndex needs the class beside it. */
function exportNotes(job: Job, features: number): readonly string[] {
  if (!job.export.includes("llamaindex")) return [];
  const config = adapterConfig(job, features);
  const obstacle = llamaIndexObstacle(config);
  const name = config.kind === "two-layer" ? "TwoLayerAdapter" : "CustomAdapter";
  return obstacle ? [`${obstacle}; use ${name} of llamaindex_adapter.py, which comes along.`] : [];
}

/** Vectors of a set: passages and queries as they are, and queries after the job's or the model's own instruction. */
export async function embedSet(
  root: string,
  encoder: Encoder,
  { dataset }: LoadedDataset,
  { instruction, label }: { readonly instruction: string; readonly label: string },
): Promise<JudgedVectors> {
  const questions = dataset.queries.map(({ text }) => text);
  const passages = dataset.passages.map(({ text }) => text);
  const corpus = await embedTexts(root, encoder, passages, { instruction: "", label: `${label} passages` });
  const queries = await embedTexts(root, encoder, questions, { instruction: "", label: `${label} queries` });
  const prefix = instruction || encoder.identity.queryInstruction;
  if (prefix === "") return { queries, corpus };
  const options = { instruction: prefix, label: `${label} queries after the instruction` };
  return { queries, corpus, queriesInstruction: await embedTexts(root, encoder, questions, options) };
}

function requireOneDimension(job: Job, train: JobSet, validation: JobSet | undefined): void {
  if (!validation) return;
  const file = job.vectors?.validation?.corpus ?? validation.file;
  const field = job.vectors?.validation ? "vectors.validation.corpus" : "validation";
  requireDimension(
    validation.vectors.corpus,
    train.vectors.corpus.columns,
    file,
    field,
    "those of the training file",
  );
}

/**
 * Whether the instruction is used. Given vectors may lack the queries after it: then all sets must lack them, the run
 * goes on without, and baseInstruction is null.
 */
function instructionOf(
  job: Job,
  train: JobSet,
  validation: JobSet | undefined,
): { readonly instruction: boolean; readonly notes: readonly string[] } {
  if (!job.queryInstruction) return { instruction: false, notes: [] };
  const has = (set: JobSet | undefined): boolean => set?.vectors.queriesInstruction !== undefined;
  const [trained, judged] = [has(train), validation ? has(validation) : has(train)];
  if (trained !== judged) {
    const lacking = trained ? "vectors.validation.queriesInstruction" : "vectors.train.queriesInstruction";
    throw new RetuneError(
      "usage",
      `${job.file}: field "${lacking}" is missing; with "queryInstruction" set, both sets need queries after it or ` +
        "neither, or training and judging would not match",
      { file: job.file },
    );
  }
  if (trained) return { instruction: true, notes: [] };
  const note =
    '"queryInstruction" is set, but "vectors" has no queriesInstruction: all systems use the queries without it.';
  return { instruction: false, notes: [note] };
}
