import { dirname, resolve } from "node:path";
import * as v from "valibot";
import type { CrossEncoderSettings } from "../src/domain/recipes/cross-encoder/cross-encoder-job.ts";
import {
  ENCODER_LOSSES,
  type EncoderLoss,
  type EncoderSettings,
} from "../src/domain/recipes/encoder/encoder-job.ts";
import type { RouterSettings } from "../src/domain/recipes/router/router-job.ts";
import { miningFields } from "./job-mining.ts";
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
  share,
  withoutUndefined,
} from "./job-fields.ts";

// Jobs of the tasks that train a model: encoder, lora, cross-encoder, router.

const texts = v.array(v.string("must be a list of texts"), "must be a list of texts");

const lossFields = v.strictObject({
  kind: picklist(ENCODER_LOSSES),
  scale: v.optional(positive),
  distance: v.optional(picklist(["euclidean", "cosine"])),
  margin: v.optional(positive),
  temperature: v.optional(positive),
});

const shared = {
  model,
  train: path,
  validation: v.optional(path),
  ...machine,
  epochs: v.optional(positive),
  batchSize: v.optional(count),
  learningRate: v.optional(positive),
};

const encoder = {
  ...shared,
  mode,
  queryInstruction: v.optional(v.string("must be a text")),
  loss: v.optional(v.union([picklist(ENCODER_LOSSES), lossFields], 'must be a loss\'s name or {"kind": …}')),
  matryoshka: v.optional(v.array(count, "must be a list of dimensions")),
  anchors: v.optional(texts),
  anchorWeight: v.optional(positive),
  negatives: v.optional(path),
  mining: v.optional(miningFields),
  negativesPerQuestion: v.optional(count),
  weightDecay: v.optional(v.pipe(v.number("must be at least 0"), v.minValue(0, "must be at least 0"))),
  warmup: v.optional(share),
  clip: v.optional(positive),
  dropout: v.optional(flag),
  maxTokens: v.optional(count),
  recomputation: v.optional(flag),
  miniBatch: v.optional(count),
  holdOut: v.optional(
    v.union(
      [
        v.literal("none"),
        v.strictObject({
          share: v.optional(share),
          every: v.optional(share),
          patience: v.optional(count),
        }),
      ],
      'must be "none" or {"share", "every", "patience"}',
    ),
  ),
};

const lora = v.strictObject({
  rank: v.optional(count),
  alpha: v.optional(positive),
  rsLora: v.optional(flag),
  targets: v.optional(
    v.union([v.literal("all-linear"), texts], 'must be "all-linear" or a list of layer names'),
  ),
  dropout: v.optional(share),
  frozen: v.optional(picklist(["f32", "f16"])),
});

const exportsOf = <const Names extends readonly [string, ...string[]]>(names: Names, silent: Names[number]) =>
  v.optional(v.array(picklist(names), "must be a list"), [silent]);

const ENCODER_EXPORTS = ["sentence-transformers", "onnx", "cluster"] as const;

const encoderJob = v.strictObject({
  task: v.literal("encoder"),
  ...encoder,
  export: exportsOf(ENCODER_EXPORTS, "sentence-transformers"),
});
const loraJob = v.strictObject({
  task: v.literal("lora"),
  ...encoder,
  lora: v.optional(lora),
  export: exportsOf(["peft", ...ENCODER_EXPORTS], "peft"),
});
const crossEncoderJob = v.strictObject({
  task: v.literal("cross-encoder"),
  ...shared,
  mode,
  loss: v.optional(picklist(["bce", "listwise", "margin-mse"])),
  weightDecay: encoder.weightDecay,
  positiveWeight: v.optional(v.union([v.literal("balanced"), positive], 'must be a number or "balanced"')),
  maxTokens: v.optional(count),
  retriever: v.optional(model),
  negatives: v.optional(path),
  mining: v.optional(miningFields),
  depth: v.optional(count),
  forceGold: v.optional(flag),
  export: exportsOf(["cross-encoder", "onnx"], "cross-encoder"),
});
const routerJob = v.strictObject({
  task: v.literal("router"),
  ...shared,
  choices: v.optional(path),
  trainer: v.optional(picklist(["embedding", "cross-encoder", "softmax"]), "embedding"),
  tune: v.optional(picklist(["adapter", "encoder"])),
  scale: v.optional(positive),
  negatives: v.optional(count),
  precision: v.optional(share),
  queryInstruction: v.optional(v.string("must be a text")),
  export: exportsOf(["router", "sentence-transformers", "cross-encoder"], "router"),
});

