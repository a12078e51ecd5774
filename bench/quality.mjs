// What training on Lyft does for search in Uber (run-llama/finetune-embedding's data, which is not ours to ship: read in
// place where it lies, else this part says so and is left out). Vectors are given, so the seconds are training alone.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./harness/browser.mjs";
import { printTable } from "./harness/table.mjs";

export const DATA = join(process.env.RETUNE_SHARED ?? join(root, "..", "shared"), "data", "lyft-uber-10k");
const VECTORS = join(DATA, "vectors-bge-small-en-v1.5");

const LINEAR = { kind: "linear", bias: false };
const TWO_LAYER = { kind: "two-layer", hiddenFeatures: 1024, activation: "relu", residual: true, bias: true };
const INSTRUCTION = "Represent this sentence for searching relevant passages: ";
const JOBS = {
  "compatible, linear, 4 epochs": { mode: "compatible", adapter: LINEAR, epochs: 4 },
  "recommended, linear": { mode: "recommended", adapter: LINEAR },
  "recommended, linear, instruction": { mode: "recommended", adapter: LINEAR, queryInstruction: INSTRUCTION },
  "recommended, 384-1024-384": { mode: "recommended", adapter: TWO_LAYER },
};

function jobOf(settings) {
  const part = (set) => ({
    queries: join(VECTORS, `${set}_queries.npy`),
    queriesInstruction: join(VECTORS, `${set}_queries_instruction.npy`),
    corpus: join(VECTORS, `${set}_corpus.npy`),
  });
  return {
    task: "adapter",
    train: join(DATA, "train_dataset.json"),
    validation: join(DATA, "val_dataset.json"),
    vectors: { train: part("train"), validation: part("val") },
    ...settings,
  };
}

/** The record of one run of the command line. */
function runJob(folder, name, settings) {
  const file = join(folder, "job.json");
  writeFileSync(file, JSON.stringify(jobOf(settings)));
  const out = join(folder, "out");
  const argv = [join(root, "cli", "retune.mjs"), "run", file, "--out", out];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name}: ${stderr.trim().split("\n").at(-1)}`);
  return JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
}

export async function measurePart() {
  if (!existsSync(DATA)) {
    console.log(`quality: left out, ${DATA} is not here`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "retune-bench-"));
  try {
    const records = Object.entries(JOBS).map(([name, settings]) => {
      process.stderr.write(`${name} …\n`);
      return [name, runJob(folder, name, settings)];
    });
    printRecords(records);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printRecords(records) {
  const [, first] = records[0];
  const figures = (metrics) => ["hit@1", "hit@5", "hit@10", "mrr@10"].map((key) => metrics[key].toFixed(4));
  const base = [
    ["base", ...figures(first.base), "", ""],
    ["base + instruction", ...figures(first.baseInstruction), "", ""],
    ["BM25", ...figures(first.bm25), "", ""],
    ["hybrid of base", ...figures(first.hybridBase), "", ""],
  ];
  const interval = ({ value, low, high }) => `${signed(value)} [${signed(low)}, ${signed(high)}]`;
  const tuned = records.flatMap(([name, { tuned: dense, hybridTuned, delta, deltaHybrid, seconds }]) => [
    [name, ...figures(dense), interval(delta["mrr@10"]), seconds.train.toFixed(1)],
    [`${name}: hybrid`, ...figures(hybridTuned), interval(deltaHybrid["mrr@10"]), ""],
  ]);
  const header = [
    "Uber, 790 questions",
    "hit@1",
    "hit@5",
    "hit@10",
    "MRR@10",
    "Δ MRR@10 (95 %)",
    "training s",
  ];
  printTable("Trained on Lyft, judged on Uber (bge-small-en-v1.5 fp32)", header, [...base, ...tuned]);
  console.log(`backend: ${first.backendLabel}`);
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
