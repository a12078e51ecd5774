import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { RunResults } from "../studio-training.ts";
import type { RunRecord } from "../storage/records.ts";
import { requireRoom } from "../storage/quota.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import type { LiveRun } from "./live-run.ts";
import { openTest } from "./openings.ts";
import type { LookAtProbes, RunTotals } from "./live-run.ts";
import { trainRun } from "./train.ts";
import type { OpenBackend, RecipeTypes, TrainListener, TrainOutcome, TrainRequest } from "./train.ts";
import type { ProbeView } from "../studio-training.ts";

const STOPPED = "Stopped by hand; the best so far was kept.";

/** What a run needs besides its data: where things are kept, what computes, who is told. */
export interface RunPorts {
  readonly workspace: Workspace;
  readonly openBackend: OpenBackend;
  readonly models: ModelSource;
  readonly freeBytes: () => Promise<number | null>; // that this origin may still store
  readonly now: () => number;
  readonly emit: (run: RunRecord, checkpointAge: number | null) => void;
  readonly wish: () => "go" | "pause" | "stop";
}

/** Recipes whose steps a `LiveRun` shows. */
interface LiveTypes extends RecipeTypes {
  readonly step: TrainingStep;
}

/** What differs between recipes while they train. */
export interface TrainedPart<T extends LiveTypes> extends Omit<TrainRequest<T>, "runId"> {
  totals(run: T["run"]): RunTotals;
  /** What its checkpoints and its result will take; looked at before the first step. */
  bytes?(run: T["run"]): number;
  readonly probesBefore?: readonly ProbeView[];
  probes?(run: T["run"]): ReturnType<LookAtProbes>;
}

/** Trains a run that is shown live, with checkpoints; "paused" where it was asked to. */
export async function trainLive<T extends LiveTypes>(
  ports: RunPorts,
  live: LiveRun,
  part: TrainedPart<T>,
): Promise<TrainOutcome<T["trained"]>> {
  const { runs, checkpoints } = ports.workspace;
  const runId = live.current.id;
  const listener: TrainListener<T> = {
    wish: ports.wish,
    onStart: (run, backend) => live.start(part.totals(run), backend, part.probesBefore),
    onStep: (step, run) => live.step(step, part.probes && (() => part.probes!(run))),
    onSaved: async () => {
      live.saved();
      await runs.update(runId, live.current);
    },
    onNote: (note) => live.note(note),
  };
  const train = { openBackend: ports.openBackend, checkpoints, now: ports.now };
  const open: TrainRequest<T>["open"] = async (backend, saved) => {
    const run = await part.open(backend, saved);
    if (saved === undefined && part.bytes) requireRoom(part.bytes(run), await ports.freeBytes());
    return run;
  };
  const outcome = await trainRun<T>(train, { runId, open }, listener);
  if (outcome.kind === "stopped") live.note(STOPPED);
  return outcome;
}

/** The last words of a run: its results and its record in one transaction; checkpoints are not needed any more. */
export async function finishRun(
  ports: RunPorts,
  live: LiveRun,
  results: RunResults,
  change: Partial<RunRecord>,
): Promise<RunRecord> {
  const { workspace } = ports;
  const record = live.current;
  const testOpenings = await openTest(workspace, record, "judged");
  const stopped = record.notes.some((note) => note === STOPPED);
  const finished = await workspace.runs.finish(record.id, results, {
    ...record,
    state: stopped ? "stopped" : "finished",
    stage: "done",
    progress: { done: record.progress.total, total: record.progress.total },
    testOpenings,
    ...change,
  });
  await workspace.checkpoints.remove(record.id);
  ports.emit(finished, null);
  return finished;
}
