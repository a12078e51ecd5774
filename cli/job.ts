import { dirname, resolve } from "node:path";
import * as v from "valibot";
import type { AdapterConfig } from "../src/domain/models/adapter-config.ts";
import { RetuneError } from "../src/engine/errors.ts";
import {
  checkedJob,
  count,
  flag,
  machine,
  mode,
  model,
  modelPath,
  path,
  positive,
  withoutUndefined,
} from "./job-fields.ts";
import { isLabTask, LAB_JOBS, parseLabJob } from "./job-lab.ts";
import type { LabJob } from "./job-lab.ts";
import { MINING_JOBS, parseMiningJob } from "./job-mining.ts";
import type { MiningJob } from "./job-mining.ts";
import { TUNED_JOBS, parseTunedJob } from "./job-tuned.ts";
import type { TunedJob } from "./job-tuned.ts";

/** The fixed contract of `retune run JOB.json` for adapters; those of other tasks: job-tuned.ts. */
const activation = v.picklist(
  ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "identity"],
  'must be "relu", "tanh", "sigmoid", "leaky_relu", "gelu" or "identity"',
);

const linear = v.strictObject({ kind: v.literal("linear"), bias: v.optional(flag, false) });
const twoLayer = v.strictObject({
  kind: v.literal("two-layer"),
  hiddenFeatures: v.optional(count, 1024),
  activation: v.optional(activation, "relu"),
  bias: v.optional(flag, true),
  residual: v.optional(flag, true),
});
const layer = v.strictObject({
  features: count,
  activation: v.optional(activation, "identity"),
  bias: v.optional(flag, true),
});
const custom = v.strictObject({
  kind: v.literal("custom"),
  layers: v.pipe(v.array(layer, "must be a list of layers"), v.minLength(1, "must hold at least one layer")),
  residual: v.optional(flag, false),
});
const adapter = v.variant("kind", [linear, twoLayer, custom], (issue) =>
  issue.expected === "Object"
    ? "must be an object"
    : 'must be {"kind": "linear" | "two-layer" | "custom", …}',
);

const trainVectors = v.strictObject({
  queries: path,
  queriesInstruction: v.optional(path),
  corpus: path,
});

const jobSchema = v.strictObject({
  task: v.literal("adapter", 'must be "adapter"'),
  model: v.optional(model),
  train: path,
  validation: v.optional(path),
  mode,
  adapter: v.optional(adapter, { kind: "linear", bias: false }),
  epochs: v.optional(positive),
  batchSize: v.optional(count),
  learningRate: v.optional(positive),
  scale: v.optional(positive),
  alpha: v.optional(positive),
  ...machine,
  queryInstruction: v.optional(v.string("must be a text")),
  checkpointSteps: v.optional(count),
  export: v.optional(
    v.array(
      v.picklist(["llamaindex", "safetensors"], 'may hold "llamaindex" and "safetensors"'),
      "must be a list",
    ),
    ["llamaindex", "safetensors"],
  ),
  vectors: v.optional(v.strictObject({ train: trainVectors, validation: v.optional(trainVectors) })),
});

type RawJob = v.InferOutput<typeof jobSchema>;
type RawAdapter = RawJob["adapter"];

export interface VectorFiles {
  readonly queries: string;
  readonly queriesInstruction?: string;
  readonly corpus: string;
}

/** A validated job; all paths absolute. */
export interface Job {
  readonly file: string;
  readonly model?: string; // a known name or an absolute folder
  readonly train: string;
  readonly validation?: string;
  readonly mode: "recommended" | "compatible";
  readonly adapter: RawAdapter;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly scale?: number;
  readonly alpha?: number;
  readonly seed: number;
  readonly backend?: "webgpu" | "cpu";
  readonly threads?: number; // of the CPU backend
  readonly queryInstruction?: string;
  readonly checkpointSteps?: number;
  readonly export: readonly ("llamaindex" | "safetensors")[];
  readonly vectors?: { readonly train: VectorFiles; readonly validation?: VectorFiles };
}

const TASKS = ["adapter", ...Object.keys(TUNED_JOBS), ...Object.keys(MINING_JOBS), ...LAB_JOBS];

