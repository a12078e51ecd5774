import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { crossEncoderSettings, encoderSettings, routerSettings } from "../../cli/job-tuned.ts";
import { adapterConfig, parseJob, type AnyJob } from "../../cli/job.ts";
import { isLabTask } from "../../cli/job-lab.ts";
import { jobFileOf } from "../../src/app/page/job-file.ts";
import type { RunRecord } from "../../src/app/storage/records.ts";
import { RetuneError } from "../../src/engine/errors.ts";

const MINIMAL = { task: "adapter", model: "bge-small-en-v1.5", train: "train.json" };

type AdapterJob = Extract<AnyJob, { readonly task: "adapter" }>;

function parse(job: object | string): AdapterJob {
  const text = typeof job === "string" ? job : JSON.stringify(job);
  const parsed = parseJob("/data/job.json", text);
  if (parsed.task !== "adapter") throw new Error(`a job of the task ${parsed.task}`);
  return parsed;
}

function complaint(job: object | string): string {
  try {
    parseJob("/data/job.json", typeof job === "string" ? job : JSON.stringify(job));
  } catch (error) {
    if (error instanceof RetuneError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("a minimal job gets the defaults of the contract", () => {
  const job = parse(MINIMAL);
  expect(job.mode).toBe("recommended");
  expect(job.seed).toBe(0);
  expect(job.adapter).toEqual({ kind: "linear", bias: false });
  expect(job.export).toEqual(["llamaindex", "safetensors"]);
  expect(job).not.toHaveProperty("epochs");
  expect(job).not.toHaveProperty("queryInstruction");
});

test("paths are relative to the job file; a bare model name stays a name", () => {
  const vectors = { train: { queries: "v/q.npy", corpus: "/abs/c.npy" } };
  const job = parse({ ...MINIMAL, train: "sub/train.json", vectors });
  expect(job.train).toBe("/data/sub/train.json");
  expect(job.model).toBe("bge-small-en-v1.5");
  expect(job.vectors?.train.queries).toBe("/data/v/q.npy");
  expect(job.vectors?.train.corpus).toBe("/abs/c.npy");
  expect(parse({ ...MINIMAL, model: "./models/mine" }).model).toBe("/data/models/mine");
});

test("a trailing space of the instruction is kept", () => {
  expect(parse({ ...MINIMAL, queryInstruction: "query: " }).queryInstruction).toBe("query: ");
});

test.each([
  ["an unknown field", { ...MINIMAL, learning_rate: 1 }, 'unknown field "learning_rate"'],
  [
    "an unknown nested field",
    { ...MINIMAL, adapter: { kind: "linear", rank: 4 } },
    'unknown field "adapter.rank"',
  ],
  ["a missing field", { task: "adapter", model: "m" }, 'field "train" is missing'],
  ["a wrong type", { ...MINIMAL, epochs: "four" }, 'field "epochs" must be a number above 0, got "four"'],
  [
    "a fraction",
    { ...MINIMAL, batchSize: 2.5 },
    'field "batchSize" must be a whole number of at least 1, got 2.5',
  ],
  [
    "a wrong mode",
    { ...MINIMAL, mode: "fast" },
    'field "mode" must be "recommended" or "compatible", got "fast"',
  ],
  [
    "a wrong task",
    { ...MINIMAL, task: "encode" },
    'field "task" must be one of "adapter", "encoder", "lora"',
  ],
  ["a wrong adapter", { ...MINIMAL, adapter: { kind: "lora" } }, 'field "adapter.kind" must be'],
  ["an adapter that is no object", { ...MINIMAL, adapter: "linear" }, 'field "adapter" must be'],
  [
    "a wrong activation",
    { ...MINIMAL, adapter: { kind: "two-layer", activation: "swish" } },
    'field "adapter.activation"',
  ],
  [
    "a wrong export",
    { ...MINIMAL, export: ["onnx"] },
    'field "export.0" may hold "llamaindex" and "safetensors", got "onnx"',
  ],
  ["a negative seed", { ...MINIMAL, seed: -1 }, 'field "seed" must be a whole number from 0'],
  ["an empty path", { ...MINIMAL, train: "" }, 'field "train" must name a file'],
  ["no model without vectors", { task: "adapter", train: "t.json" }, 'field "model" is missing'],
  ["a list", [], "must be"],
])("%s is refused by name", (_, job, text) => {
  const found = complaint(job);
  expect(found).toMatch(/^usage: \/data\/job\.json: /);
  expect(found).toContain(text);
  expect(found).not.toContain("\n");
});

test("text that is no JSON is refused with the reason", () => {
  expect(complaint("{task: 1}")).toMatch(/^usage: \/data\/job\.json is no valid JSON: /);
});

test("no model is needed where all vectors are given", () => {
  const part = { queries: "q.npy", corpus: "c.npy" };
  const job = {
    task: "adapter",
    train: "t.json",
    validation: "v.json",
    vectors: { train: part, validation: part },
  };
  expect(complaint(job)).toBe("accepted");
  expect(complaint({ ...job, vectors: { train: part } })).toContain('field "model" is missing');
});

test("a custom stack must give back the dimension of the vectors", () => {
  const job = parse({
    ...MINIMAL,
    adapter: { kind: "custom", layers: [{ features: 8, activation: "relu" }] },
  });
  expect(() => adapterConfig(job, 16)).toThrow(/"adapter\.layers\.0\.features" must be 16/);
  expect(adapterConfig(job, 8)).toMatchObject({ kind: "custom", features: 8, residual: false });
});

test("a run copied from the page is a job that runs the same settings", () => {
  const adapter = { kind: "two-layer", features: 384, hiddenFeatures: 64, activation: "tanh" } as const;
  const settings = {
    mode: "recommended" as const,
    adapter: { ...adapter, residual: true, bias: true },
    epochs: 7,
    seed: 3,
    queryInstruction: "query: ",
  };
  const recipe = { task: "adapter", settings } as const;
  const job = parse(jobFileOf({ recipe } as unknown as RunRecord, "bge-small-en-v1.5", "cpu"));
  expect(job).toMatchObject({
    mode: "recommended",
    epochs: 7,
    seed: 3,
    queryInstruction: "query: ",
    backend: "cpu",
  });
  expect(adapterConfig(job, 384)).toEqual(settings.adapter);
});

test.each([
  { task: "encoder", settings: { recipe: "encoder", mode: "recommended", seed: 2, epochs: 3 } },
  {
    task: "lora",
    queryInstruction: "query: ",
    settings: {
      ...{ recipe: "lora", mode: "compatible", seed: 2, validation: { share: 0.2 } },
      ...{ loss: { kind: "triplet", margin: 2 }, matryoshka: { dimensions: [384, 96] }, lora: { rank: 8 } },
    },
  },
  { task: "cross-encoder", settings: { mode: "recommended", seed: 2, loss: "listwise" } },
  { task: "router", settings: { trainer: "softmax", seed: 2 } },
] as const)("a $task run copied from the page is a job of the same settings", (recipe) => {
  const text = jobFileOf({ recipe } as unknown as RunRecord, "bge-small-en-v1.5", "cpu");
  const job = parseJob("/data/job.json", text);
  expect(job.task).toBe(recipe.task);
  if (job.task === "encoder" || job.task === "lora") expect(encoderSettings(job)).toEqual(recipe.settings);
  if (job.task === "cross-encoder") expect(crossEncoderSettings(job)).toEqual(recipe.settings);
  if (job.task === "router") expect(routerSettings(job)).toEqual(recipe.settings);
});

const examples = fileURLToPath(new URL("../../docs/jobs", import.meta.url));

const jobFiles = readdirSync(examples).filter((name) => name.endsWith(".json"));

test.each(jobFiles.filter((name) => !isLabTask(name.replace(".json", ""))))(
  // those: job-lab.test.ts
  "the example %s is a job",
  (name) => {
    const job = parseJob(join(examples, name), readFileSync(join(examples, name), "utf8"));
    const data = JSON.parse(readFileSync(job.train, "utf8")) as object;
    expect(data).toHaveProperty(job.task === "router" ? "choices" : "relevant_docs");
  },
);
