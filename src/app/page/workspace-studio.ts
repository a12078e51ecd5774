import type { Dataset } from "../../domain/data/dataset.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { WorkerEvent } from "../protocol/calls.ts";
import type { Workspace } from "../storage/workspace.ts";
import type * as api from "../studio.ts";
import type { EncoderShelf } from "./encoder-shelf.ts";
import type { Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import { asFile, sent } from "./files.ts";
import type { JobBoard } from "./job-board.ts";
import type { ProjectDesk } from "./project-desk.ts";
import type { RunDesk } from "./run-desk.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface StudioPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly emitter: Emitter;
  readonly jobs: JobBoard;
  readonly encoders: EncoderShelf;
  readonly runs: RunDesk;
  readonly desk: ProjectDesk;
  readonly storage: () => Promise<api.StorageView>;
  readonly persist: () => Promise<boolean>;
}

type Split = "train" | "test";

/** The Studio over a workspace and its workers. Each method is a verb; what it takes to do it lies below. */
export class WorkspaceStudio implements api.Studio {
  private readonly ports: StudioPorts;

  constructor(ports: StudioPorts) {
    this.ports = ports;
  }

  subscribe(listener: (event: api.StudioEvent) => void): () => void {
    return this.ports.emitter.subscribe(listener);
  }

  environment(): api.EnvironmentView {
    return this.ports.environment.view;
  }

  async chooseBackend(choice: api.BackendChoice): Promise<void> {
    const { workers, environment, workspace } = this.ports;
    environment.setBackend(choice, await workers.train.call("probe", { choice }));
    await workspace.saveSetting("backend", choice);
  }

  projects(): Promise<readonly api.ProjectSummary[]> {
    return this.ports.desk.list();
  }

  async createProject(name: string): Promise<api.ProjectSummary> {
    const project = await this.ports.desk.create(name);
    this.changed(project.id);
    return project;
  }

  openSample(): Promise<api.ProjectSummary> {
    return this.ports.desk.openSample();
  }

  project(projectId: string): Promise<api.ProjectView> {
    return this.ports.desk.view(projectId);
  }

  async renameProject(projectId: string, name: string): Promise<void> {
    await this.ports.workspace.projects.update(projectId, (project) => ({ ...project, name: name.trim() }));
    this.changed(projectId);
  }

  async removeProject(projectId: string): Promise<void> {
    await this.ports.workspace.projects.remove(projectId);
    await this.ports.desk.mark();
    this.ports.emitter.emit({ kind: "projects" });
  }

