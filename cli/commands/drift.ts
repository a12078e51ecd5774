import { resolve } from "node:path";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import { driftReport, type DriftGround, type SideVectors } from "../../src/domain/eval/drift.ts";
import { generalSet } from "../../src/domain/eval/general/general-set.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { applyAdapter } from "../../src/domain/models/apply-adapter.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { loadDataset } from "../job-data.ts";
import { readAdapter, requireFeatures } from "../ports/adapters.ts";
import { openEncoder } from "../ports/encoder.ts";
import { writeWhole } from "../ports/files.ts";
import { embedTexts } from "../ports/vectors.ts";

const ANCHORS = 200;

/** `retune drift`: what did training cost elsewhere? */
export const driftCommand: Command = {
  shape: {
    usage: "drift --model BASE (--adapter PATH | --tuned FOLDER) [--data DATA.json] --out FILE",
    summary: "compare base and tuned model on general questions, and say whether the index stays valid",
    positionals: { name: "nothing", atLeast: 0, atMost: 0 },
    options: {
      model: { required: true, value: "BASE", help: "the model that was started from: a name or a folder" },
      adapter: { value: "PATH", help: "an adapter's folder, a run's folder or a .safetensors file" },
      tuned: { value: "FOLDER", help: "a tuned encoder's folder" },
      data: { value: "FILE", help: "a dataset whose passages are anchors and would be embedded again" },
      instruction: { value: "TEXT", help: "put before every question by both" },
      out: { required: true, value: "FILE", help: "the report as JSON" },
    },
    details: "The general questions are Retune's own: 160 about 80 passages on everyday things.",
  },
  async run({ options }, { root }) {
    const { adapter, tuned } = options;
    if ((adapter === undefined) === (tuned === undefined)) {
      throw new RetuneError("usage", "retune drift needs either --adapter PATH or --tuned FOLDER");
    }
    const data = options["data"] === undefined ? null : (await loadDataset(resolve(options["data"]))).dataset;
    const given = { root, instruction: options["instruction"] ?? "", data };
    const before = await sideOf(given, options["model"]!, "base");
    const ground =
      adapter === undefined
        ? await byEncoder(given, before, tuned!)
        : await byAdapter(before, resolve(adapter));
    const report = driftReport(ground);
    const out = resolve(options["out"]!);
    await writeWhole(out, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(`${report.sentence}\n${out}\n`);
  },
};

interface Given {
  readonly root: string;
  readonly instruction: string;
  readonly data: Dataset | null;
}

interface Side extends SideVectors {
  readonly anchors: Matrix;
  readonly textsPerSecond: number;
}

async function sideOf({ root, instruction, data }: Given, model: string, name: string): Promise<Side> {
  const encoder = await openEncoder(root, model);
  const started = performance.now();
  try {
    const { queries, passages } = generalSet();
    const anchors = data?.passages.slice(0, ANCHORS) ?? [];
    const embed = (rows: readonly { readonly text: string }[], prefix: string, label: string) =>
      vectorsOf(root, encoder, rows, { instruction: prefix, label: `${name} ${label}` });
    const side = {
      queries: await embed(queries, instruction, "general questions"),
      corpus: await embed(passages, "", "general passages"),
      anchors: await embed(anchors, "", "anchors"),
    };
    const texts = queries.length + passages.length + anchors.length;
    return { ...side, textsPerSecond: texts / ((performance.now() - started) / 1000) };
  } finally {
    await encoder.close();
  }
}

async function vectorsOf(
  root: string,
  encoder: Encoder,
  rows: readonly { readonly text: string }[],
  options: { readonly instruction: string; readonly label: string },
): Promise<Matrix> {
  const texts = rows.map(({ text }) => text);
  if (texts.length > 0) return embedTexts(root, encoder, texts, options);
  return { rows: 0, columns: encoder.identity.dimension, values: new Float32Array() };
}

/** An adapter moves questions alone; anchors would be texts that it never meets. */
async function byAdapter(before: Side, path: string): Promise<DriftGround> {
  const adapter = await readAdapter(path);
  requireFeatures(adapter, before.corpus.columns, path);
  const queries = applyAdapter(adapter.config, adapter.weights, before.queries);
  const none = { rows: 0, columns: before.corpus.columns, values: new Float32Array() };
  return {
    general: generalSet(),
    before,
    after: { queries, corpus: before.corpus },
    anchors: { before: none, after: none },
    index: { kind: "valid" },
    seed: 0,
  };
}

async function byEncoder(given: Given, before: Side, folder: string): Promise<DriftGround> {
  const after = await sideOf(given, folder, "tuned");
  const chunks = given.data?.passages.length ?? 0;
  return {
    general: generalSet(),
    ...{ before, after },
    anchors: { before: before.anchors, after: after.anchors },
    index: { kind: "embed-again", chunks, seconds: chunks / after.textsPerSecond },
    seed: 0,
  };
}
