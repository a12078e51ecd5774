import type { BackendChoice } from "../studio.ts";
import type { Canary } from "./canary.ts";
import { IndexedCheckpointStore } from "./checkpoint-store.ts";
import type { CheckpointStoreOptions } from "./checkpoint-store.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { ImportStore } from "./import-store.ts";
import { LabStore } from "./lab-store.ts";
import { ProjectStore } from "./project-store.ts";
import { ProjectParts } from "./project-parts.ts";
import type { EncoderRecord, ModelRecord } from "./records.ts";
import { RunStore } from "./run-store.ts";
import { IndexedVectorCache } from "./vector-cache.ts";

export interface WorkspaceOptions extends ConnectionOptions {
  readonly checkpoints?: CheckpointStoreOptions;
}

/** Everything a person keeps in this browser. Page and workers each open their own over the same database. */
export class Workspace {
  readonly connection: Connection;
  readonly projects: ProjectStore;
  readonly imports: ImportStore;
  readonly runs: RunStore;
  readonly lab: LabStore;
  readonly parts: ProjectParts;
  readonly vectors: IndexedVectorCache;
  readonly checkpoints: IndexedCheckpointStore;

  constructor(options: WorkspaceOptions = {}) {
    this.connection = new Connection(options);
    this.projects = new ProjectStore(this.connection);
    this.imports = new ImportStore(this.connection, this.projects);
    this.runs = new RunStore(this.connection);
    this.lab = new LabStore(this.connection);
    this.parts = new ProjectParts(this.connection);
    this.vectors = new IndexedVectorCache(this.connection);
    this.checkpoints = new IndexedCheckpointStore(this.connection, options.checkpoints);
  }

  async setting(key: string): Promise<unknown> {
    const record = await this.connection.read(["settings"], "reading settings", (transaction) =>
      transaction.objectStore("settings").get(key),
    );
    return record?.value;
  }

  async saveSetting(key: string, value: unknown): Promise<void> {
    await this.connection.write(["settings"], "the settings", (transaction) =>
      transaction.objectStore("settings").put({ key, value }),
    );
  }

  /** What the person lets compute; "auto" where nothing was chosen. */
  async backendChoice(): Promise<BackendChoice> {
    const saved = await this.setting("backend");
    return saved === "webgpu" || saved === "cpu" ? saved : "auto";
  }

  async encoders(): Promise<readonly EncoderRecord[]> {
    return this.connection.read(["encoders"], "listing models", (tx) => tx.objectStore("encoders").getAll());
  }

  async saveEncoder(record: EncoderRecord): Promise<void> {
    await this.connection.write(["encoders"], "the model", (tx) => tx.objectStore("encoders").put(record));
  }

  async models(): Promise<readonly ModelRecord[]> {
    return this.connection.read(["models"], "listing models", (tx) => tx.objectStore("models").getAll());
  }

  async model(id: string): Promise<ModelRecord | undefined> {
    return this.connection.read(["models"], "opening a model", (tx) => tx.objectStore("models").get(id));
  }

  async saveModel(record: ModelRecord): Promise<void> {
    await this.connection.write(["models"], "the model", (tx) => tx.objectStore("models").put(record));
  }

  /** Both what it can be chosen as and what is known of its weights. */
  async removeModel(id: string): Promise<void> {
    await this.connection.write(["models", "encoders"], "removing the model", async (tx) => {
      await tx.objectStore("models").delete(id);
      await tx.objectStore("encoders").delete(id);
    });
  }

  async removeEncoder(id: string): Promise<void> {
    await this.connection.write(["encoders"], "removing the model", (tx) =>
      tx.objectStore("encoders").delete(id),
    );
  }

  /**
   * Compares the database with the mark outside it. "lost": the browser wiped the database (a damaged log is wiped
   * without any error). A new or matching one is marked.
   */
  async checkCanary(canary: Canary): Promise<"whole" | "new" | "lost"> {
    const workspace = await this.setting("workspace");
    const mark = await canary.read();
    if (typeof workspace !== "string") {
      if (mark !== null && mark.projects > 0) return "lost";
      await this.mark(canary);
      return "new";
    }
    if (mark === null || mark.workspace === workspace) await this.mark(canary);
    return mark !== null && mark.workspace !== workspace && mark.projects > 0 ? "lost" : "whole";
  }

  /** Writes the mark anew: after projects or runs came or went, or when the person has read of the loss. */
  async mark(canary: Canary): Promise<void> {
    let workspace = await this.setting("workspace");
    if (typeof workspace !== "string") {
      workspace = crypto.randomUUID();
      await this.saveSetting("workspace", workspace);
    }
    const projects = (await this.projects.list()).length;
    await canary.write({ workspace: String(workspace), projects, runs: (await this.runs.all()).length });
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
