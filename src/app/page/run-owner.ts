import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import { learnsOnVectors } from "../jobs/judge-router.ts";
import { instructionOf, queryInstructionOf } from "../jobs/recipe-facts.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { RunEvent } from "../protocol/calls.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { BackendChoice } from "../studio.ts";
import type { RunView } from "../studio-training.ts";
import { Eta } from "./eta.ts";
import {
  acrossWorkers,
  isResumable,
  notHere,
  requireResumable,
  shownError,
  takenElsewhere,
} from "./run-life.ts";
import type { RunLocks } from "./run-locks.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface RunOwnerPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly locks: RunLocks;
  readonly choice: () => BackendChoice;
  readonly key: (encoderId: string) => string | undefined; // of an endpoint, in memory only
  readonly tell: (run: RunView, label?: string) => void; // to this page and the other tabs
  readonly show: (run: RunView) => void; // to this page only
}

interface LiveRun {
  readonly embedding: AbortController;
  wish: "go" | "pause" | "stop" | "discard";
  checkpointAge: number | null;
  readonly eta: Eta;
}

/**
 * Owns the runs of this tab: holds each run's lock, embeds what is missing, trains, and starts a killed worker again
 * from the last checkpoint. A run that another tab owns is only looked at.
 */
export class RunOwner {
  private readonly ports: RunOwnerPorts;
  private readonly live = new Map<string, LiveRun>();
  private readonly elsewhere = new Set<string>();

  constructor(ports: RunOwnerPorts) {
    this.ports = ports;
  }

  /** After a reload: runs that nobody owns were interrupted; those of another tab are watched until it is gone. */
  async findInterrupted(): Promise<void> {
    for (const run of await this.ports.workspace.runs.all()) {
      if (run.state !== "running") continue;
      if (await this.ports.locks.isHeld(run.id)) this.watch(run.id);
      else await this.markInterrupted(run.id);
    }
  }

  /** Starts or resumes; "owned-elsewhere" where another tab holds the run. Resolves once it is owned. */
  async begin(run: RunRecord, wish: "go" | "stop" = "go"): Promise<void> {
    const live: LiveRun = {
      embedding: new AbortController(),
      wish,
      checkpointAge: null,
      eta: new Eta(),
    };
    const owned = await this.ports.locks.own(run.id, async () => {
      this.live.set(run.id, live);
      try {
        await this.drive(run, live);
      } finally {
        this.live.delete(run.id);
      }
    });
    if (!owned) {
      this.watch(run.id);
      throw takenElsewhere();
    }
  }

  async resume(runId: string): Promise<void> {
    const run = await this.ports.workspace.runs.get(runId);
    if (this.live.has(runId)) return;
    requireResumable(run);
    await this.begin(run);
  }

  async pause(runId: string): Promise<void> {
    const live = this.ownedRun(runId);
    live.wish = "pause";
    live.embedding.abort();
    await this.ports.workers.train.call("pause", { runId });
  }

  async stopAndKeep(runId: string): Promise<void> {
    const { workspace, workers } = this.ports;
    const live = this.live.get(runId);
    if (live) {
      live.wish = "stop";
      await workers.train.call("stopAndKeep", { runId });
      return;
    }
    const run = await workspace.runs.get(runId);
    if (!isResumable(run)) throw notHere();
    await this.begin(run, "stop"); // from its checkpoint, for the one step that keeping takes
  }

  async discard(runId: string): Promise<void> {
    const live = this.live.get(runId);
    if (!live && (await this.ports.locks.isHeld(runId))) throw notHere();
    if (live) {
      live.wish = "discard";
      live.embedding.abort();
      this.ports.workers.endTraining();
      await this.ports.locks.released(runId);
    }
    await this.ports.workspace.runs.remove(runId);
  }

  hear({ runId, run, checkpointAge }: RunEvent): void {
    const live = this.live.get(runId);
    if (!live) return;
    live.checkpointAge = checkpointAge;
    this.ports.tell(this.viewOf(run));
  }

  viewOf(run: RunRecord): RunView {
    const live = this.live.get(run.id);
    const { done, total } = run.progress;
    const etaSeconds = live && run.state === "running" ? live.eta.left(done, total, run.stage) : null;
    return {
      ...run,
      progress: { done, total, etaSeconds },
      tokensPerSecond: run.tokensPerSecond ?? null,
      strengths: run.strengths ?? [],
      checkpointAge: live?.checkpointAge ?? null,
      ownedElsewhere: this.elsewhere.has(run.id),
    };
  }

