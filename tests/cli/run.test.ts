import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { METRIC_NAMES } from "../../src/domain/eval/metrics.ts";
import { readAdapterFolder, readAdapterSafetensors } from "../../src/domain/formats/adapter-folder.ts";
import { readFusion } from "../../src/domain/formats/fusion-json.ts";
import type { Openings } from "../../cli/ports/openings.ts";
import type { RunRecord } from "../../cli/run/record.ts";
import { plantedFolder, plantedJob, writeJob } from "./planted.ts";
import { errorLines, runCli, runCliIn, type Outcome } from "./spawn.ts";

const folder = plantedFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(changes: object, out: string): Outcome {
  return runCliIn(
    { RETUNE_CACHE: join(folder, "cache") },
    "retune",
    "run",
    writeJob(folder, plantedJob(changes), `${out}.json`),
    "--out",
    join(folder, out),
  );
}

type Counted = RunRecord & { readonly openings: Openings | null };

function recordOf(out: string): Counted {
  return JSON.parse(readFileSync(join(folder, out, "run.json"), "utf8")) as Counted;
}

function hashOf(...path: readonly string[]): string {
  return createHash("sha256")
    .update(readFileSync(join(folder, ...path)))
    .digest("hex");
}

function adapterIn(...path: readonly string[]) {
  const names = ["config.json", "pytorch_model.bin"];
  return readAdapterFolder(
    new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, ...path, name)))])),
  );
}

describe("a compatible run", () => {
  let outcome: Outcome;
  beforeAll(() => {
    outcome = run({ checkpointSteps: 12 }, "compatible");
  });

  test("ends well and names its result", () => {
    expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toContain(join(folder, "compatible", "run.json"));
  });

  test("counts that the validation file was opened, and says from which score on answers can be trusted", () => {
    const { openings, threshold } = recordOf("compatible");
    expect(openings).toMatchObject({
      validation: hashOf("validation.json"),
      count: expect.any(Number) as number,
    });
    expect(openings!.sentence).toMatch(/^This test set was opened/);
    expect(threshold).toMatchObject({ score: "cosine", target: 0.9, basis: "test" });
  });

  test("reports every system with the same metrics as fractions", () => {
    const record = recordOf("compatible");
    for (const system of ["base", "baseInstruction", "bm25", "hybridBase", "hybridTuned", "tuned"] as const) {
      const metrics = record[system]!;
      expect(Object.keys(metrics).sort(), system).toEqual([...METRIC_NAMES].sort());
      for (const [name, value] of Object.entries(metrics)) {
        expect(value >= 0 && value <= 1, `${system} ${name} = ${value}`).toBe(true);
      }
    }
    expect(Object.keys(record.delta!).sort()).toEqual([...METRIC_NAMES].sort());
    expect(record.delta!["mrr@10"].value).toBeCloseTo(record.tuned!["mrr@10"] - record.base!["mrr@10"], 12);
    expect(record.deltaHybrid!["hit@5"].value).toBeCloseTo(
      record.hybridTuned!["hit@5"] - record.hybridBase!["hit@5"],
      12,
    );
  });

  test("says better, because the planted rotation was learnt", () => {
    const { verdict, delta } = recordOf("compatible");
    expect(delta!["mrr@10"].low).toBeGreaterThan(0);
    expect(verdict).toBe("better");
  });

  test("records one loss a step, the choices, and what computed it", () => {
    const record = recordOf("compatible");
    expect(record.losses).toHaveLength(3 * 12); // 120 questions in batches of 10
    expect(record.losses.at(-1)).toBeLessThan(record.losses[0]!);
    expect(record.chosen).toEqual({ learningRate: 0.01, scale: 20, alpha: 1, epochs: 3 });
    expect(record.backend).toBe("cpu");
    expect(record.kernelBuild).toMatch(/^wasm-(relaxed-)?simd$/);
    expect(record.seconds.embed).toBe(0);
    expect(record.hashes["train"]).toBe(hashOf("train.json"));
    expect(record.hashes["vectors.train.corpus"]).toBe(hashOf("train-corpus.npy"));
    expect(record.versions["node"]).toBe(process.versions.node);
  });

  test("exports read back: the folder, its checkpoints, safetensors with the same bits, the fusion", () => {
    const { config, weights } = adapterIn("compatible", "llamaindex");
    expect(config).toEqual({ kind: "linear", features: 16, bias: false });
    const single = readAdapterSafetensors(
      new Uint8Array(readFileSync(join(folder, "compatible", "adapter.safetensors"))),
    );
    expect(single.weights).toEqual(weights);
    expect(adapterIn("compatible", "llamaindex", "step_36").weights).toEqual(weights);
    expect(adapterIn("compatible", "llamaindex", "step_12").weights).not.toEqual(weights);
    const fusion = readFusion(readFileSync(join(folder, "compatible", "fusion.json"), "utf8"));
    expect(fusion).toEqual(recordOf("compatible").fusion);
  });

  test("gives the same bits again", () => {
    expect(run({ checkpointSteps: 12 }, "again").code).toBe(0);
    for (const file of [
      "adapter.safetensors",
      "fusion.json",
      "questions.jsonl",
      "llamaindex/pytorch_model.bin",
    ]) {
      expect(hashOf("again", file), file).toBe(hashOf("compatible", file));
    }
    const untimed = ({ seconds: _seconds, openings: _count, ...rest }: Counted): object => rest;
    expect(untimed(recordOf("again"))).toEqual({
      ...untimed(recordOf("compatible")),
      hashes: { ...recordOf("compatible").hashes, job: hashOf("again.json") },
    });
  });
});

