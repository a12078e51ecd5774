import { dirname, join, resolve } from "node:path";
import { evaluate, type JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../src/domain/eval/fusion.ts";
import type { Fusion } from "../../src/domain/eval/report.ts";
import { readFusion } from "../../src/domain/formats/fusion-json.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Arguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { loadDataset, loadMatrix, requireDimension, showWarnings, type LoadedDataset } from "../job-data.ts";
import { readAdapter, requireFeatures } from "../ports/adapters.ts";
import { openEncoder } from "../ports/encoder.ts";
import { exists, readText, writeWhole } from "../ports/files.ts";
import { embedTexts } from "../ports/vectors.ts";
import { systemsOf } from "../run/record.ts";

/** `retune evaluate`: all systems side by side on a dataset, without training anything. */
export const evaluateCommand: Command = {
  shape: {
    usage: "evaluate DATA.json --model MODEL [--adapter PATH] [--queries a.npy --corpus b.npy] --out FILE",
    summary: "judge base, BM25, hybrid and an adapter on a dataset",
    positionals: { name: "a dataset file", atLeast: 1, atMost: 1 },
    options: {
      model: { value: "MODEL", help: "a model's name or folder; not needed with --queries and --corpus" },
      adapter: { value: "PATH", help: "an adapter's folder, a run's folder or a .safetensors file" },
      instruction: { value: "TEXT", help: "put before every query; tuned and hybrids then use it" },
      queries: { value: "FILE", help: "vectors of the queries without instruction (.npy)" },
      "queries-instruction": { value: "FILE", help: "vectors of the queries after the instruction (.npy)" },
      corpus: { value: "FILE", help: "vectors of the passages (.npy)" },
      seed: { value: "N", help: "of the bootstrap, default 0" },
      out: { required: true, value: "FILE", help: "the report as JSON" },
    },
    details:
      "The hybrid uses the weights of fusion.json beside the adapter where there is one, else equal weights.",
  },
  async run({ positionals, options }, { root }) {
    const loaded = await loadDataset(resolve(positionals[0]!));
    const { vectors, instruction } = await vectorsOf(options, loaded, root);
    const path = options["adapter"] === undefined ? undefined : resolve(options["adapter"]);
    const adapter = path === undefined ? undefined : await readAdapter(path);
    if (adapter) requireFeatures(adapter, vectors.corpus.columns, path!);
    const fusion = await fusionBeside(path);
    showWarnings(loaded);
    const report = evaluate(loaded.dataset, vectors, {
      instruction,
      ...(adapter ? { adapter } : {}),
      fusion: { base: fusion, tuned: fusion },
      seed: seedOf(options["seed"]),
    });
    const { systems: _systems, rows, ...rest } = report;
    const out = resolve(options["out"]!);
    await writeWhole(out, `${JSON.stringify({ ...systemsOf(report), ...rest, rows }, null, 2)}\n`);
    process.stdout.write(`${out}\n`);
  },
};

async function vectorsOf(
  options: Arguments["options"],
  loaded: LoadedDataset,
  root: string,
): Promise<{ readonly vectors: JudgedVectors; readonly instruction: boolean }> {
  const { queries, corpus } = options;
  if ((queries === undefined) !== (corpus === undefined)) {
    throw new RetuneError(
      "usage",
      "--queries and --corpus go together: give both, or --model to embed the texts",
    );
  }
  return queries !== undefined && corpus !== undefined
    ? givenVectors(options, resolve(queries), resolve(corpus), loaded)
    : embeddedVectors(options, loaded, root);
}

async function givenVectors(
  options: Arguments["options"],
  queriesFile: string,
  corpusFile: string,
  { dataset, file }: LoadedDataset,
): Promise<{ readonly vectors: JudgedVectors; readonly instruction: boolean }> {
  const asked = { rows: dataset.queries.length, what: `queries in ${file}` };
  const queries = await loadMatrix(queriesFile, "--queries", asked);
  const corpus = await loadMatrix(corpusFile, "--corpus", {
    rows: dataset.passages.length,
    what: `passages in ${file}`,
  });
  requireDimension(queries, corpus.columns, queriesFile, "--queries", "those of --corpus");
  const after = options["queries-instruction"];
  if (after === undefined) {
    if (options["instruction"]) {
      throw new RetuneError("usage", "--instruction with given vectors needs --queries-instruction FILE");
    }
    return { vectors: { queries, corpus }, instruction: false };
  }
  const queriesInstruction = await loadMatrix(resolve(after), "--queries-instruction", asked);
  requireDimension(queriesInstruction, corpus.columns, after, "--queries-instruction", "those of --corpus");
  return { vectors: { queries, corpus, queriesInstruction }, instruction: true };
}

async function embeddedVectors(
  options: Arguments["options"],
  { dataset }: LoadedDataset,
  root: string,
): Promise<{ readonly vectors: JudgedVectors; readonly instruction: boolean }> {
  const model = options["model"];
  if (model === undefined) {
    throw new RetuneError("usage", "retune evaluate needs --model MODEL, or --queries and --corpus");
  }
  const encoder = await openEncoder(root, model);
  try {
    const questions = dataset.queries.map(({ text }) => text);
    const passages = dataset.passages.map(({ text }) => text);
    const corpus = await embedTexts(root, encoder, passages, { instruction: "", label: "passages" });
    const queries = await embedTexts(root, encoder, questions, { instruction: "", label: "queries" });
    const instruction = options["instruction"] ?? encoder.identity.queryInstruction;
    if (instruction === "") return { vectors: { queries, corpus }, instruction: false };
    const label = "queries after the instruction";
    const queriesInstruction = await embedTexts(root, encoder, questions, { instruction, label });
    return { vectors: { queries, corpus, queriesInstruction }, instruction: Boolean(options["instruction"]) };
  } finally {
    await encoder.close();
  }
}

async function fusionBeside(adapter: string | undefined): Promise<Fusion> {
  if (adapter !== undefined) {
    for (const folder of [adapter, dirname(adapter)]) {
      const file = join(folder, "fusion.json");
      if (await exists(file)) return readFusion(await readText(file), file);
    }
  }
  return fusionOf(EQUAL_WEIGHTS);
}

function seedOf(text: string | undefined): number {
  const seed = text === undefined ? 0 : Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff) return seed;
  throw new RetuneError("usage", `--seed must be a whole number from 0 to 4294967295, got "${text}"`);
}
