import { join } from "node:path";
import type { ScoreThreshold } from "../../src/domain/eval/advice-types.ts";
import { evaluate } from "../../src/domain/eval/evaluate.ts";
import type { EvaluationReport } from "../../src/domain/eval/report.ts";
import { writeFusion } from "../../src/domain/formats/fusion-json.ts";
import { applyAdapter } from "../../src/domain/models/apply-adapter.ts";
import type { TrainedAdapter } from "../../src/domain/recipes/adapter-run.ts";
import { inJob, type Job } from "../job.ts";
import { saveAdapterFile, saveAdapterFolder } from "../ports/adapters.ts";
import { chooseBackend } from "../ports/backend.ts";
import { readBytes, sha256, writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { loadInputs, type JobInputs } from "../run/inputs.ts";
import { SNIPPETS, writeReport, type RunFolder } from "../run/output.ts";
import { recordOf, type RunRecord } from "../run/record.ts";
import { searchThreshold } from "../run/threshold.ts";
import { train } from "../run/train.ts";
import { versionsOf } from "../run/versions.ts";

/** An adapter: embedded texts or given vectors in, the adapter in LlamaIndex's and plain form out. */
export async function runAdapterJob(job: Job, folder: RunFolder, root: string): Promise<RunRecord> {
  const inputs = await loadInputs(job, root);
  const out = folder.path;
  const { backend, reason } = await chooseBackend(job.backend, root, job.threads);
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
      task: "adapter",
      trainQuestions: inputs.train.dataset.queries.length,
      notes: inputs.notes,
      trained,
      report,
      threshold: report ? thresholdOf(job, inputs, trained) : null,
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

/** Of the tuned search on the judged file. */
function thresholdOf(
  { seed }: Job,
  { validation, instruction }: JobInputs,
  { config, weights }: TrainedAdapter,
): ScoreThreshold | null {
  if (!validation) return null;
  const { dataset, vectors } = validation;
  const own = (instruction ? vectors.queriesInstruction : undefined) ?? vectors.queries;
  return searchThreshold(
    dataset,
    { queries: applyAdapter(config, weights, own), corpus: vectors.corpus },
    seed,
  );
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
