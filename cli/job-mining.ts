import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { PEER_DEFAULTS, type MiningSettings } from "../src/domain/data/mining/settings.ts";
import { MINED_FORMATS } from "../src/domain/data/mining/mined-rows.ts";
import type { CrossEncoderSettings } from "../src/domain/recipes/cross-encoder/cross-encoder-job.ts";
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
  picklist,
  positive,
  withoutUndefined,
} from "./job-fields.ts";

// Jobs about negatives: mining them, and what re-rankers learn from them.

const whole = v.pipe(
  v.number("must be a whole number from 0"),
  v.integer("must be a whole number from 0"),
  v.minValue(0, "must be a whole number from 0"),
);
const score = v.pipe(v.number("must be a number"), v.finite("must be a number"));

/** Every choice of sentence-transformers' mine_hard_negatives, with its defaults; `random` is ours. */
export const miningFields = v.strictObject({
  negatives: v.optional(whole),
  random: v.optional(whole),
  rangeMin: v.optional(whole),
  rangeMax: v.optional(count),
  sampling: v.optional(picklist(["top", "random"])),
  minScore: v.optional(score),
  maxScore: v.optional(score),
  absoluteMargin: v.optional(score),
  relativeMargin: v.optional(score),
  includePositives: v.optional(flag),
});

const cohere = v.strictObject({
  method: picklist(["none", "random", "cosine"]),
  negatives: v.optional(whole, 5),
  mode,
});
const mineJob = v.strictObject({
  task: v.literal("mine"),
  train: path,
  retriever: v.optional(model),
  search: v.optional(picklist(["hybrid", "dense", "bm25"])),
  queryInstruction: v.optional(v.string("must be a text")),
  mining: v.optional(miningFields, {}),
  crossEncoder: v.optional(model),
  formats: v.optional(v.array(picklist(MINED_FORMATS), "must be a list"), []),
  scores: v.optional(flag, false),
  cohere: v.optional(cohere),
  ...machine,
});
const armsJob = v.strictObject({
  task: v.literal("rerank-arms"),
  train: path,
  validation: path,
  model,
  base: v.optional(model),
  retriever: model,
  search: v.optional(picklist(["hybrid", "dense"]), "dense"),
  retrieve: v.optional(count, 10),
  keep: v.optional(count, 5),
  negatives: v.optional(count, 5),
  mode,
  loss: v.optional(picklist(["bce", "listwise"])),
  epochs: v.optional(positive),
  batchSize: v.optional(count),
  learningRate: v.optional(positive),
  maxTokens: v.optional(count),
  ...machine,
});

export const MINING_JOBS = { mine: mineJob, "rerank-arms": armsJob };

interface Resolved {
  readonly file: string;
  readonly train: string;
  readonly backend?: "webgpu" | "cpu";
  readonly threads?: number;
}

export type MineJob = v.InferOutput<typeof mineJob> & Resolved;
export type RerankArmsJob = v.InferOutput<typeof armsJob> & Resolved;
export type MiningJob = MineJob | RerankArmsJob;

/** Reads a job about negatives. Throws "usage" with one line that names the file and the field. */
export function parseMiningJob(file: string, value: { readonly task: keyof typeof MINING_JOBS }): MiningJob {
  const raw = checkedJob(file, MINING_JOBS[value.task], value);
  const at = (relative: string): string => resolve(dirname(resolve(file)), relative);
  const places = Object.fromEntries(
    Object.entries(raw).flatMap(([name, given]) => {
      if (typeof given !== "string") return [];
      if (name === "train" || name === "validation") return [[name, at(given)]];
      const named = ["retriever", "model", "base", "crossEncoder"].includes(name);
      return named ? [[name, modelPath(given, at)]] : [];
    }),
  );
  const job = withoutUndefined({ ...raw, ...places, file: resolve(file) }) as MiningJob;
  if (job.task === "mine") requireRetriever(job);
  return job;
}

function requireRetriever({ file, retriever, search, cohere: written }: MineJob): void {
  if (retriever !== undefined) return;
  const needs = search === "hybrid" || search === "dense" ? `"search": "${search}"` : undefined;
  const reason = needs ?? (written?.method === "cosine" ? '"cohere": {"method": "cosine"}' : undefined);
  if (reason === undefined) return;
  throw new RetuneError("usage", `${file}: field "retriever" is missing; ${reason} needs vectors`, { file });
}

/** The settings of a job's `mining`, with sentence-transformers' defaults where a field is absent. */
export function miningSettings(mining: v.InferOutput<typeof miningFields>, jobSeed: number): MiningSettings {
  return { ...PEER_DEFAULTS, ...withoutUndefined(mining), seed: jobSeed };
}

export function armsTraining(job: RerankArmsJob): CrossEncoderSettings {
  const { loss, epochs, batchSize, learningRate, maxTokens, seed: own } = job;
  const chosen = { loss, epochs, batchSize, learningRate, maxTokens };
  return { ...withoutUndefined(chosen), mode: "recommended", seed: own };
}
