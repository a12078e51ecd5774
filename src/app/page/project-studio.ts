import type { Dataset } from "../../domain/data/dataset.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { pairsReport } from "../jobs/pairs-report.ts";
import { asFile, sent } from "./files.ts";
import { ImportDesk } from "./import-desk.ts";
import type { StudioPorts } from "./studio-ports.ts";
import type {
  ChunkPreview,
  ChunkSettings,
  DatasetRole,
  GenerateOptions,
  ImportReport,
  PairsReport,
  ProjectSummary,
  ProjectView,
  QuestionView,
  VectorPart,
} from "../studio-data.ts";
import type { ExportedFile, ProjectWeight } from "../studio-models.ts";

/** Projects, files, questions, vectors: each method is a verb; what it takes to do it lies below. */
export class ProjectStudio {
  readonly imports: ImportDesk;
  protected readonly ports: StudioPorts;

  constructor(ports: StudioPorts) {
    this.ports = ports;
    this.imports = new ImportDesk(ports);
  }

  projects(): Promise<readonly ProjectSummary[]> {
    return this.ports.desk.list();
  }

  async createProject(name: string): Promise<ProjectSummary> {
    const project = await this.ports.desk.create(name);
    this.changed(project.id);
    return project;
  }

  openSample(): Promise<ProjectSummary> {
    return this.ports.desk.openSample();
  }

  project(projectId: string): Promise<ProjectView> {
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

  exportProject(projectId: string, { models = true }: { models?: boolean } = {}): Promise<ExportedFile> {
    return this.ports.workers.data.call("exportProject", { projectId, models });
  }

  weighProject(projectId: string): Promise<ProjectWeight> {
    return this.ports.workers.data.call("weighProject", { projectId });
  }

  async importProject(file: File): Promise<ProjectSummary> {
    const { workspace, workers, desk } = this.ports;
    const projectId = await workers.data.call("importProject", { file: sent(file) });
    await desk.mark();
    this.changed(projectId);
    return desk.summary(await workspace.projects.get(projectId));
  }

  addFiles(projectId: string, files: readonly File[], role?: DatasetRole): Promise<ImportReport> {
    return this.imports.start(projectId, files, role ? { role } : {});
  }

  async removeSource(projectId: string, sourceId: string): Promise<void> {
    await this.ports.workspace.projects.removeSource(projectId, sourceId);
    this.changed(projectId);
  }

  previewChunks(projectId: string, settings: ChunkSettings): Promise<ChunkPreview> {
    return this.ports.workers.data.call("previewChunks", { projectId, settings });
  }

  async applyChunks(projectId: string, settings: ChunkSettings): Promise<ProjectView> {
    await this.ports.workers.data.call("applyChunks", { projectId, settings });
    this.changed(projectId);
    return this.project(projectId);
  }

  questions(projectId: string): Promise<readonly QuestionView[]> {
    return this.ports.workers.data.call("questions", { projectId });
  }

  generate(projectId: string, options: GenerateOptions): Promise<string> {
    const request = { kind: "generate", projectId, label: "Writing questions" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const made = await this.ports.teachers.write(projectId, options, control);
      this.changed(projectId);
      return `${made} questions written`;
    });
    return Promise.resolve(id);
  }

  async splitByDocument(projectId: string, testShare: number, seed: number): Promise<ProjectView> {
    if (!(testShare > 0 && testShare < 1)) {
      throw new RetuneError("usage", `The test share must lie between 0 and 1, not ${testShare}.`);
    }
    await this.ports.workspace.projects.changeSources(
      projectId,
      (source) => ({ ...source, role: "split" }),
      (project) => ({ ...project, split: { ...project.split, testShare, seed } }),
    );
    this.changed(projectId);
    return this.project(projectId);
  }

  dataset(projectId: string, split: "train" | "test"): Promise<Dataset> {
    return this.ports.workers.data.call("dataset", { projectId, split });
  }

  async exportDataset(projectId: string, split: "train" | "test"): Promise<ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportDataset", { projectId, split }));
  }

  async importVectors(
    projectId: string,
    split: "train" | "test",
    part: VectorPart,
    file: File,
  ): Promise<void> {
    await this.ports.workers.data.call("importVectors", { projectId, split, part, file: sent(file) });
    this.changed(projectId);
  }

  async importPairs(projectId: string, file: File): Promise<PairsReport> {
    const report = await this.ports.workers.data.call("importPairs", { projectId, file: sent(file) });
    this.changed(projectId);
    return report;
  }

  async pairs(projectId: string): Promise<PairsReport | null> {
    const record = await this.ports.workspace.parts.pairs(projectId);
    return record ? pairsReport(record) : null;
  }

  async removePairs(projectId: string): Promise<void> {
    await this.ports.workspace.parts.removePairs(projectId);
    this.changed(projectId);
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

  protected changed(projectId: string): void {
    this.ports.desk.changed(projectId);
  }
}
