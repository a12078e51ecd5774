import { RetuneError } from "../../engine/errors.ts";
import { WorkerLost } from "../protocol/client.ts";
import type { JobView } from "../studio.ts";
import type { RunState } from "../studio-training.ts";

// What runs of projects and of the lab have in common while a tab owns them.

export const JOB_STATES: Readonly<Record<RunState, JobView["state"]>> = {
  running: "running",
  paused: "paused",
  interrupted: "cancelled", // not a job of this tab: Home offers to resume it
  failed: "failed",
  finished: "finished",
  stopped: "finished",
};

const WORKER_TRIES = 3;
const RESUMABLE: readonly RunState[] = ["paused", "interrupted", "failed"];

export function isResumable({ state }: { readonly state: RunState }): boolean {
  return RESUMABLE.includes(state);
}

/** Throws "usage" for a run that cannot go on. */
export function requireResumable(run: { readonly number: number; readonly state: RunState }): void {
  if (isResumable(run)) return;
  const text = `Run ${run.number} is ${run.state}; only a paused or interrupted one goes on.`;
  throw new RetuneError("usage", text);
}

/** Does the work, again with a new worker where one is lost; `note` is told of each, three times at most. */
export async function acrossWorkers<Result>(
  work: () => Promise<Result>,
  note: (text: string) => Promise<unknown>,
): Promise<Result> {
  for (let lost = 0; ;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WorkerLost) || ++lost > WORKER_TRIES) throw error;
      await note(`${error.message}. It was started again and went on from the last checkpoint.`);
    }
  }
}

/** A lost worker, as a person is told of it; everything else as it is. */
export function shownError(error: unknown): unknown {
  return error instanceof WorkerLost ? new RetuneError("hung", error.message) : error;
}

export function takenElsewhere(): RetuneError {
  const text = "Another tab trains this run. Close that tab to go on here.";
  return new RetuneError("owned-elsewhere", text);
}

export function notHere(): RetuneError {
  return new RetuneError("owned-elsewhere", "This run is not training in this tab.");
}
