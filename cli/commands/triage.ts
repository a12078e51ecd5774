import { resolve } from "node:path";
import { groupsOf } from "../../src/domain/data/dataset.ts";
import type { TriageReport } from "../../src/domain/eval/advice-types.ts";
import { layTriage, type TriageGround } from "../../src/domain/eval/triage-ground.ts";
import { rerankSample, triageReport, type TriageSettings } from "../../src/domain/eval/triage.ts";
import { scoreCandidates } from "../../src/domain/recipes/cross-encoder/rerank.ts";
import { withTrialAdapter } from "../../src/domain/recipes/triage-trial.ts";
import { readCrossEncoderModel } from "../../src/app/encoders/own-models.ts";
import type { Command } from "../command.ts";
import { loadDataset, showWarnings } from "../job-data.ts";
import { openBackend } from "../ports/backend.ts";
import { diskModelFiles } from "../ports/encoder.ts";
import { writeWhole } from "../ports/files.ts";
import { modelFolder } from "../ports/models.ts";
import { ProgressLine } from "../ports/progress.ts";
import { signed } from "../run/summary.ts";
import { adviceInputs } from "../run/advice-inputs.ts";

const RERANK = { questions: 40, depth: 30 };

/** `retune triage`: is fine-tuning needed at all? */
export const triageCommand: Command = {
  shape: {
    usage: "triage JOB.json [--reranker FOLDER] --out FILE",
    summary: "say before training whether fine-tuning is likely to help",
    positionals: { name: "a job file of an adapter, encoder or lora", atLeast: 1, atMost: 1 },
    options: {
      reranker: { value: "FOLDER", help: "a cross-encoder to try untrained on 40 questions" },
      out: { required: true, value: "FILE", help: "what was found, as JSON" },
    },
    details:
      "Searches are judged on the training file. Of the validation file only the size is looked at, so it stays closed.",
  },
  async run({ positionals, options }, { root }) {
    const { job, train, vectors } = await adviceInputs(positionals[0]!, root);
    const line = new ProgressLine("triage");
    const ground = await withTrial(root, layTriage(train.dataset, vectors, job.seed), job.seed);
    const sample = rerankSample(ground, RERANK.questions, RERANK.depth);
    const folder = options["reranker"];
    const scores = folder === undefined ? null : await rerankScores(root, folder, sample);
    const settings: TriageSettings = {
      test: job.validation === undefined ? null : await sizeOf(job.validation),
      ...(scores ? { reranked: { sample, scores } } : {}),
    };
    const report = triageReport(ground, settings);
    line.finish(`${report.questions} questions`);
    showWarnings(train);
    const out = resolve(options["out"]!);
    await writeWhole(out, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(`${tableOf(report)}${report.sentence}\n${out}\n`);
  },
};

async function withTrial(root: string, searched: TriageGround, seed: number): Promise<TriageGround> {
  const backend = await openBackend("cpu", root);
  try {
    return await withTrialAdapter(searched, backend, seed);
  } finally {
    backend.dispose();
  }
}

async function sizeOf(file: string): Promise<NonNullable<TriageSettings["test"]>> {
  const { dataset } = await loadDataset(file, "validation");
  return { questions: dataset.queries.length, clusters: new Set(groupsOf(dataset)).size };
}

async function rerankScores(
  root: string,
  model: string,
  { dataset, candidates }: ReturnType<typeof rerankSample>,
) {
  const crossEncoder = await readCrossEncoderModel(diskModelFiles(await modelFolder(root, model, ".")));
  const backend = await openBackend("cpu", root);
  try {
    const line = new ProgressLine("re-ranking");
    const scores = await scoreCandidates(backend, crossEncoder, dataset, candidates, {
      onProgress: (progress) => line.show(progress),
    });
    line.finish(`${candidates.length} questions`);
    return scores;
  } finally {
    backend.dispose();
  }
}

function tableOf({ rows, smallestDetectable: { test, train } }: TriageReport): string {
  const lines = rows.map(({ system, metrics, delta }) => {
    const figures = `${metrics["hit@5"].toFixed(4)}  ${metrics["mrr@10"].toFixed(4)}`;
    const against = delta ? `  ${signed(delta.value)} [${signed(delta.low)}, ${signed(delta.high)}]` : "";
    return `${system.padEnd(20)} ${figures}${against}\n`;
  });
  const where = test === null ? "these questions" : "the validation file";
  const power = `smallest gain that ${where} would show: ${signed(test ?? train)} MRR@10\n`;
  return `${"".padEnd(20)} hit@5   MRR@10  against base\n${lines.join("")}${power}`;
}
