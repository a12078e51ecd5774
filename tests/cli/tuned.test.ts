import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { METRIC_NAMES } from "../../src/domain/eval/metrics.ts";
import { readCrossEncoderFolder } from "../../src/domain/formats/cross-encoder-folder.ts";
import { readParity } from "../../src/domain/formats/parity.ts";
import { readPeftFolder } from "../../src/domain/formats/peft-folder.ts";
import { readNpy } from "../../src/domain/formats/npy.ts";
import { readRouterFolder } from "../../src/domain/formats/router-folder.ts";
import { readSentenceTransformersFolder } from "../../src/domain/formats/sentence-transformers-folder.ts";
import { expectClose } from "../close.ts";
import { writeJob } from "./planted.ts";
import { errorLines, runCli, runCliIn, type Outcome } from "./spawn.ts";
import { tunedFolder } from "./tuned-jobs.ts";

const folder = tunedFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cache = { RETUNE_CACHE: join(folder, "cache") };

function run(job: object, out: string): Outcome {
  const file = writeJob(folder, { backend: "cpu", seed: 1, ...job }, `${out}.job.json`);
  return runCliIn(cache, "retune", "run", file, "--out", join(folder, out));
}

function recordOf(out: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, out, "run.json"), "utf8")) as Record<string, unknown>;
}

/** The files below a folder by relative path. */
function filesIn(...path: readonly string[]): Map<string, Uint8Array> {
  const root = join(folder, ...path);
  const names = readdirSync(root, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => !readdirSafe(join(root, name)));
  return new Map(
    files.map((name) => [name.replaceAll("\\", "/"), new Uint8Array(readFileSync(join(root, name)))]),
  );
}

