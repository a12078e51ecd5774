import { RetuneError } from "../../engine/errors.ts";
import type { LabTaught } from "../jobs/lab-distil.ts";
import type { LabTeaching } from "../studio-lab.ts";
import type { Environment } from "./environment.ts";
import { sent } from "./files.ts";
import type { JobBoard } from "./job-board.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface LabTeachingPorts {
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly jobs: JobBoard;
}

/** Starts asking a teacher and answers the job's id; "unsupported" on the sealed page, before anything is sent. */
export function startTeaching(
  { workers, environment, jobs }: LabTeachingPorts,
  labId: string,
  { source, ...rest }: LabTeaching,
  changed: () => void,
): Promise<string> {
  if (environment.view.page !== "connected") {
    const text = "This page cannot reach other machines. Open the connected page to ask a teacher.";
    return Promise.reject(new RetuneError("unsupported", text));
  }
  const teaching = {
    ...rest,
    source: source.kind === "file" ? { kind: "file" as const, file: sent(source.file) } : source,
  };
  const request = { kind: "distil", projectId: labId, label: "Asking the teacher", lab: true } as const;
  const id = jobs.start(request, async (control) => {
    try {
      return toldTaught(await workers.lab.call("distil", { labId, teaching }, control));
    } finally {
      changed(); // also what was answered before it was cancelled or failed
    }
  });
  return Promise.resolve(id);
}

function toldTaught({ answered, asked, requests, sentBytes, origin, failure }: LabTaught): string {
  const failed = failure === null ? "" : ` The first that failed: ${failure}`;
  const size = sentBytes < 1e6 ? `${Math.ceil(sentBytes / 1000)} kB` : `${(sentBytes / 1e6).toFixed(1)} MB`;
  const left = requests === 0 ? "nothing had to be sent" : `${requests} requests, ${size}, went to ${origin}`;
  return `${answered} of ${asked} questions answered; ${left}.${failed}`;
}
