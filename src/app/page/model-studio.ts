import { asFile } from "./files.ts";
import { RunStudio } from "./run-studio.ts";
import type { Studio } from "../studio.ts";
import type {
  EncoderView,
  EndpointRequest,
  ExportOffer,
  ExportOptions,
  ExportedFile,
  ModelView,
  RunExportFormat,
} from "../studio-models.ts";

/** Models to start from, and runs taken away. */
export class ModelShelfStudio extends RunStudio {
  encoders(): Promise<readonly EncoderView[]> {
    return this.ports.encoders.list();
  }

  async chooseEncoder(projectId: string, encoderId: string): Promise<void> {
    await this.ports.encoders.choose(projectId, encoderId);
    this.changed(projectId);
  }

  addEncoderFolder(files: readonly File[]): Promise<EncoderView> {
    return this.ports.encoders.addFolder(files);
  }

  addEncoderEndpoint(request: EndpointRequest): Promise<EncoderView> {
    return this.ports.encoders.addEndpoint(request);
  }

  lookUpHubModel(id: string): ReturnType<Studio["lookUpHubModel"]> {
    return this.ports.encoders.lookUpHubModel(id);
  }

  addHubModel(...request: Parameters<Studio["addHubModel"]>): Promise<EncoderView> {
    return this.ports.encoders.addHubModel(...request);
  }

  models(): Promise<readonly ModelView[]> {
    return this.ports.models.list();
  }

  addModelFolder(files: readonly File[]): Promise<ModelView> {
    return this.ports.models.addFolder(files);
  }

  removeModel(id: string): Promise<void> {
    return this.ports.models.remove(id);
  }

  exports(runId: string): Promise<readonly ExportOffer[]> {
    return this.ports.workers.data.call("exports", { runId });
  }

  async exportRun(
    runId: string,
    format: RunExportFormat,
    options: ExportOptions = {},
  ): Promise<ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportRun", { runId, format, options }));
  }
}
