import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { RetuneError } from "../src/engine/errors.ts";
import { LAB_TASK_IDS } from "../src/domain/lab/registry.ts";
import type { LabTaskId } from "../src/domain/lab/lab-task.ts";
import type { DecoderSettings } from "../src/domain/recipes/decoder/decoder-job.ts";
import {
  checkedJob,
  count,
  flag,
  machine,
  model,
  modelPath,
  path,
  picklist,
  positive,
  share,
  withoutUndefined,
} from "./job-fields.ts";

// Jobs of the LLM lab: ten systems, one form.

const openShare = v.pipe(
  v.number("must be a number above 0 and below 1"),
  v.gtValue(0, "must be a number above 0 and below 1"),
  v.ltValue(1, "must be a number above 0 and below 1"),
);
const names = v.array(v.string("must be a list of layer names"), "must be a list of layer names");

const lora = v.strictObject({
  rank: v.optional(count),
  alpha: v.optional(positive),
  rsLora: v.optional(flag),
  targets: v.optional(
    v.union([v.literal("all-linear"), names], 'must be "all-linear" or a list of layer names'),
  ),
  layers: v.optional(v.union([v.literal("all"), count], 'must be "all" or how many layers from the top')),
  dropout: v.optional(share),
});

const replay = v.strictObject({ file: path, share: v.optional(openShare) });

const EXPORTS = ["peft", "merged", "gguf"] as const;

const common = {
  model,
  train: path,
  validation: v.optional(path),
  test: v.optional(path),
  testShare: v.optional(openShare),
  testRows: v.optional(count),
  ...machine,
  method: v.optional(picklist(["lora", "full"]), "lora"),
  lora: v.optional(lora),
  base: v.optional(picklist(["f32", "f16", "q8", "q4"])),
  epochs: v.optional(positive),
  steps: v.optional(count),
  batchSize: v.optional(count),
  batchTokens: v.optional(count),
  accumulate: v.optional(count),
  learningRate: v.optional(positive),
  warmup: v.optional(share),
  warmupSteps: v.optional(v.pipe(v.number("must be at least 0"), v.minValue(0, "must be at least 0"))),
  decayFrom: v.optional(share),
  epsilon: v.optional(positive),
  weightDecay: v.optional(v.pipe(v.number("must be at least 0"), v.minValue(0, "must be at least 0"))),
  clip: v.optional(positive),
  order: v.optional(picklist(["packed", "buckets", "shuffled", "in-order"])),
  betas: v.optional(v.tuple([openShare, openShare], "must be two numbers below 1")),
  recomputation: v.optional(flag),
  learn: v.optional(picklist(["answers", "last-answer", "everything"]), "answers"),
  maxTokens: v.optional(count),
  maxNewTokens: v.optional(count),
  tooLong: v.optional(picklist(["leave-out", "cut-end"]), "leave-out"),
  skipBadRows: v.optional(flag, false),
  replay: v.optional(replay),
  constrained: v.optional(flag, false),
  pricePerMillion: v.optional(positive),
  export: v.optional(v.array(v.picklist(EXPORTS, 'may hold "peft", "merged" and "gguf"'), "must be a list"), [
    "peft",
  ]),
};

const searching = {
  passages: v.optional(path),
  retriever: v.optional(model),
  topK: v.optional(count),
};

const retrieval = v.strictObject({
  temperature: v.optional(positive),
  retrieverTemperature: v.optional(positive),
  candidates: v.optional(count),
  epochs: v.optional(count),
  learningRate: v.optional(positive),
});

const schemas = {
  plain: v.strictObject({ task: v.picklist(LAB_TASK_IDS), ...common }),
  sft: v.strictObject({
    task: v.literal("sft"),
    ...common,
    encoder: v.optional(model),
    judge: v.optional(model),
  }),
  style: v.strictObject({ task: v.literal("style"), ...common, encoder: v.optional(model) }),
  react: v.strictObject({ task: v.literal("react"), ...common, tools: v.optional(path) }),
  sql: v.strictObject({
    task: v.literal("text-to-sql"),
    ...common,
    template: v.optional(picklist(["chat", "powerful"])),
  }),
  code: v.strictObject({ task: v.literal("code"), ...common, grammar: v.optional(path) }),
  memorise: v.strictObject({ task: v.literal("memorise"), ...common, ...searching }),
  radit: v.strictObject({
    task: v.literal("ra-dit"),
    ...common,
    ...searching,
    retrieval: v.optional(retrieval),
  }),
};

