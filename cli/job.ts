import { dirname, isAbsolute, resolve } from "node:path";
import * as v from "valibot";
import type { AdapterConfig } from "../src/domain/models/adapter-config.ts";
import { RetuneError } from "../src/engine/errors.ts";

/** The fixed contract of `retune run JOB.json`. Paths are resolved against the job file's folder. */
const path = v.pipe(v.string(), v.nonEmpty("must name a file"));
const count = v.pipe(
  v.number("must be a whole number of at least 1"),
  v.integer("must be a whole number of at least 1"),
  v.minValue(1, "must be a whole number of at least 1"),
);
const positive = v.pipe(
  v.number("must be a number above 0"),
  v.finite("must be a number above 0"),
  v.gtValue(0, "must be a number above 0"),
);
const flag = v.boolean("must be true or false");
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
  model: v.optional(v.pipe(v.string("must be a model's name or a folder"), v.nonEmpty("must name a model"))),
  train: path,
  validation: v.optional(path),
  mode: v.optional(
    v.picklist(["recommended", "compatible"], 'must be "recommended" or "compatible"'),
    "recommended",
  ),
  adapter: v.optional(adapter, { kind: "linear", bias: false }),
  epochs: v.optional(positive),
  batchSize: v.optional(count),
  learningRate: v.optional(positive),
  scale: v.optional(positive),
  alpha: v.optional(positive),
  seed: v.optional(
    v.pipe(
      v.number("must be a whole number from 0 to 4294967295"),
      v.integer("must be a whole number from 0 to 4294967295"),
      v.minValue(0, "must be a whole number from 0 to 4294967295"),
      v.maxValue(4294967295, "must be a whole number from 0 to 4294967295"),
    ),
    0,
  ),
  backend: v.optional(v.picklist(["webgpu", "cpu"], 'must be "webgpu" or "cpu"')),
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
  readonly queryInstruction?: string;
  readonly checkpointSteps?: number;
  readonly export: readonly ("llamaindex" | "safetensors")[];
  readonly vectors?: { readonly train: VectorFiles; readonly validation?: VectorFiles };
}

/** Reads a job from the text of `file`. Throws "usage" with one line that names the file and the field. */
export function parseJob(file: string, text: string): Job {
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
  const result = v.safeParse(jobSchema, value, { abortEarly: true });
  if (!result.success) throw new RetuneError("usage", `${file}: ${describe(result.issues[0])}`, { file });
  const job = resolvePaths(file, result.output);
  requireConsistent(job);
  return job;
}

function describe(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue) ?? "the job";
  const keys = Object.keys(jobSchema.entries).join(", ");
  if (issue.expected === "never") return `unknown field "${field}"; known fields: ${keys}`;
  if (issue.type === "strict_object" && issue.received === "undefined") return `field "${field}" is missing`;
  if (issue.received === "undefined") return `field "${field}" is missing`;
  const received = typeof issue.input === "object" ? issue.received : JSON.stringify(issue.input);
  const message = issue.message.startsWith("Invalid")
    ? `must be ${issue.expected ?? "valid"}`
    : issue.message;
  return `field "${field}" ${message}, got ${received ?? "nothing"}`;
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

/** A name without a slash stays a name; anything else is a folder. */
function modelPath(model: string, at: (relative: string) => string): string {
  return model.includes("/") || model.startsWith(".") || isAbsolute(model) ? at(model) : model;
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
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
export async function inJob<T>(job: Job, field: string | undefined, part: () => T | Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    if (!(error instanceof RetuneError) || error.message.includes(job.file)) throw error;
    const where = field === undefined ? job.file : `${job.file}: field "${field}"`;
    throw new RetuneError(error.code, `${where}: ${error.message}`, error.place, { cause: error });
  }
}