  async exportProject(projectId: string): Promise<api.ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportProject", { projectId }));
  }

  async importProject(file: File): Promise<api.ProjectSummary> {
    const { workspace, workers, desk } = this.ports;
    const projectId = await workers.data.call("importProject", { file: sent(file) });
    await desk.mark();
    this.changed(projectId);
    return desk.summary(await workspace.projects.get(projectId));
  }

  async addFiles(
    projectId: string,
    files: readonly File[],
    role?: api.DatasetRole,
  ): Promise<api.ImportReport> {
    const params = { projectId, files: files.map(sent), ...(role ? { role } : {}) };
    const report = await this.ports.workers.data.call("addFiles", params);
    this.changed(projectId);
    return report;
  }

  async removeSource(projectId: string, sourceId: string): Promise<void> {
    await this.ports.workspace.projects.removeSource(projectId, sourceId);
    this.changed(projectId);
  }

  previewChunks(projectId: string, settings: api.ChunkSettings): Promise<api.ChunkPreview> {
    return this.ports.workers.data.call("previewChunks", { projectId, settings });
  }

  async applyChunks(projectId: string, settings: api.ChunkSettings): Promise<api.ProjectView> {
    await this.ports.workers.data.call("applyChunks", { projectId, settings });
    this.changed(projectId);
    return this.project(projectId);
  }

  questions(projectId: string): Promise<readonly api.QuestionView[]> {
    return this.ports.workers.data.call("questions", { projectId });
  }

  async reviewQuestion(projectId: string, questionId: string, change: api.QuestionChange): Promise<void> {
    await this.ports.workers.data.call("reviewQuestion", { projectId, questionId, change });
    this.changed(projectId);
  }

  generate(projectId: string, options: api.GenerateOptions): Promise<string> {
    const request = { kind: "generate", projectId, label: "Writing questions" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const made = await this.ports.workers.data.call("generate", { projectId, options }, control);
      this.changed(projectId);
      return `${made} questions written`;
    });
    return Promise.resolve(id);
  }

  async splitByDocument(projectId: string, testShare: number, seed: number): Promise<api.ProjectView> {
    if (!(testShare > 0 && testShare < 1)) {
      throw new RetuneError("usage", `The test share must lie between 0 and 1, not ${testShare}.`);
    }
    const { projects } = this.ports.workspace;
    const contents = (await projects.contents(projectId)).map((content) => ({
      ...content,
      source: { ...content.source, role: "split" as const },
    }));
    const split = { testShare, seed };
    await projects.replaceContents(projectId, contents, (project) => ({ ...project, split }));
    this.changed(projectId);
    return this.project(projectId);
  }

  dataset(projectId: string, split: Split): Promise<Dataset> {
    return this.ports.workers.data.call("dataset", { projectId, split });
  }

  async exportDataset(projectId: string, split: Split): Promise<api.ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportDataset", { projectId, split }));
  }

  async importVectors(projectId: string, split: Split, part: api.VectorPart, file: File): Promise<void> {
    await this.ports.workers.data.call("importVectors", { projectId, split, part, file: sent(file) });
    this.changed(projectId);
  }

  encoders(): Promise<readonly api.EncoderView[]> {
    return this.ports.encoders.list();
  }

  async chooseEncoder(projectId: string, encoderId: string): Promise<void> {
    await this.ports.encoders.choose(projectId, encoderId);
    this.changed(projectId);
  }

  addEncoderFolder(files: readonly File[]): Promise<api.EncoderView> {
    return this.ports.encoders.addFolder(files);
  }

  addEncoderEndpoint(request: api.EndpointRequest): Promise<api.EncoderView> {
    return this.ports.encoders.addEndpoint(request);
  }

  lookUpHubModel(id: string): ReturnType<api.Studio["lookUpHubModel"]> {
    return this.ports.encoders.lookUpHubModel(id);
  }

  addHubModel(...request: Parameters<api.Studio["addHubModel"]>): Promise<api.EncoderView> {
    return this.ports.encoders.addHubModel(...request);
  }

  embed(projectId: string): Promise<string> {
    const request = { kind: "embed", projectId, label: "Embedding" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const { workspace, workers, encoders } = this.ports;
      const { encoderId } = await workspace.projects.get(projectId);
      const instruction = (await encoderById(workspace, encoderId)).queryInstruction;
      const key = encoders.keyOf(encoderId);
      const params = { projectId, encoderId, instruction, ...(key === undefined ? {} : { key }) };
      const embedded = await workers.embed.call("embed", params, control);
      this.changed(projectId);
      return embedded === 0 ? "All vectors were there" : `${embedded} texts embedded`;
    });
    return Promise.resolve(id);
  }

  plan(projectId: string, settings: Parameters<api.Studio["plan"]>[1]): Promise<api.RunPlan> {
    return this.ports.runs.plan(projectId, settings);
  }

  async startRun(projectId: string, settings: Parameters<api.Studio["startRun"]>[1]): Promise<string> {
    const runId = await this.ports.runs.start(projectId, settings);
    await this.ports.desk.mark();
    this.changed(projectId);
    return runId;
  }

  pause(runId: string): Promise<void> {
    return this.ports.runs.owner.pause(runId);
  }

  resume(runId: string): Promise<void> {
    return this.ports.runs.owner.resume(runId);
  }

  stopAndKeep(runId: string): Promise<void> {
    return this.ports.runs.owner.stopAndKeep(runId);
  }

  async discard(runId: string): Promise<void> {
    const { projectId } = await this.ports.workspace.runs.get(runId);
    await this.ports.runs.owner.discard(runId);
    this.changed(projectId);
  }

  runs(projectId: string): Promise<readonly api.RunSummary[]> {
    return this.ports.runs.list(projectId);
  }

  run(runId: string): Promise<api.RunView> {
    return this.ports.runs.view(runId);
  }

  report(runId: string): ReturnType<api.Studio["report"]> {
    return this.ports.runs.report(runId);
  }

  jobFile(runId: string): Promise<string> {
    return this.ports.runs.jobFile(runId);
  }

  async search(projectId: string, request: api.SearchRequest): Promise<api.SearchAnswer> {
    const vectors =
      request.view === "lexical" ? {} : await this.ports.desk.questionVectors(projectId, request);
    return this.ports.workers.data.call("search", { projectId, request, vectors });
  }

  async exportRun(runId: string, format: api.RunExportFormat): Promise<api.ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportRun", { runId, format }));
  }

  async importAdapter(projectId: string, files: readonly File[]): Promise<api.RunSummary> {
    const runId = await this.ports.workers.data.call("importAdapter", { projectId, files: files.map(sent) });
    this.changed(projectId);
    return (await this.runs(projectId)).find((run) => run.id === runId)!;
  }

  cancel(jobId: string): Promise<void> {
    this.ports.jobs.cancel(jobId);
    return Promise.resolve();
  }

  storage(): Promise<api.StorageView> {
    return this.ports.storage();
  }

  persistStorage(): Promise<boolean> {
    return this.ports.persist();
  }

  /** What the workers tell besides their answers. */
  hear(event: WorkerEvent): void {
    if (event.kind === "request") this.ports.environment.countRequest();
    else if (event.kind === "storage-problem") this.ports.emitter.emit(event);
    else this.ports.runs.hear(event);
  }

  private changed(projectId: string): void {
    this.ports.desk.changed(projectId);
  }
}
