import { RetuneError, toWire } from "../../engine/errors.ts";
import type { LabEvent } from "../protocol/lab-calls.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { BackendChoice, JobView } from "../studio.ts";
import type { LabRunView } from "../studio-lab.ts";
import { Eta } from "./eta.ts";
import {
  acrossWorkers,
  JOB_STATES,
  notHere,
  requireResumable,
  shownError,
  takenElsewhere,
} from "./run-life.ts";
import type { RunLocks } from "./run-locks.ts";
import type { WorkerPool } from "./worker-pool.ts";

interface LabRunsPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly locks: RunLocks;
  readonly choice: () => BackendChoice;
  readonly tell: (run: LabRunView) => void;
}

interface Live {
  wish: "go" | "pause" | "stop" | "discard";
  checkpointAge: number | null;
  readonly eta: Eta;
}

/** Owns the lab runs of this tab: holds each run's lock, and starts a killed worker again from the last checkpoint. */
export class LabRuns {
  private readonly ports: LabRunsPorts;
  private readonly live = new Map<string, Live>();
  private readonly shown = new Map<string, LabRunView>(); // the latest view of runs that are under way

  constructor(ports: LabRunsPorts) {
    this.ports = ports;
  }

  /** After a reload: runs that nobody owns were interrupted. */
  async findInterrupted(): Promise<void> {
    const { workspace, locks } = this.ports;
    for (const run of await workspace.lab.runs()) {
      if (run.state !== "running" || (await locks.isHeld(run.id))) continue;
      await workspace.lab.changeRun(run.id, { state: "interrupted" });
    }
  }

  /** Starts or resumes; "owned-elsewhere" where another tab holds the run. Resolves once it is owned. */
  async begin(run: LabRunRecord, wish: "go" | "stop" = "go"): Promise<void> {
    const live: Live = { wish, checkpointAge: null, eta: new Eta() };
    const owned = await this.ports.locks.own(run.id, async () => {
      this.live.set(run.id, live);
      try {
        await this.drive(run, live);
      } finally {
        this.live.delete(run.id);
      }
    });
    if (!owned) throw takenElsewhere();
  }

  async resume(runId: string): Promise<void> {
    const run = await this.ports.workspace.lab.run(runId);
    if (this.live.has(runId)) return;
    requireResumable(run);
    await this.begin(run);
  }

  async pause(runId: string): Promise<void> {
    this.ownedRun(runId).wish = "pause";
    await this.ports.workers.lab.call("pause", { runId });
  }

  async stopAndKeep(runId: string): Promise<void> {
    const live = this.live.get(runId);
    if (live) {
      live.wish = "stop";
      await this.ports.workers.lab.call("stopAndKeep", { runId });
      return;
    }
    const run = await this.ports.workspace.lab.run(runId);
    requireResumable(run);
    await this.begin(run, "stop"); // from its checkpoint, for the one step that keeping takes
  }

  async discard(runId: string): Promise<void> {
    const { locks, workers, workspace } = this.ports;
    const live = this.live.get(runId);
    if (!live && (await locks.isHeld(runId))) throw notHere();
    if (live) {
      live.wish = "discard";
      workers.endLab();
      await locks.released(runId);
    }
    await workspace.lab.removeRun(runId);
  }

  async view(runId: string): Promise<LabRunView> {
    const shown = this.shown.get(runId);
    if (shown?.state === "running") return shown;
    const run = await this.ports.workspace.lab.run(runId);
    const elsewhere = run.state === "running" && !this.live.has(runId);
    return { ...this.viewOf(run), ownedElsewhere: elsewhere };
  }

  hear({ run, checkpointAge }: Extract<LabEvent, { readonly kind: "lab-run" }>): void {
    const live = this.live.get(run.id);
    if (!live) return;
    live.checkpointAge = checkpointAge;
    this.tell(this.viewOf(run));
  }

  private viewOf(run: LabRunRecord): LabRunView {
    const live = this.live.get(run.id);
    const { done, total } = run.progress;
    const etaSeconds = live && run.state === "running" ? live.eta.left(done, total, run.stage) : null;
    const checkpointAge = live?.checkpointAge ?? null;
    return { ...run, progress: { done, total, etaSeconds }, checkpointAge, ownedElsewhere: false };
  }

  private async drive(run: LabRunRecord, live: Live): Promise<void> {
    const { workspace } = this.ports;
    try {
      this.tell(this.viewOf(await workspace.lab.changeRun(run.id, { state: "running" })));
      const ended = await this.withWorker(run, live);
      this.live.delete(run.id);
      this.tell(this.viewOf(ended));
    } catch (error) {
      if (live.wish === "discard") return;
      this.live.delete(run.id);
      const full = error instanceof RetuneError && error.code === "storage-full";
      const change = { state: full ? "paused" : "failed", error: toWire(shownError(error)) } as const;
      this.tell(this.viewOf(await workspace.lab.changeRun(run.id, change)));
    }
  }

  private withWorker(run: LabRunRecord, live: Live): Promise<LabRunRecord> {
    const { workers, workspace, choice } = this.ports;
    const work = (): Promise<LabRunRecord> => {
      const stop = live.wish === "stop";
      return workers.lab.call("train", { runId: run.id, choice: choice(), stop });
    };
    return acrossWorkers(work, async (note) => {
      const { notes } = await workspace.lab.run(run.id);
      await workspace.lab.changeRun(run.id, { notes: [...notes, note] });
    });
  }

  private tell(run: LabRunView): void {
    if (run.state === "running") this.shown.set(run.id, run);
    else this.shown.delete(run.id);
    this.ports.tell(run);
  }

  private ownedRun(runId: string): Live {
    const live = this.live.get(runId);
    if (!live) throw notHere();
    return live;
  }
}

/** A run as the strip shows it. */
export function labJobOf({ id, labId, number, state, progress, error }: LabRunView): JobView {
  return {
    ...{ id, kind: "train", projectId: labId, runId: id, lab: true, label: `Run ${number}`, ...progress },
    state: JOB_STATES[state],
    ...(error ? { error } : {}),
  };
}