test("with an instruction, tuned and delta use the queries after it", () => {
  expect(run({ queryInstruction: "query: " }, "instructed").code).toBe(0);
  const record = recordOf("instructed");
  const difference = record.tuned!["mrr@10"] - record.baseInstruction!["mrr@10"];
  expect(record.delta!["mrr@10"].value).toBeCloseTo(difference, 12);
  expect(record.notes).toEqual([]);
});

test("without vectors after the instruction, baseInstruction is null and a note says so", () => {
  const part = (set: string): object => ({ queries: `${set}-queries.npy`, corpus: `${set}-corpus.npy` });
  const vectors = { train: part("train"), validation: part("validation") };
  expect(run({ queryInstruction: "query: ", vectors }, "lacking").code).toBe(0);
  const record = recordOf("lacking");
  expect(record.baseInstruction).toBeNull();
  expect(record.delta!["mrr@10"].value).toBeCloseTo(record.tuned!["mrr@10"] - record.base!["mrr@10"], 12);
  expect(record.notes.join(" ")).toContain("queriesInstruction");
});

test.each([
  ["two-layer", { kind: "two-layer", hiddenFeatures: 12, activation: "tanh", residual: true }],
  [
    "custom",
    { kind: "custom", layers: [{ features: 9, activation: "gelu" }, { features: 16 }], residual: true },
  ],
])("a %s adapter is trained and written", (name, adapter) => {
  const outcome = run({ adapter, epochs: 1, export: ["llamaindex"] }, name);
  expect(errorLines(outcome).join("\n")).not.toContain("retune:");
  expect(adapterIn(name, "llamaindex").config.kind).toBe(name);
  expect(existsSync(join(folder, name, "adapter.safetensors"))).toBe(false);
});

test("an adapter that LlamaIndex has no class for says so and names the class that comes along", () => {
  const adapter = { kind: "two-layer", hiddenFeatures: 12, activation: "gelu" };
  const outcome = run({ adapter, epochs: 1, export: ["llamaindex"] }, "no-class");
  const note =
    `LlamaIndex's own TwoLayerNN cannot load this adapter, it has no "gelu"; ` +
    "use TwoLayerAdapter of llamaindex_adapter.py, which comes along.";
  expect(errorLines(outcome)).toContain(`warning: ${note}`);
  expect(recordOf("no-class").notes).toContain(note);
  const code = readFileSync(join(folder, "no-class", "llamaindex_adapter.py"), "utf8");
  const keys = Object.keys(
    JSON.parse(readFileSync(join(folder, "no-class", "llamaindex", "config.json"), "utf8")) as object,
  );
  const constructor = code.slice(code.indexOf("class TwoLayerAdapter(BaseAdapter)"));
  for (const key of keys) expect(constructor).toMatch(new RegExp(`^        ${key}: `, "m"));
});

test("a folder used again keeps nothing of the run before, and all that no run writes", () => {
  expect(run({ epochs: 2, checkpointSteps: 12 }, "reused").code).toBe(0);
  const kept = ["notes.txt", "llamaindex/mine.txt", "llamaindex/step_12/mine.txt", "step_12/config.json"];
  mkdirSync(join(folder, "reused", "step_12"));
  for (const file of kept) writeFileSync(join(folder, "reused", file), "mine");
  writeFileSync(join(folder, "reused", "run.json.123.part"), "half");
  const again = run({ validation: undefined, vectors: trainVectors(), epochs: 1, export: [] }, "reused");
  expect(errorLines(again).filter((line) => line.startsWith("retune:"))).toEqual([]);
  const files = readdirSync(join(folder, "reused"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(folder, "reused"), join(entry.parentPath, entry.name)));
  const written = ["fusion.json", "run.json", "search.py", "search.mjs", "llamaindex_adapter.py"];
  expect(files.sort()).toEqual([...kept, ...written].sort());
});

