import type { EnvironmentView, JobView, StorageView, Studio, StudioEvent } from "../../app/studio.ts";
import type { ProjectSummary } from "../../app/studio-data.ts";
import type { RunSummary, RunView } from "../../app/studio-training.ts";
import { failureOf, type Failure } from "../failure.ts";

type ById<Value> = Readonly<Record<string, Value>>;

/** What is known everywhere on the page: device, projects, jobs and live runs. Lives as long as the page. */
export class StudioState {
  readonly studio: Studio;
  environment: EnvironmentView = $state.raw()!;
  projects: readonly ProjectSummary[] | null = $state.raw(null);
  unfinished: readonly RunSummary[] = $state.raw([]);
  jobs: ById<JobView> = $state.raw({});
  runs: ById<RunView> = $state.raw({}); // last view of every run that was seen
  storage: StorageView | null = $state.raw(null);
  notice: Failure | null = $state.raw(null); // the last action that failed
  storageProblem: Failure | null = $state.raw(null);

  constructor(studio: Studio) {
    this.studio = studio;
    this.environment = studio.environment();
  }

  /** The job the strip shows: the newest that still runs. */
  get runningJob(): JobView | null {
    const live = Object.values(this.jobs).filter((job) => job.state === "running" || job.state === "paused");
    return live.find((job) => job.kind === "train") ?? live.at(-1) ?? null;
  }

  follow(): () => void {
    const leave = this.studio.subscribe((event) => this.#take(event));
    void this.reloadProjects();
    void this.reloadStorage();
    return leave;
  }

  async reloadProjects(): Promise<void> {
    await this.attempt(async () => {
      const projects = await this.studio.projects();
      this.projects = projects;
      const recent = projects.filter((project) => project.runs > 0).slice(0, 12);
      const runs = await Promise.all(recent.map((project) => this.studio.runs(project.id)));
      this.unfinished = runs.flat().filter((run) => run.state === "interrupted" || run.state === "paused");
    });
  }

  async reloadStorage(): Promise<void> {
    await this.attempt(async () => {
      this.storage = await this.studio.storage();
    });
  }

  /** Runs an action; where it fails, the reason becomes the page's notice and undefined comes back. */
  async attempt<Result>(action: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await action();
      return result;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code !== "cancelled") this.notice = failure;
      return undefined;
    }
  }

  /** Pauses or resumes the run that a training job belongs to. */
  async togglePause(): Promise<void> {
    const job = this.runningJob;
    const runId = job?.runId;
    if (!job || runId === undefined) return;
    const runs = job.lab ? this.studio.lab : this.studio;
    await this.attempt(() => (job.state === "paused" ? runs.resume(runId) : runs.pause(runId)));
  }

  #take(event: StudioEvent): void {
    if (event.kind === "environment") this.environment = event.environment;
    else if (event.kind === "projects") void this.reloadProjects();
    else if (event.kind === "job") this.#takeJob(event.job);
    else if (event.kind === "run") this.#takeRun(event.run);
    else if (event.kind === "storage-problem") this.storageProblem = event.error;
  }

  #takeJob(job: JobView): void {
    this.jobs = { ...this.jobs, [job.id]: job };
    if (job.state === "running" || job.state === "paused") return;
    void this.reloadStorage();
    if (job.state === "failed" && job.error && job.kind !== "train") this.notice = job.error;
  }

  #takeRun(run: RunView): void {
    const before = this.runs[run.id]?.state;
    this.runs = { ...this.runs, [run.id]: run };
    if (before !== undefined && before !== run.state) void this.reloadProjects();
  }
}
