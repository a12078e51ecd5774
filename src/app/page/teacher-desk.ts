import { DEFAULT_TEMPLATE } from "../../domain/synth/prompt.ts";
import { chatGenerator } from "../../domain/synth/chat-generator.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { downloadHubModel, lookUpHubModel } from "../encoders/hub-models.ts";
import type { HubModel } from "../encoders/hub-models.ts";
import {
  INSTRUCT_FILES,
  instructPrecision,
  instructWanted,
  neededFiles,
} from "../encoders/instruct-files.ts";
import type { InstructPrecision } from "../encoders/instruct-files.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { writeQuestions } from "../jobs/write-questions.ts";
import type { ModelRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { GenerateOptions } from "../studio-data.ts";
import type { TeacherModel, TeacherStudio, TeachersView } from "../studio-teachers.ts";
import { builtInState, openBuiltIn } from "./built-in-model.ts";
import type { Environment } from "./environment.ts";
import { folderFiles, INSTRUCT_FOLDER } from "./files.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface TeacherDeskPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly folders: ModelFolders;
}

/** Who writes questions, besides rules: models of this machine and, on the connected page, an endpoint. */
export class TeacherDesk implements TeacherStudio {
  private readonly ports: TeacherDeskPorts;

  constructor(ports: TeacherDeskPorts) {
    this.ports = ports;
  }

  async view(): Promise<TeachersView> {
    const records = (await this.ports.workspace.models()).filter(({ kind }) => kind === "instruct");
    return { builtIn: await builtInState(), models: records.map(modelOf), template: DEFAULT_TEMPLATE };
  }

  async addFolder(files: readonly File[]): Promise<TeacherModel> {
    const { name, kept } = folderFiles(files, INSTRUCT_FOLDER);
    return this.add(name, "folder", kept);
  }

  async lookUp(id: string): Promise<{ id: string; files: number; totalBytes: number }> {
    const { files, totalBytes } = await this.find(id);
    return { id, files: files.length, totalBytes };
  }

  async addFromHub(id: string, control: RunControl = {}): Promise<TeacherModel> {
    return this.add(id, "hub", await downloadHubModel(await this.find(id), control));
  }

  async remove(id: string): Promise<void> {
    await this.ports.workspace.removeModel(id);
    await this.ports.folders.remove(id).catch(() => undefined);
  }

  /** Writes questions where the teacher lives: in the data worker, in the embed worker, or on the page. */
  async write(projectId: string, options: GenerateOptions, control: Required<RunControl>): Promise<number> {
    const { workers, workspace } = this.ports;
    const { teacher, perPassage, template } = options;
    if (teacher.kind === "local") {
      const { modelId } = teacher;
      return workers.embed.call("writeQuestions", { projectId, modelId, perPassage, template }, control);
    }
    if (teacher.kind !== "built-in") return workers.data.call("generate", { projectId, options }, control);
    const chat = await openBuiltIn(control);
    try {
      const open = () => chatGenerator(chat, template);
      return await writeQuestions(workspace, projectId, { perPassage, concurrency: 1, open }, control);
    } finally {
      chat.close();
    }
  }

  /** The smallest precision of an instruct model that the hub has. */
  private async find(id: string): Promise<HubModel> {
    if (this.ports.environment.view.page !== "connected") {
      const text = "This page cannot reach other machines. Open the connected page to look up a model.";
      throw new RetuneError("unsupported", text);
    }
    let last: unknown;
    for (const precision of Object.keys(INSTRUCT_FILES) as InstructPrecision[]) {
      try {
        return await lookUpHubModel(id, {}, instructWanted(precision));
      } catch (error) {
        if (!(error instanceof RetuneError) || error.code !== "model-missing") throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Keeps the files that are needed, tries the model out, and forgets it where it does not run. */
  private async add(
    name: string,
    origin: "folder" | "hub",
    files: ReadonlyMap<string, Blob>,
  ): Promise<TeacherModel> {
    const { workspace, folders, workers } = this.ports;
    const precision = instructPrecision(name, new Set(files.keys()));
    const paths = neededFiles([...files.keys()], precision);
    const kept = new Map(paths.map((path) => [path, files.get(path)!]));
    const id = `instruct-${crypto.randomUUID()}`;
    const bytes = [...kept.values()].reduce((sum, { size }) => sum + size, 0);
    const unknown = { parameters: null, layers: null, hidden: null, obstacle: null };
    const record: ModelRecord = { id, name, kind: "instruct", origin, bytes, paths, ...unknown };
    await folders.keep(id, kept);
    await workspace.saveModel(record);
    try {
      await workers.embed.call("tryTeacher", { modelId: id });
    } catch (error) {
      await this.remove(id);
      throw error;
    }
    return modelOf(record);
  }
}

function modelOf({ id, name, bytes }: ModelRecord): TeacherModel {
  return { id, name, bytes: bytes ?? 0 };
}
