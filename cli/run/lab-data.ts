import type { LabExample, LabNote, LabSides, LabTask } from "../../src/domain/lab/lab-task.ts";
import { rowBytes } from "../../src/domain/lab/row-bytes.ts";
import { evenly, partedForLooking, sharedGroups, splitRows } from "../../src/domain/lab/split-rows.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { readBytes, sha256 } from "../ports/files.ts";

/** The rows of a job by their part in it. */
export interface LabData {
  readonly task: LabTask;
  readonly train: readonly LabExample[]; // learnt
  readonly look: readonly LabExample[]; // whose loss chooses the step; may be empty
  readonly test: readonly LabExample[]; // what both models are asked
  readonly replay: readonly LabExample[]; // learnt, too, so that it is not forgotten
  readonly notes: readonly string[];
  readonly hashes: Readonly<Record<string, string>>; // SHA-256 of the files
  readonly trainBytes: Uint8Array;
}

interface ReadFile {
  readonly examples: readonly LabExample[];
  readonly bytes: Uint8Array;
}

/** Reads the files of a job and parts them by groups: what is asked is never learnt, unless the task says so. */
export async function loadLabData(job: LabJob, task: LabTask): Promise<LabData> {
  const notes: string[] = [];
  const hashes: Record<string, string> = { job: sha256(await readBytes(job.file)) };
  const read = async (field: "train" | "validation" | "test" | "replay"): Promise<ReadFile | undefined> => {
    const file = field === "replay" ? job.replay?.file : job[field];
    if (file === undefined) return undefined;
    const bytes = await readBytes(file, field);
    hashes[field === "validation" ? "looks" : field] = sha256(bytes); // "validation" is what judges, elsewhere
    const found = await inJob(job, field, async () =>
      task.read(file, await rowBytes(file, bytes), { skipBadRows: job.skipBadRows }),
    );
    notes.push(...found.notes.map((note) => noteLine(field, note)));
    return { examples: found.examples, bytes };
  };
  const train = (await read("train"))!;
  const [validation, test, replay] = [await read("validation"), await read("test"), await read("replay")];
  const sides = await sidesOf(job, task, train.examples, test?.examples);
  const shared = task.sides ? [] : sharedGroups(sides);
  if (shared.length > 0) notes.push(`${shared.length} groups stand in train and test, such as ${shared[0]}`);
  const parted = validation
    ? { train: sides.train, look: validation.examples }
    : partedForLooking(task, sides.train);
  const asked = job.testRows === undefined ? sides.test : evenly(sides.test, job.testRows);
  if (asked.length < sides.test.length)
    notes.push(`${asked.length} of ${sides.test.length} test rows are asked`);
  return {
    task,
    ...parted,
    test: asked,
    replay: replay?.examples ?? [],
    notes,
    hashes,
    trainBytes: train.bytes,
  };
}

/** The seed of a job does not part rows: all its runs hold the same ones out, so that they compare. */
async function sidesOf(
  job: LabJob,
  task: LabTask,
  train: readonly LabExample[],
  test: readonly LabExample[] | undefined,
): Promise<LabSides> {
  const { testShare } = job;
  const settings = {
    ...(testShare === undefined ? {} : { share: testShare }),
    ...(test ? { test } : {}),
  };
  return inJob(job, "train", () => splitRows(task, train, settings));
}

function noteLine(field: string, { line, reason, skipped }: LabNote): string {
  return `${field}, line ${line}: ${reason}${skipped ? "; left out" : ""}`;
}
