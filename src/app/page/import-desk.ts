import type { ImportReport } from "../studio-data.ts";
import type {
  DatasetExport,
  DatasetTarget,
  FoundFile,
  ImportStudio,
  UnfinishedImport,
} from "../studio-import.ts";
import { asFile, sent } from "./files.ts";
import type { StudioPorts } from "./studio-ports.ts";

type Ports = Pick<StudioPorts, "workspace" | "workers" | "jobs" | "desk">;

/** Imports and exports of a project's data. */
export class ImportDesk implements ImportStudio {
  private readonly ports: Ports;

  constructor(ports: Ports) {
    this.ports = ports;
  }

  look(files: readonly File[]): Promise<readonly FoundFile[]> {
    return this.ports.workers.data.call("lookAtFiles", { files: files.map(sent) });
  }

  start: ImportStudio["start"] = (projectId, files, choices = {}) => {
    const { jobs, workers, desk } = this.ports;
    const request = { kind: "import", projectId, label: "Reading files" } as const;
    return new Promise<ImportReport>((resolve, reject) => {
      jobs.start(request, async (control) => {
        try {
          const params = { projectId, files: files.map(sent), choices };
          const report = await workers.data.call("addFiles", params, control);
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

  async unfinished(projectId: string): Promise<UnfinishedImport | null> {
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

function labelOf({ total, waiting }: ImportReport): string {
  if (waiting) return "Some rows cannot be read";
  return `${total.accepted} of ${total.files} files imported`;
}