function readdirSafe(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

const encoder = { task: "encoder", model: "./tiny-bert", train: "train.json", validation: "validation.json" };

describe("an encoder job", () => {
  test("trains all weights, judges every system and writes a folder that others load", () => {
    const settings = { epochs: 2, batchSize: 6, learningRate: 1e-3, holdOut: "none" };
    const outcome = run(
      { ...encoder, ...settings, export: ["sentence-transformers", "onnx", "cluster"] },
      "full",
    );
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    expect(outcome.code).toBe(0);
    const record = recordOf("full");
    expect(record).toMatchObject({ task: "encoder", backend: "cpu", verdict: expect.any(String) as string });
    for (const system of ["base", "bm25", "hybridBase", "hybridTuned", "tuned"]) {
      expect(Object.keys(record[system] as object).sort(), system).toEqual([...METRIC_NAMES].sort());
    }
    expect(record["losses"]).toHaveLength(16); // 48 questions, 6 a step, 2 epochs
    const model = readSentenceTransformersFolder(filesIn("full", "sentence-transformers"), "full").model;
    expect(model.config.layers).toBe(2);
    expect(existsSync(join(folder, "full", "onnx", "onnx", "model.onnx"))).toBe(true);
    expect(existsSync(join(folder, "full", "questions.jsonl"))).toBe(true);
    const parity = new TextDecoder().decode(
      filesIn("full", "sentence-transformers").get("retune_parity.json"),
    );
    expect(readParity(parity).outputs).toHaveLength(32);
    const batches = readFileSync(join(folder, "full", "cluster", "batches.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(batches).toHaveLength(16);
  });

  test("gives the same losses and weights again, on more threads as well", () => {
    const settings = { epochs: 1, batchSize: 6, learningRate: 1e-3, holdOut: "none", validation: undefined };
    const weights = (out: string, threads: object): Uint8Array => {
      expect(run({ ...encoder, ...settings, ...threads }, out).code).toBe(0);
      return filesIn(out, "sentence-transformers").get("model.safetensors")!;
    };
    const once = weights("once", {});
    expect(Buffer.compare(once, weights("again", {}))).toBe(0);
    expect(Buffer.compare(once, weights("threads", { threads: 2 }))).toBe(0);
  });

  test("by LoRA writes what peft loads and the merged model", () => {
    const settings = { lora: { rank: 4, alpha: 8, targets: ["query", "value"] }, epochs: 1, holdOut: "none" };
    const job = { ...encoder, ...settings, task: "lora", learningRate: 1e-2 };
    writeFileSync(join(folder, "negatives.json"), JSON.stringify({ "train-q0-0": ["train-p7"] }));
    const beside = { negatives: "negatives.json", anchors: ["the lazy dog", "private documents"] };
    expect(
      run({ ...job, ...beside, export: ["peft", "sentence-transformers", "cluster"] }, "lora").code,
    ).toBe(0);
    const { adapter } = readPeftFolder(filesIn("lora", "peft"));
    expect(adapter).toMatchObject({ rank: 4, alpha: 8 });
    expect(adapter.weights.size).toBe(2 * 2 * 2); // layers, targets, A and B
    expect(filesIn("lora", "sentence-transformers").has("model.safetensors")).toBe(true);
    const cluster = filesIn("lora", "cluster");
    const text = (name: string): string => new TextDecoder().decode(cluster.get(name));
    expect(JSON.parse(text("config.json"))).toMatchObject({ anchors: beside.anchors, lora: { r: 4 } });
    expect(text("train.jsonl")).toContain('"negatives":[{"id":"train-p7"');
  });

  test("refuses what it cannot follow with the file and the field", () => {
    expect(errorLines(run({ ...encoder, loss: "mnlr" }, "bad"))[0]).toMatch(/bad\.job\.json: field "loss"/);
    expect(errorLines(run({ ...encoder, rank: 4 }, "bad"))[0]).toMatch(/unknown field "rank"/);
    expect(errorLines(run({ ...encoder, task: "encode" }, "bad"))[0]).toMatch(/"encoder", "lora"/);
    expect(existsSync(join(folder, "bad"))).toBe(false);
  });
});

describe("a cross-encoder job", () => {
  test("on a dataset mines its negatives and re-ranks the validation file", () => {
    const job = { ...encoder, task: "cross-encoder", model: "./cross-encoder-tiny", epochs: 1, depth: 20 };
    expect(run(job, "cross").code).toBe(0);
    const record = recordOf("cross") as { systems: object; depth: number };
    expect(Object.keys(record.systems).sort()).toEqual(["rerankedBase", "rerankedTuned", "retrieved"]);
    expect(record.depth).toBe(12); // all passages there are
    const model = readCrossEncoderFolder(filesIn("cross", "cross-encoder"), "cross");
    expect(model.weights.has("classifier.weight")).toBe(true);
  });

  test("on {query, context, score} rows starts from an encoder and a fresh head", () => {
    const job = { task: "cross-encoder", model: "./tiny-bert", train: "pairs.csv", epochs: 1 };
    const outcome = run(job, "pairs");
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    expect(recordOf("pairs")).toMatchObject({ pairs: 40, systems: null, verdict: "cannot-tell" });
  });
});

describe("a router job", () => {
  test.each(["softmax", "embedding"])(
    "by the %s trainer is judged on questions held out and exported",
    (trainer) => {
      const out = `router-${trainer}`;
      const outcome = run({ task: "router", model: "./st-tiny-5x", train: "router.json", trainer }, out);
      expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
      const record = recordOf(out) as { tuned: { accuracy: number }; questions: { validation: number } };
      expect(record.tuned.accuracy).toBeGreaterThan(0.5);
      expect(record.questions.validation).toBeGreaterThan(10);
      const router = readRouterFolder(filesIn(out, "router"));
      expect(router.choices.map(({ id }) => id)).toEqual(["leave", "revenue", "retrieval"]);
    },
  );
});

test("embed runs a folder of safetensors by our own encoder, to the vectors its ONNX gives", () => {
  const embed = (model: string, out: string): Float32Array => {
    const place = join(folder, out);
    const data = join(folder, "validation.json");
    const outcome = runCliIn(cache, "retune", "embed", data, "--model", join(folder, model), "--out", place);
    expect(outcome.code, outcome.stderr).toBe(0);
    return readNpy(new Uint8Array(readFileSync(join(place, "corpus.npy"))), "corpus.npy").values;
  };
  cpSync(join(folder, "tiny-bert"), join(folder, "own-bert"), { recursive: true });
  rmSync(join(folder, "own-bert", "onnx"), { recursive: true });
  const vectors = embed("own-bert", "own");
  expect(vectors).toHaveLength(12 * 32);
  expectClose(vectors, embed("tiny-bert", "onnx"), { absolute: 1e-4, relative: 0 });
});

test("models lists kinds and weights", () => {
  const outcome = runCliIn({ RETUNE_MODELS: folder }, "retune", "models");
  expect(outcome.stdout).toMatch(/cross-encoder-tiny\tready\tcross-encoder\tsafetensors\t/);
  expect(outcome.stdout).toMatch(/tiny-bert\tready\tencoder\tonnx\t/);
  expect(runCli("retune", "models", "--help").stdout).toContain("cross-encoders");
});
