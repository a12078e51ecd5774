import { DATASET_FORMATS } from "../../domain/formats/datasets/registry.ts";
import { RetuneError } from "../../engine/errors.ts";
import { exportDatasetAs } from "../jobs/export-dataset.ts";
import type { ExportedDataset } from "../jobs/export-dataset.ts";
import type { InputFile } from "../jobs/import-inputs.ts";
import { lookAt } from "../jobs/import-look.ts";
import { importFiles } from "../jobs/import.ts";
import type { SentFile } from "../protocol/calls.ts";
import { importLock } from "../protocol/import-calls.ts";
import type { ImportMethods } from "../protocol/import-calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { DatasetTarget, FoundFile } from "../studio-import.ts";
import { fileName } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

type Of<Name extends keyof ImportMethods> = ImportMethods[Name]["params"];

/** Files in, datasets out: another part of the data worker. */
export class ImportService {
  private readonly data: DataService;
  private readonly drops = new Map<string, InputFile[]>();

  constructor(data: DataService) {
    this.data = data;
  }

  handOver({ drop, files }: Of<"handOver">): Promise<null> {
    const known = this.drops.get(drop) ?? [];
    this.drops.set(drop, known);
    known.push(...files.map(asInput));
    return Promise.resolve(null);
  }

  async look({ drop }: Of<"lookAtFiles">): Promise<readonly FoundFile[]> {
    return lookAt(this.take(drop));
  }

  readonly addFiles: Handlers<ImportMethods>["addFiles"] = ({ projectId, drop, choices }, control) =>
    oneAtATime(projectId, async () => {
      const { workspace } = this.data;
      const { chunking } = await workspace.projects.get(projectId);
      const countTokens = await this.data.countTokens();
      const role = choices.role ? { role: choices.role } : {};
      const settings = { projectId, chunking, countTokens, ...role };
      return importFiles(workspace, this.take(drop), choices, settings, control);
    });

  private take(drop: string): readonly InputFile[] {
    const files = this.drops.get(drop);
    this.drops.delete(drop);
    if (files) return files;
    throw new RetuneError("usage", "The files are not at hand any more. Choose them once more.");
  }

  /** What a dataset can be exported as. */
  targets(): Promise<readonly DatasetTarget[]> {
    const all = DATASET_FORMATS.map(({ id, label, containers = [] }) => ({ format: id, label, containers }));
    return Promise.resolve(all);
  }

  async exportDataset({
    projectId,
    split,
    format,
    container,
  }: Of<"exportDatasetAs">): Promise<ExportedDataset> {
    const { project, data } = await this.data.open(projectId);
    return exportDatasetAs(data[split], format, `${fileName(project.name)}-${split}`, container);
  }
}

/** Two tabs must not write the same import; where the browser has no locks there is one tab's worker at most. */
async function oneAtATime<Value>(projectId: string, work: () => Promise<Value>): Promise<Value> {
  const locks = typeof navigator === "undefined" ? undefined : (navigator.locks as LockManager | undefined);
  if (!locks) return work();
  return locks.request(importLock(projectId), { ifAvailable: true }, (lock) => {
    if (lock) return work();
    const text =
      "Files are being imported into this project already, perhaps in another tab. Wait for its end.";
    throw new RetuneError("usage", text);
  });
}

function asInput({ name, blob }: SentFile): InputFile {
  const bytesOf = async (bytes: Blob): Promise<Uint8Array> => new Uint8Array(await bytes.arrayBuffer());
  const part = (from: number, to: number): Promise<Uint8Array> => bytesOf(blob.slice(from, to));
  return { name, size: blob.size, read: () => bytesOf(blob), part };
}
