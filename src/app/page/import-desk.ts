import type { Progress } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ImportReport } from "../studio-data.ts";
import type {
  DatasetExport,
  DatasetTarget,
  FoundFile,
  ImportStudio,
  UnfinishedImport,
} from "../studio-import.ts";
import { importLock } from "../protocol/import-calls.ts";
import { asFile, sent } from "./files.ts";
import type { StudioPorts } from "./studio-ports.ts";

const TOGETHER = 100;

type Ports = Pick<StudioPorts, "workspace" | "workers" | "jobs" | "desk">;

/** Imports and exports of a project's data. */
export class ImportDesk implements ImportStudio {
  private readonly ports: Ports;

  constructor(ports: Ports) {
    this.ports = ports;
  }

  async look(files: readonly File[]): Promise<readonly FoundFile[]> {
    return this.ports.workers.data.call("lookAtFiles", { drop: await this.handOver(files) });
  }

  start: ImportStudio["start"] = (projectId, files, choices = {}) => {
    const { jobs, workers, desk } = this.ports;
    const request = { kind: "import", projectId, label: "Reading files" } as const;
    return new Promise<ImportReport>((resolve, reject) => {
      jobs.start(request, async (control) => {
        try {
          const params = { projectId, drop: await this.handOver(files, control.signal), choices };
          const onProgress = ({ label, ...progress }: Progress): void =>
            control.onProgress(label === undefined ? progress : { ...progress, label: `Reading ${label}` });
          const report = await workers.data.call("addFiles", params, { ...control, onProgress });
          desk.changed(projectId);
          resolve(report);
          return labelOf(report);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          throw error;
        }
      });
    });
  };

  /** A file that crosses is looked up on the disk, a third of a millisecond each: a few at a time, and the page goes on. */
  private async handOver(files: readonly File[], signal?: AbortSignal): Promise<string> {
    const drop = crypto.randomUUID();
    const { data } = this.ports.workers;
    for (let start = 0; start === 0 || start < files.length; start += TOGETHER) {
      if (signal?.aborted) throw new RetuneError("cancelled", "The import was cancelled; nothing was kept.");
      await data.call("handOver", { drop, files: files.slice(start, start + TOGETHER).map(sent) });
    }
    return drop;
  }

  async unfinished(projectId: string): Promise<UnfinishedImport | null> {
    if (await isRunning(projectId)) return null; // in another tab: it has not stopped
    const record = await this.ports.workspace.imports.unfinished(projectId);
    return record ? { names: record.names, sources: record.sources, passages: record.passages } : null;
  }

  async discard(projectId: string): Promise<void> {
    await this.ports.workspace.imports.discard(projectId);
    this.ports.desk.changed(projectId);
  }

  targets(): Promise<readonly DatasetTarget[]> {
    return this.ports.workers.data.call("datasetTargets", null);
  }

  exportDataset: ImportStudio["exportDataset"] = async (projectId, split, target): Promise<DatasetExport> => {
    const { file, losses } = await this.ports.workers.data.call("exportDatasetAs", {
      projectId,
      split,
      ...target,
    });
    return { file: asFile(file), losses };
  };
}

async function isRunning(projectId: string): Promise<boolean> {
  const locks = typeof navigator === "undefined" ? undefined : (navigator.locks as LockManager | undefined);
  const held = (await locks?.query())?.held ?? [];
  return held.some(({ name }) => name === importLock(projectId));
}

function labelOf({ total, waiting }: ImportReport): string {
  if (waiting) return "Some rows cannot be read";
  return `${total.accepted} of ${total.files} files imported`;
}