test("a run refused before its first file leaves the results of the one before", () => {
  expect(run({ epochs: 1 }, "refused").code).toBe(0);
  const before = hashOf("refused", "run.json");
  expect(run({ epochs: 0.5 }, "refused").code).toBe(2);
  expect(hashOf("refused", "run.json")).toBe(before);
});

test("a validation file that stands in the training file too is judged, and said so", () => {
  const part = { queries: "train-queries.npy", corpus: "train-corpus.npy" };
  const vectors = { train: part, validation: part };
  const outcome = run({ validation: "train.json", vectors, epochs: 1, export: [] }, "leaking");
  const leak = "120 of 120 validation questions also stand in the training file.";
  expect(errorLines(outcome)).toContain(`warning: ${leak}`);
  expect(recordOf("leaking").notes).toContain(leak);
});

describe("bad input ends with exit code 2 and one line", () => {
  test.each([
    ["an unknown field", { rate: 1 }, 'unknown field "rate"'],
    ["a missing training file", { train: "none.json" }, 'none.json does not exist (field "train")'],
    ["a missing vector file", vectorsWith("train", "corpus", "none.npy"), '(field "vectors.train.corpus")'],
    [
      "vectors with too few rows",
      vectorsWith("train", "queries", "validation-queries.npy"),
      "has 80 rows, but there are 120",
    ],
    [
      "vectors of another dimension",
      vectorsWith("validation", "corpus", "wide.npy"),
      'field "vectors.validation.',
    ],
    [
      "a file that is no .npy",
      vectorsWith("train", "queries", "train.json"),
      "train.json: byte 0: does not begin with",
    ],
    ["a data set that is none", { train: "job-only.json" }, "job-only.json"],
    [
      "a broken adapter",
      { adapter: { kind: "custom", layers: [{ features: 3 }] } },
      '"adapter.layers.0.features" must be 16',
    ],
    [
      "a model that is nowhere",
      { vectors: undefined, model: "no-such-model" },
      'field "model": model "no-such-model"',
    ],
    ["half an epoch in compatible mode", { epochs: 0.5 }, ".json: epochs: 0.5 is not possible"],
  ])("%s", (name, changes, text) => {
    writeFileSync(join(folder, "job-only.json"), "{}");
    writeFileSync(join(folder, "wide.npy"), wideVectors());
    const outcome = run(changes, name.replaceAll(/\W/g, "-"));
    expect(errorLines(outcome)).toHaveLength(1);
    expect(errorLines(outcome)[0]).toMatch(/^retune: /);
    expect(outcome.stderr).toContain(text);
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toBe("");
    expect(existsSync(join(folder, name.replaceAll(/\W/g, "-")))).toBe(false);
  });

  test.each([
    ["no command", [], "usage: retune COMMAND"],
    ["an unknown command", ["tune"], 'there is no command "tune"'],
    ["an unknown option", ["run", "job.json", "--output", "x"], "no option --output"],
    ["a missing option", ["run", "job.json"], "needs --out DIR"],
    [
      "an output folder that is a file",
      ["run", writeJob(folder, plantedJob()), "--out", join(folder, "train.json")],
      "is no folder",
    ],
    [
      "an output folder below a file",
      ["run", writeJob(folder, plantedJob()), "--out", join(folder, "train.json", "out")],
      "train.json is a file",
    ],
    ["a missing job file", ["run", join(folder, "none.json"), "--out", "x"], "none.json does not exist"],
  ])("%s", (_, argv, text) => {
    const outcome = runCli("retune", ...argv);
    expect(outcome.stderr).toContain(text);
    expect(outcome.code).toBe(2);
  });
});

test.each(["run", "embed", "evaluate", "generate", "convert", "models"])("%s explains itself", (command) => {
  const outcome = runCli("retune", command, "--help");
  expect(outcome.code).toBe(0);
  expect(outcome.stdout).toContain(`usage: retune ${command}`);
});

function trainVectors(): object {
  return { train: (plantedJob() as { vectors: { train: object } }).vectors.train };
}

function vectorsWith(set: "train" | "validation", part: string, file: string): object {
  const { vectors } = plantedJob() as { vectors: Record<string, Record<string, string>> };
  return { vectors: { ...vectors, [set]: { ...vectors[set], [part]: file } } };
}

/** 40 rows of 3 numbers: as many as the validation file has passages, but not of one model with the rest. */
function wideVectors(): Uint8Array {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 3), }".padEnd(117) + "\n";
  const head = Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  return Buffer.concat([head, Buffer.from(header, "latin1"), Buffer.alloc(40 * 3 * 4)]);
}
