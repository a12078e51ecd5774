import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import type { ExportedFile } from "../studio-models.ts";
import type { MiningRequest, MiningStudio, MiningView, NegativeDecision } from "../studio-mining.ts";
import { asFile } from "./files.ts";
import type { StudioPorts } from "./studio-ports.ts";

type Ports = Pick<StudioPorts, "jobs" | "workers" | "workspace" | "encoders" | "desk">;

/** Negatives of a project's training questions. */
export class MiningDesk implements MiningStudio {
  private readonly ports: Ports;

  constructor(ports: Ports) {
    this.ports = ports;
  }

  mine(projectId: string, request: MiningRequest): Promise<string> {
    const { jobs, workers } = this.ports;
    const id = jobs.start({ kind: "mine", projectId, label: "Looking for near misses" }, async (control) => {
      if (request.search !== "bm25") await this.embed(projectId, control);
      const found = await workers.data.call("mine", { projectId, request }, control);
      return found === 1 ? "1 negative proposed" : `${found} negatives proposed`;
    });
    return Promise.resolve(id);
  }

  view(projectId: string): Promise<MiningView> {
    return this.ports.workers.data.call("negatives", { projectId });
  }

  texts(projectId: string, passageIds: readonly string[]): Promise<readonly string[]> {
    return this.ports.workers.data.call("passageTexts", { projectId, passageIds });
  }

  async decide(
    projectId: string,
    decisions: readonly NegativeDecision[],
  ): Promise<readonly NegativeDecision[]> {
    const back = await this.ports.workers.data.call("decideNegatives", { projectId, decisions });
    if (back.length > 0) this.ports.desk.changed(projectId);
    return back;
  }

  async exportRows(
    projectId: string,
    format: Parameters<MiningStudio["exportRows"]>[1],
  ): Promise<ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportNegatives", { projectId, format }));
  }

  async exportCohere(
    projectId: string,
    options: Parameters<MiningStudio["exportCohere"]>[1],
  ): Promise<ExportedFile> {
    if (options.method === "cosine") await this.embed(projectId, {});
    return asFile(await this.ports.workers.data.call("exportCohere", { projectId, options }));
  }

  private async embed(
    projectId: string,
    control: Parameters<Ports["workers"]["embed"]["call"]>[2],
  ): Promise<void> {
    const { workspace, workers, encoders } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { queryInstruction } = await encoderById(workspace, encoderId);
    const key = encoders.keyOf(encoderId);
    const address = { encoderId, ...(key === undefined ? {} : { key }) };
    try {
      await workers.embed.call("embed", { projectId, ...address, instruction: queryInstruction }, control);
    } catch (error) {
      if (!(error instanceof RetuneError) || error.code !== "model-missing") throw error;
      const text = `${error.message} Without vectors you can still mine by words: choose "Words".`;
      throw new RetuneError(error.code, text, error.place, { cause: error });
    }
  }
}
