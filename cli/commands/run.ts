import { join, resolve } from "node:path";
import { evaluate } from "../../src/domain/eval/evaluate.ts";
import type { EvaluationReport } from "../../src/domain/eval/report.ts";
import { writeFusion } from "../../src/domain/formats/fusion-json.ts";
import { METRICS_CSV_NAME, writeMetricsCsv } from "../../src/domain/formats/metrics-csv.ts";
import type { TrainedAdapter } from "../../src/domain/recipes/adapter-run.ts";
import type { Command } from "../command.ts";
import { inJob, parseJob, type Job } from "../job.ts";
import { saveAdapterFile, saveAdapterFolder } from "../ports/adapters.ts";
import { chooseBackend } from "../ports/backend.ts";
import { readBytes, readText, requireWritable, sha256, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { loadInputs, type JobInputs } from "../run/inputs.ts";
import { RunFolder, SNIPPETS } from "../run/output.ts";
import { recordOf, type RunRecord } from "../run/record.ts";
import { train } from "../run/train.ts";
import { versionsOf } from "../run/versions.ts";

/** `retune run`: the whole job of the studio without a page. */
export const runCommand: Command = {
  shape: {
    usage: "run JOB.json --out DIR",
    summary: "train an adapter as a job file says, judge it and write it",
    positionals: { name: "a job file", atLeast: 1, atMost: 1 },
    options: {
      out: { required: true, value: "DIR", help: "folder for run.json, the adapter and fusion.json" },
    },
    details: [
      "A job file is JSON; paths in it are relative to it. All fields but task and train may be left out:",
      '  {"task": "adapter", "model": "bge-small-en-v1.5", "train": "train.json", "validation": "validation.json",',
      '   "mode": "recommended", "adapter": {"kind": "linear", "bias": false}, "seed": 0}',
      "docs/jobs has examples; README.md there names every field.",
    ].join("\n"),
  },
  async run({ positionals, options }, { root }) {
    const file = resolve(positionals[0]!);
    const job = parseJob(file, await readText(file));
    const out = resolve(options["out"]!);
    await requireWritable(out); // before an hour of work, not after it
    const record = await runJob(job, new RunFolder(out), root);
    await writeWhole(join(out, "run.json"), `${JSON.stringify(record, null, 2)}\n`);
    process.stdout.write(summaryOf(record, out));
  },
};

async function runJob(job: Job, folder: RunFolder, root: string): Promise<RunRecord> {
  const inputs = await loadInputs(job, root);
  const out = folder.path;
  const { backend, reason } = await chooseBackend(job.backend, root);
  try {
    const started = performance.now();
    const { adapter } = job;
    const trained = await train(job, inputs, backend, async (step, weights) => {
      if (!job.export.includes("llamaindex")) return;
      await folder.begin();
      const config = { ...adapter, features: inputs.train.vectors.corpus.columns };
      await saveAdapterFolder(join(out, "llamaindex", `step_${step}`), { config, weights });
    });
    const trainSeconds = (performance.now() - started) / 1000;
    const judging = performance.now();
    const report = await inJob(job, "validation", () => judge(job, inputs, trained));
    const evaluateSeconds = (performance.now() - judging) / 1000;
    await folder.begin();
    await writeExports(job, out, trained, inputs);
    await writeSnippets(root, out);
    if (report) await writeReport(out, report);
    const seconds = { embed: inputs.embedSeconds, train: trainSeconds, evaluate: evaluateSeconds };
    const versions = versionsOf(root, inputs.encoder !== undefined);
    return recordOf({
      inputs,
      trained,
      report,
      backend,
      reason,
      seconds,
      versions,
      hashes: await hashesOf(job, inputs),
    });
  } finally {
    backend.dispose();
  }
}

function judge(
  job: Job,
  { validation, instruction }: JobInputs,
  trained: TrainedAdapter,
): EvaluationReport | undefined {
  if (!validation) return undefined;
  const line = new ProgressLine("evaluating");
  const { config, weights, fusion } = trained;
  const settings = { instruction, adapter: { config, weights }, fusion, seed: job.seed };
  const report = evaluate(validation.dataset, validation.vectors, settings);
  line.finish(`${report.queries} questions`);
  return report;
}

async function writeExports(
  job: Job,
  out: string,
  trained: TrainedAdapter,
  { encoder }: JobInputs,
): Promise<void> {
  const adapter = { config: trained.config, weights: trained.weights };
  if (job.export.includes("llamaindex")) await saveAdapterFolder(join(out, "llamaindex"), adapter);
  if (job.export.includes("safetensors")) {
    const notes = new Map([
      ...(job.queryInstruction ? [["query_instruction", job.queryInstruction] as const] : []),
      ...(encoder ? [["model", encoder.name] as const, ["model_hash", encoder.hash] as const] : []),
    ]);
    await saveAdapterFile(join(out, "adapter.safetensors"), adapter, notes);
  }
  await writeWhole(join(out, "fusion.json"), writeFusion(trained.fusion.tuned));
}

/** Code that uses what was written: plain Python, JavaScript, LlamaIndex. `npm run test:peers` runs all three. */
async function writeSnippets(root: string, out: string): Promise<void> {
  for (const name of SNIPPETS) {
    await writeWhole(join(out, name), await readBytes(join(root, "cli", "exported", name)));
  }
}

async function writeReport(out: string, { systems, rows }: EvaluationReport): Promise<void> {
  const metrics = systems.tuned;
  if (metrics)
    await writeWhole(join(out, METRICS_CSV_NAME), writeMetricsCsv([{ epoch: -1, steps: -1, metrics }]));
  await writeWhole(join(out, "questions.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

async function hashesOf(job: Job, inputs: JobInputs): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {
    job: sha256(await readBytes(job.file)),
    train: inputs.train.hash,
    ...(inputs.validation ? { validation: inputs.validation.hash } : {}),
    ...(inputs.encoder ? { model: inputs.encoder.hash } : {}),
  };
  for (const [set, files] of Object.entries(job.vectors ?? {})) {
    for (const [part, file] of Object.entries(files ?? {})) {
      hashes[`vectors.${set}.${part}`] = sha256(await readBytes(file as string));
    }
  }
  return hashes;
}

function summaryOf(record: RunRecord, out: string): string {
  const shown = [
    ["base", record.base],
    ["base + instruction", record.baseInstruction],
    ["BM25", record.bm25],
    ["hybrid of base", record.hybridBase],
    ["tuned", record.tuned],
    ["hybrid of tuned", record.hybridTuned],
  ] as const;
  const rows = shown.flatMap(([name, metrics]) =>
    metrics ? [`${name.padEnd(20)} ${metrics["hit@5"].toFixed(4)}  ${metrics["mrr@10"].toFixed(4)}`] : [],
  );
  const delta = record.delta?.["mrr@10"];
  const verdict = delta
    ? [
        `tuned − base: ${signed(delta.value)} [${signed(delta.low)}, ${signed(delta.high)}], ${record.verdict}`,
      ]
    : [];
  const head = rows.length > 0 ? [`${"".padEnd(20)} hit@5   MRR@10`] : [];
  return [...head, ...rows, ...verdict, join(out, "run.json"), ""].join("\n");
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;
}
