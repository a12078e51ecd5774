import { readToolFile } from "../../src/domain/lab/react/react-rows.ts";
import { reactTaskWith } from "../../src/domain/lab/react/react-task.ts";
import { inJob } from "../job.ts";
import type { LabJob } from "../job-lab.ts";
import { readBytes } from "../ports/files.ts";
import { plainSystem, type LabSystem } from "./lab-system.ts";

/** An agent; its tools come from a file of their own where the job names one. */
export async function acting(job: LabJob): Promise<LabSystem> {
  const { tools } = job;
  if (tools === undefined) return plainSystem(reactTaskWith([]));
  const bytes = await readBytes(tools, "tools");
  return plainSystem(reactTaskWith(await inJob(job, "tools", () => readToolFile(tools, bytes))));
}