  private async drive(run: RunRecord, live: LiveRun): Promise<void> {
    const { workspace, tell } = this.ports;
    try {
      const { error: _error, ...rest } = run;
      tell(this.viewOf({ ...rest, state: "running" }));
      await workspace.runs.update(run.id, { state: "running" });
      const finished = await this.withWorkers(run, live);
      this.live.delete(run.id);
      tell(this.viewOf(finished));
    } catch (error) {
      if (live.wish === "discard") return;
      await this.fail(run.id, live, error);
    }
  }

  private async withWorkers(run: RunRecord, live: LiveRun): Promise<RunRecord> {
    const { workers, workspace, choice } = this.ports;
    const work = async (): Promise<RunRecord> => {
      await this.embed(run, live);
      if (live.wish === "discard") throw new RetuneError("cancelled", "The run was discarded.");
      if (live.wish === "pause") return workspace.runs.update(run.id, { state: "paused" });
      const stop = live.wish === "stop";
      return workers.train.call("train", { runId: run.id, choice: choice(), stop });
    };
    return acrossWorkers(work, async (note) => {
      const { notes } = await workspace.runs.get(run.id);
      await workspace.runs.update(run.id, { notes: [...notes, note] });
    });
  }

  private async embed(run: RunRecord, live: LiveRun): Promise<void> {
    const { workers, workspace, key, tell } = this.ports;
    const encoder = await encoderById(workspace, run.encoderId);
    const secret = key(run.encoderId);
    const control: RunControl = {
      signal: live.embedding.signal,
      onProgress: ({ done, total, label }) =>
        tell(this.viewOf({ ...run, state: "running", stage: "embedding", progress: { done, total } }), label),
    };
    const { recipe } = run;
    const router = recipe.task === "router";
    if (router && !learnsOnVectors(recipe.settings)) return; // it reads the texts themselves
    const instruction = router ? queryInstructionOf(recipe) : instructionOf(recipe, encoder);
    const texts = router ? "router" : "search";
    const address = { encoderId: run.encoderId, ...(secret === undefined ? {} : { key: secret }) };
    try {
      await workers.embed.call(
        "embed",
        { projectId: run.projectId, instruction, texts, ...address },
        control,
      );
    } catch (error) {
      if (live.wish !== "pause") throw error;
    }
  }

  /** A full disk pauses: nothing saved is lost, and freeing space lets the run go on. All else has failed. */
  private async fail(runId: string, live: LiveRun, error: unknown): Promise<void> {
    const { workspace, tell } = this.ports;
    const full = error instanceof RetuneError && error.code === "storage-full";
    const state = full || live.wish === "pause" ? "paused" : "failed";
    this.live.delete(runId);
    const change = { state, error: toWire(shownError(error)) } as const;
    try {
      tell(this.viewOf(await workspace.runs.update(runId, change)));
    } catch {
      tell(this.viewOf({ ...(await workspace.runs.get(runId)), ...change })); // not even this could be stored
    }
  }

  private watch(runId: string): void {
    if (this.elsewhere.has(runId)) return;
    this.elsewhere.add(runId);
    void this.ports.locks.released(runId).then(async () => {
      this.elsewhere.delete(runId);
      const run = await this.ports.workspace.runs.get(runId).catch(() => null);
      if (run?.state === "running") await this.markInterrupted(runId);
      else if (run) this.ports.tell(this.viewOf(run));
    });
  }

  /** Progress of another tab's run, as it broadcasts it. */
  overhear(view: RunView): void {
    if (this.live.has(view.id)) return;
    const running = view.state === "running";
    if (running) this.watch(view.id);
    this.ports.show({ ...view, ownedElsewhere: running }); // told back, two tabs would go on telling each other
  }

  private async markInterrupted(runId: string): Promise<void> {
    this.ports.tell(this.viewOf(await this.ports.workspace.runs.update(runId, { state: "interrupted" })));
  }

  private ownedRun(runId: string): LiveRun {
    const live = this.live.get(runId);
    if (!live) throw notHere();
    return live;
  }
}