/** A job of any task. */
export type AnyJob = (Job & { readonly task: "adapter" }) | TunedJob | MiningJob | LabJob;

/** Reads a job from the text of `file`. Throws "usage" with one line that names the file and the field. */
export function parseJob(file: string, text: string): AnyJob {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RetuneError("usage", `${file} is no valid JSON: ${reason}`, { file });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RetuneError("usage", `${file}: the job must be an object like {"task": "adapter", …}`, {
      file,
    });
  }
  const { task } = value as { readonly task?: unknown };
  if (typeof task === "string" && Object.hasOwn(TUNED_JOBS, task)) {
    return parseTunedJob(file, { ...value, task: task as keyof typeof TUNED_JOBS });
  }
  if (typeof task === "string" && Object.hasOwn(MINING_JOBS, task)) {
    return parseMiningJob(file, { ...value, task: task as keyof typeof MINING_JOBS });
  }
  if (typeof task === "string" && isLabTask(task)) return parseLabJob(file, { ...value, task });
  if (typeof task === "string" && task !== "adapter") {
    const known = TASKS.map((name) => `"${name}"`).join(", ");
    throw new RetuneError(
      "usage",
      `${file}: field "task" must be one of ${known}, got ${JSON.stringify(task)}`,
      {
        file,
      },
    );
  }
  const job = resolvePaths(file, checkedJob(file, jobSchema, value));
  requireConsistent(job);
  return { ...job, task: "adapter" };
}

function resolvePaths(file: string, raw: RawJob): Job {
  const folder = dirname(resolve(file));
  const at = (relative: string): string => resolve(folder, relative);
  const { task: _task, model, train, validation, vectors, ...rest } = raw;
  const files = (group: VectorFiles): VectorFiles => ({
    queries: at(group.queries),
    ...(group.queriesInstruction === undefined ? {} : { queriesInstruction: at(group.queriesInstruction) }),
    corpus: at(group.corpus),
  });
  return withoutUndefined({
    ...rest,
    file: resolve(file),
    train: at(train),
    ...(model === undefined ? {} : { model: modelPath(model, at) }),
    ...(validation === undefined ? {} : { validation: at(validation) }),
    ...(vectors === undefined
      ? {}
      : {
          vectors: {
            train: files(vectors.train as VectorFiles),
            ...(vectors.validation === undefined
              ? {}
              : { validation: files(vectors.validation as VectorFiles) }),
          },
        }),
  }) as Job;
}

function requireConsistent(job: Job): void {
  const fail = (message: string): never => {
    throw new RetuneError("usage", `${job.file}: ${message}`, { file: job.file });
  };
  const covered =
    job.vectors !== undefined && (job.validation === undefined || job.vectors.validation !== undefined);
  if (!covered && job.model === undefined) {
    fail('field "model" is missing; it may only be left out where "vectors" has all vectors of the job');
  }
  if (job.vectors?.validation !== undefined && job.validation === undefined) {
    fail('field "vectors.validation" is given without "validation"');
  }
}

/** The adapter of a job for vectors of `features` dimensions. Throws "usage" where a custom stack does not close. */
export function adapterConfig(job: Job, features: number): AdapterConfig {
  const { adapter: raw } = job;
  if (raw.kind !== "custom") return { ...raw, features };
  const last = raw.layers.at(-1)!;
  if (last.features !== features) {
    throw new RetuneError(
      "usage",
      `${job.file}: field "adapter.layers.${raw.layers.length - 1}.features" must be ${features}, the dimension of ` +
        `the vectors, because documents are not transformed; got ${last.features}`,
      { file: job.file },
    );
  }
  return { ...raw, features };
}

/** Runs a part of a job; what it refuses is told with the job's file (and field) in front. */
export async function inJob<T>(
  job: { readonly file: string },
  field: string | undefined,
  part: () => T | Promise<T>,
): Promise<T> {
  try {
    return await part();
  } catch (error) {
    if (!(error instanceof RetuneError) || error.message.includes(job.file)) throw error;
    const where = field === undefined ? job.file : `${job.file}: field "${field}"`;
    throw new RetuneError(error.code, `${where}: ${error.message}`, error.place, { cause: error });
  }
}
