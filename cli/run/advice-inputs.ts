import { dirname, resolve } from "node:path";
import type { JudgedVectors } from "../../src/domain/eval/evaluate.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { inJob, parseJob, type AnyJob, type Job } from "../job.ts";
import { loadDataset, loadVectors, type LoadedDataset } from "../job-data.ts";
import { openEncoder } from "../ports/encoder.ts";
import { readText } from "../ports/files.ts";
import { embedSet } from "./inputs.ts";

/** What advice needs of a job, whatever is to be trained. */
export interface AdviceJob {
  readonly file: string;
  readonly seed: number;
  readonly validation?: string;
}

/** The training side of a job with its vectors: all that advice before a run may look at. */
export interface AdviceInputs {
  readonly job: AdviceJob;
  readonly adapter: Job | null; // where the job is an adapter's
  readonly train: LoadedDataset;
  readonly vectors: JudgedVectors;
}

/** Reads the job and its training file; embeds what has no given vectors. Re-rankers and routers are refused: "usage". */
export async function adviceInputs(path: string, root: string): Promise<AdviceInputs> {
  const file = resolve(path);
  const job = parseJob(file, await readText(file));
  if (job.task !== "adapter" && job.task !== "encoder" && job.task !== "lora") {
    const text = `${file}: field "task" must be "adapter", "encoder" or "lora", got "${job.task}"`;
    throw new RetuneError("usage", text, { file });
  }
  const adapter = job.task === "adapter" ? job : null;
  const train = await loadDataset(job.train, "train");
  const facts = { job: adviceJob(job), adapter, train };
  if (adapter?.vectors) {
    return { ...facts, vectors: await loadVectors(adapter.vectors.train, train, "vectors.train") };
  }
  const encoder = await inJob(job, "model", () => openEncoder(root, job.model!, dirname(file)));
  try {
    const options = { instruction: job.queryInstruction ?? "", label: "train" };
    return { ...facts, vectors: await embedSet(root, encoder, train, options) };
  } finally {
    await encoder.close();
  }
}

function adviceJob({
  file,
  seed,
  validation,
}: Pick<AnyJob, "file" | "seed"> & { validation?: string | undefined }): AdviceJob {
  return { file, seed, ...(validation === undefined ? {} : { validation }) };
}
