import { dirname, resolve } from "node:path";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { inJob, parseJob, type Job } from "../job.ts";
import { loadDataset, loadVectors, type LoadedDataset } from "../job-data.ts";
import { openEncoder } from "../ports/encoder.ts";
import { readText } from "../ports/files.ts";
import { embedSet } from "./inputs.ts";

/** The training side of an adapter's job with its vectors: all that advice before a run may look at. */
export interface AdviceInputs {
  readonly job: Job;
  readonly train: LoadedDataset;
  readonly vectors: JudgedVectors;
}

/** Reads the job and its training file; embeds what has no given vectors. Other tasks are refused with "usage". */
export async function adviceInputs(path: string, root: string): Promise<AdviceInputs> {
  const file = resolve(path);
  const job = parseJob(file, await readText(file));
  if (job.task !== "adapter") {
    const text = `${file}: field "task" must be "adapter", got "${job.task}"; advice needs frozen vectors`;
    throw new RetuneError("usage", text, { file });
  }
  const train = await loadDataset(job.train, "train");
  if (job.vectors)
    return { job, train, vectors: await loadVectors(job.vectors.train, train, "vectors.train") };
  const encoder = await inJob(job, "model", () => openEncoder(root, job.model!, dirname(file)));
  try {
    const options = { instruction: job.queryInstruction ?? "", label: "train" };
    return { job, train, vectors: await embedSet(root, encoder, train, options) };
  } finally {
    await encoder.close();
  }
}
