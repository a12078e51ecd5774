import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { parseJob, type AnyJob } from "../job.ts";
import { readText, requireWritable, writeWhole } from "../ports/files.ts";
import { openValidation } from "../ports/openings.ts";
import { RunFolder } from "../run/output.ts";
import { summaryOf } from "../run/summary.ts";
import { runAdapterJob } from "../tasks/adapter.ts";
import { runCrossEncoderJob } from "../tasks/cross-encoder.ts";
import { runEncoderJob } from "../tasks/encoder.ts";
import { runLabJob } from "../tasks/lab.ts";
import { runMineJob } from "../tasks/mine.ts";
import { runRerankArmsJob } from "../tasks/rerank-arms.ts";
import { runRouterJob } from "../tasks/router.ts";

/** `retune run`: the whole job of the studio without a page. */
export const runCommand: Command = {
  shape: {
    usage: "run JOB.json --out DIR",
    summary: "train as a job file says, judge what came of it and write it",
    positionals: { name: "a job file", atLeast: 1, atMost: 1 },
    options: {
      out: { required: true, value: "DIR", help: "folder for run.json and what was trained" },
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
    const { record, summary } = await runJob(job, new RunFolder(out), root);
    const judged = await countOpening(root, record);
    await writeWhole(join(out, "run.json"), `${JSON.stringify(judged, null, 2)}\n`);
    process.stdout.write(`${summary}${join(out, "run.json")}\n`);
  },
};

/** The record with how often its validation file was opened; null where nothing was judged. */
async function countOpening(root: string, record: object): Promise<object> {
  const hashes = "hashes" in record ? (record.hashes as Readonly<Record<string, string>>) : {};
  const judged = hashes["test"] ?? hashes["validation"]; // the lab's validation rows only choose a step
  return { ...record, openings: judged === undefined ? null : await openValidation(root, judged) };
}

interface Finished {
  readonly record: object;
  readonly summary: string; // for stdout, ends with a newline
}

async function runJob(job: AnyJob, folder: RunFolder, root: string): Promise<Finished> {
  switch (job.task) {
    case "adapter": {
      const record = await runAdapterJob(job, folder, root);
      return { record, summary: summaryOf(record) };
    }
    case "encoder":
    case "lora": {
      const record = await runEncoderJob(job, folder, root);
      return { record, summary: summaryOf(record) };
    }
    case "cross-encoder":
      return runCrossEncoderJob(job, folder, root);
    case "router":
      return runRouterJob(job, folder, root);
    case "mine":
      return runMineJob(job, folder, root);
    case "rerank-arms":
      return runRerankArmsJob(job, folder, root);
    default:
      return runLabJob(job, folder, root);
  }
}
