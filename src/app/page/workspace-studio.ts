import type { WorkerEvent } from "../protocol/calls.ts";
import { reranked } from "../jobs/rerank-answer.ts";
import { sent } from "./files.ts";
import { GateDesk } from "./gate-desk.ts";
import { MapDesk } from "./map-desk.ts";
import { MiningDesk } from "./mining-desk.ts";
import { RouterPageStudio } from "./router-studio.ts";
import { VerdictDesk } from "./verdict-desk.ts";
import type { BackendChoice, EnvironmentView, StorageView, Studio, StudioEvent } from "../studio.ts";
import type { SearchAnswer, SearchRequest } from "../studio-playground.ts";
import type { RunSummary } from "../studio-training.ts";

const RERANK_TOP = 100; // passages a cross-encoder reads, as the guide's

/** The Studio over a workspace and its workers. */
export class WorkspaceStudio extends RouterPageStudio implements Studio {
  readonly gate = new GateDesk(this.ports);
  readonly teachers = this.ports.teachers;
  readonly maps = new MapDesk(this.ports);
  readonly mining = new MiningDesk(this.ports);
  readonly verdicts = new VerdictDesk(this.ports);
  readonly lab = this.ports.lab;

  subscribe(listener: (event: StudioEvent) => void): () => void {
    return this.ports.emitter.subscribe(listener);
  }

  environment(): EnvironmentView {
    return this.ports.environment.view;
  }

  async chooseBackend(choice: BackendChoice): Promise<void> {
    const { workers, environment, workspace } = this.ports;
    environment.setBackend(choice, await workers.train.call("probe", { choice }));
    await workspace.saveSetting("backend", choice);
  }

  async search(projectId: string, request: SearchRequest): Promise<SearchAnswer> {
    const started = performance.now();
    const { desk, workers } = this.ports;
    const vectors = request.view === "lexical" ? {} : await desk.questionVectors(projectId, request);
    const embed = request.view === "lexical" ? null : performance.now() - started;
    const { rerankRunId, rerankTop = RERANK_TOP } = request;
    const first = {
      ...request,
      top: rerankRunId === undefined ? request.top : Math.max(request.top, rerankTop),
    };
    const answer = await workers.data.call("search", { projectId, request: first, vectors });
    const timed = { ...answer, latency: { ...answer.latency, embed } };
    if (rerankRunId === undefined) return timed;
    return reranked(timed, request.top, (passages) =>
      workers.embed.call("rerank", { runId: rerankRunId, text: request.text, passages }),
    );
  }

  async importAdapter(projectId: string, files: readonly File[]): Promise<RunSummary> {
    const runId = await this.ports.workers.data.call("importAdapter", { projectId, files: files.map(sent) });
    await this.ports.runs.judgeImported(runId);
    this.changed(projectId);
    return (await this.runs(projectId)).find((run) => run.id === runId)!;
  }

  cancel(jobId: string): Promise<void> {
    this.ports.jobs.cancel(jobId);
    return Promise.resolve();
  }

  storage(): Promise<StorageView> {
    return this.ports.storage();
  }

  persistStorage(): Promise<boolean> {
    return this.ports.persist();
  }

  /** What the workers tell besides their answers. */
  hear(event: WorkerEvent): void {
    if (event.kind === "request") this.ports.environment.countRequest();
    else if (event.kind === "storage-problem") this.ports.emitter.emit(event);
    else if (event.kind === "run") this.ports.runs.hear(event);
    else this.lab.hear(event);
  }
}