export const TUNED_JOBS = {
  encoder: encoderJob,
  lora: loraJob,
  "cross-encoder": crossEncoderJob,
  router: routerJob,
};

interface Resolved {
  readonly file: string;
  readonly train: string;
  readonly validation?: string;
  readonly model: string;
  readonly backend?: "webgpu" | "cpu";
  readonly threads?: number;
}

export type EncoderTuningJob = (v.InferOutput<typeof encoderJob> | v.InferOutput<typeof loraJob>) & Resolved;
export type CrossEncoderTuningJob = v.InferOutput<typeof crossEncoderJob> & Resolved;
export type RouterTuningJob = v.InferOutput<typeof routerJob> & Resolved;
export type TunedJob = EncoderTuningJob | CrossEncoderTuningJob | RouterTuningJob;

/** Reads the job of a task that trains a model. Throws "usage" with one line that names the file and the field. */
export function parseTunedJob(file: string, value: { readonly task: keyof typeof TUNED_JOBS }): TunedJob {
  const raw = checkedJob(file, TUNED_JOBS[value.task], value);
  const at = (relative: string): string => resolve(dirname(resolve(file)), relative);
  const paths = Object.fromEntries(
    (["train", "validation", "negatives", "choices"] as const).flatMap((field) => {
      const given = (raw as Partial<Record<typeof field, unknown>>)[field];
      return typeof given === "string" ? [[field, at(given)]] : [];
    }),
  );
  const retriever = "retriever" in raw && raw.retriever ? { retriever: modelPath(raw.retriever, at) } : {};
  return withoutUndefined({
    ...raw,
    ...paths,
    ...retriever,
    model: modelPath(raw.model, at),
    file: resolve(file),
  }) as TunedJob;
}

export function encoderSettings(job: EncoderTuningJob): EncoderSettings {
  const { task, mode, loss, matryoshka, holdOut, seed: own } = job;
  const chosen = {
    ...picked(job, ["epochs", "batchSize", "learningRate", "negativesPerQuestion", "weightDecay", "warmup"]),
    ...picked(job, ["clip", "dropout", "maxTokens", "recomputation", "miniBatch", "anchorWeight"]),
  };
  return withoutUndefined({
    ...{ recipe: task, mode, seed: own },
    ...chosen,
    loss: (typeof loss === "string" ? { kind: loss } : loss) as EncoderLoss | undefined,
    matryoshka: matryoshka && { dimensions: matryoshka },
    lora: "lora" in job ? job.lora : undefined,
    validation: holdOut,
  }) as unknown as EncoderSettings;
}

export function crossEncoderSettings(job: CrossEncoderTuningJob): CrossEncoderSettings {
  const { mode, seed: own } = job;
  return withoutUndefined({
    ...{ mode, seed: own },
    ...picked(job, [
      "loss",
      "epochs",
      "batchSize",
      "learningRate",
      "weightDecay",
      "positiveWeight",
      "maxTokens",
    ]),
  }) as unknown as CrossEncoderSettings;
}

export function routerSettings(job: RouterTuningJob): RouterSettings {
  const { trainer, seed: own } = job;
  return withoutUndefined({
    ...{ trainer, seed: own },
    ...picked(job, ["tune", "epochs", "batchSize", "learningRate", "scale", "negatives", "precision"]),
    ...picked(job, ["queryInstruction"]),
  }) as unknown as RouterSettings;
}

function picked<Job extends object>(job: Job, names: readonly (keyof Job & string)[]): object {
  return Object.fromEntries(names.map((name) => [name, job[name]]));
}