type RawLabJob = Omit<v.InferOutput<typeof schemas.plain>, "task" | "export">;
type RawExport = Partial<Pick<LabJob, "export">>;
type Searching = Pick<v.InferOutput<typeof schemas.radit>, "passages" | "retriever" | "topK" | "retrieval">;

/** A validated job of the lab; all paths absolute. */
export type LabJob = RawLabJob &
  Searching & {
    readonly task: LabTaskId;
    readonly file: string;
    readonly encoder?: string; // of answer relevancy (sft), of meaning kept (style)
    readonly judge?: string; // of faithfulness (sft)
    readonly tools?: string; // of agents whose traces do not define them (react)
    readonly template?: "chat" | "powerful"; // how questions are put (text-to-sql)
    readonly grammar?: string; // EBNF file of a code's language (code)
    readonly export: readonly (typeof EXPORTS)[number][];
  };

export const LAB_JOBS: readonly string[] = LAB_TASK_IDS;

export function isLabTask(task: string): task is LabTaskId {
  return LAB_JOBS.includes(task);
}

/** Reads the job of a system of the lab. Throws "usage" with one line that names the file and the field. */
export function parseLabJob(file: string, value: { readonly task: LabTaskId }): LabJob {
  const raw = checkedJob(file, schemaOf(value.task), value) as RawLabJob &
    Searching &
    RawExport & { encoder?: string; judge?: string; tools?: string; grammar?: string };
  const exported = raw.export ?? [raw.method === "full" ? "merged" : "peft"];
  if (raw.method === "full" && exported.some((format) => format !== "merged")) {
    const what = 'field "export" may only hold "merged" where "method" is "full": there is no adapter then';
    throw new RetuneError("usage", `${file}: ${what}`, { file });
  }
  const at = (relative: string): string => resolve(dirname(resolve(file)), relative);
  const paths = Object.fromEntries(
    (["train", "validation", "test", "passages", "tools", "grammar"] as const).flatMap((field) => {
      const given = raw[field];
      return given === undefined ? [] : [[field, at(given)]];
    }),
  );
  const models = Object.fromEntries(
    (["model", "retriever", "encoder", "judge"] as const).flatMap((field) => {
      const given = raw[field];
      return given === undefined ? [] : [[field, modelPath(given, at)]];
    }),
  );
  const given = raw.replay && { ...raw.replay, file: at(raw.replay.file) };
  return withoutUndefined({
    ...raw,
    ...paths,
    ...models,
    replay: given,
    export: exported,
    task: value.task,
    file: resolve(file),
  }) as LabJob;
}

function schemaOf(task: LabTaskId) {
  if (task === "sft") return schemas.sft;
  if (task === "style") return schemas.style;
  if (task === "react") return schemas.react;
  if (task === "text-to-sql") return schemas.sql;
  if (task === "code") return schemas.code;
  if (task === "memorise") return schemas.memorise;
  return task === "ra-dit" ? schemas.radit : schemas.plain;
}

/** What a training takes from a job; what is not there is the recipe's default. */
export function decoderSettings(job: LabJob): DecoderSettings {
  const { method, lora: shape, base, replay: again, seed } = job;
  const { epochs, steps, batchSize, batchTokens, accumulate, learningRate, warmup, weightDecay, clip } = job;
  const { order, betas, recomputation, warmupSteps, decayFrom, epsilon } = job;
  return withoutUndefined({
    ...{ method, seed, epochs, steps, batchSize, batchTokens, accumulate },
    ...{ learningRate, warmup, weightDecay, clip, order, betas, recomputation },
    ...{ warmupSteps, decayFrom, epsilon },
    lora: shape && withoutUndefined(shape),
    frozen: base,
    replayShare: again?.share,
  }) as unknown as DecoderSettings;
}
