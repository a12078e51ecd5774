import type { EvaluationReport } from "../../domain/eval/report.ts";
import type { RunControl } from "../../domain/ports.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { RetuneError } from "../../engine/errors.ts";
import { lossObstacle } from "../jobs/loss-needs.ts";
import { checkEnoughData } from "../jobs/recipe-facts.ts";
import type { RunEvent } from "../protocol/calls.ts";
import { newRun } from "../jobs/new-run.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { JobView } from "../studio.ts";
import type { Recipe, RunPlan, RunResults, RunSummary, RunView, RungName } from "../studio-training.ts";
import type { Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import { jobFileOf } from "./job-file.ts";
import { JOB_STATES } from "./run-life.ts";
import type { RunLocks } from "./run-locks.ts";
import { RunOwner } from "./run-owner.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface RunDeskPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly emitter: Emitter;
  readonly locks: RunLocks;
  readonly key: (encoderId: string) => string | undefined;
  /** Tells the other tabs. */
  readonly broadcast: (run: RunView) => void;
}

/** Runs as the page sees them: planned, started, listed, told about. */
export class RunDesk {
  readonly owner: RunOwner;
  private readonly ports: RunDeskPorts;
  private readonly shown = new Map<string, RunView>(); // the latest view of runs that are under way

  constructor(ports: RunDeskPorts) {
    this.ports = ports;
    const { workspace, workers, locks, environment, key, broadcast } = ports;
    const choice = () => environment.backendChoice;
    this.owner = new RunOwner({
      workspace,
      workers,
      locks,
      choice,
      key,
      tell: (run, label) => {
        this.show(run, label);
        if (!run.ownedElsewhere) broadcast(run);
      },
      show: (run) => this.show(run),
    });
  }

  async plan(projectId: string, recipe: Recipe, control: RunControl): Promise<RunPlan> {
    const { workspace, workers } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { vectors } = await workers.data.call("facts", { projectId });
    const textsToEmbed = vectors.needed - vectors.cached;
    const choice = this.ports.environment.backendChoice;
    const planned = await workers.train.call("plan", { projectId, recipe, choice }, control);
    const measured = (await workspace.setting(`texts per second ${encoderId}`)) as number | undefined;
    const secondsToEmbed = textsToEmbed === 0 ? 0 : measured ? textsToEmbed / measured : null;
    return { ...planned, textsToEmbed, secondsToEmbed };
  }

  async start(projectId: string, recipe: Recipe, rung?: RungName): Promise<string> {
    const { workspace, workers } = this.ports;
    const project = await workspace.projects.get(projectId);
    const encoderId = this.encoderOf(recipe) ?? project.encoderId;
    const facts = await workers.data.call("facts", { projectId });
    const router = recipe.task === "router" ? await workspace.parts.router(projectId) : undefined;
    if (recipe.task !== "router") checkEnoughData(facts.split.train.questions, facts.split.test.questions);
    const needs = (await workers.data.call("lossNeeds", { projectId }))[recipe.task];
    const obstacle = needs ? lossObstacle(needs, recipe) : null;
    if (obstacle !== null) throw new RetuneError("too-little-data", obstacle);
    const dataHash = router ? await sha256(JSON.stringify(router.dataset)) : facts.dataHash;
    const run = await workspace.runs.create({
      ...newRun(projectId, encoderId, recipe, dataHash),
      ...(rung ? { rung } : {}),
    });
    await this.owner.begin(run);
    return run.id;
  }

  /** A model that was tuned elsewhere goes the rest of a run's way: it is embedded with and judged beside its base. */
  async judgeImported(runId: string): Promise<void> {
    const { workspace, workers } = this.ports;
    const run = await workspace.runs.get(runId);
    if (run.recipe.task === "adapter") return;
    const { split, dataHash } = await workers.data.call("facts", { projectId: run.projectId });
    if (split.test.questions === 0) return;
    await this.owner.begin(await workspace.runs.update(runId, { state: "running", dataHash }));
  }

  /** A run that starts from another encoder is judged beside that one. */
  private encoderOf(recipe: Recipe): string | undefined {
    return recipe.task === "encoder" || recipe.task === "lora" ? recipe.base : undefined;
  }

  async list(projectId: string): Promise<readonly RunSummary[]> {
    return (await this.ports.workspace.runs.ofProject(projectId)).map(summaryOf).reverse();
  }

  async view(runId: string): Promise<RunView> {
    const shown = this.shown.get(runId);
    if (shown?.state === "running") return shown;
    return this.owner.viewOf(await this.ports.workspace.runs.get(runId));
  }

  async judgeStrength(runId: string, strength: number): Promise<void> {
    const { workers, environment } = this.ports;
    const choice = environment.backendChoice;
    this.show(this.owner.viewOf(await workers.train.call("judgeStrength", { runId, strength, choice })));
  }

  results(runId: string): Promise<RunResults> {
    return this.ports.workspace.runs.results(runId);
  }

  report(runId: string): Promise<EvaluationReport> {
    return this.ports.workspace.runs.report(runId);
  }

  async jobFile(runId: string): Promise<string> {
    const { workspace, environment } = this.ports;
    const run = await workspace.runs.get(runId);
    const encoder = await encoderById(workspace, run.encoderId);
    return jobFileOf(run, encoder.name, environment.view.backend.active);
  }

  hear(event: RunEvent): void {
    this.owner.hear(event);
  }

  private show(run: RunView, label?: string): void {
    const { emitter } = this.ports;
    this.shown.set(run.id, run);
    emitter.emit({ kind: "run", run });
    emitter.emit({ kind: "job", job: jobOf(run, label) });
    if (run.state === "running") return;
    this.shown.delete(run.id);
    emitter.emit({ kind: "project", projectId: run.projectId });
    emitter.emit({ kind: "projects" });
  }
}

function jobOf(run: RunView, label: string | undefined): JobView {
  const { done, total, etaSeconds } = run.progress;
  return {
    id: run.id,
    kind: "train",
    projectId: run.projectId,
    runId: run.id,
    state: JOB_STATES[run.state],
    label: label ?? `Run ${run.number}`,
    done,
    total,
    etaSeconds,
    ...(run.error ? { error: run.error } : {}),
  };
}

export function summaryOf(run: RunRecord): RunSummary {
  const { id, projectId, number, state, recipe, imported, startedAt, seconds } = run;
  const { verdict, mrrDelta, accuracy, accuracyDelta } = run;
  return {
    ...{ id, projectId, number, state, recipe, imported, startedAt, seconds },
    ...(verdict === undefined ? {} : { verdict }),
    ...(mrrDelta === undefined ? {} : { mrrDelta }),
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(accuracyDelta === undefined ? {} : { accuracyDelta }),
  };
}
