import { chatGenerator } from "../../domain/synth/chat-generator.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { InstructModel } from "../encoders/instruct-model.ts";
import type { RuntimeOptions } from "../encoders/onnx-runtime.ts";
import { writeQuestions } from "../jobs/write-questions.ts";
import type { EmbedMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { Workspace } from "../storage/workspace.ts";

export interface TeacherPorts {
  readonly workspace: Workspace;
  readonly folders: ModelFolders;
  readonly runtime: () => Promise<RuntimeOptions>;
}

/** Instruct models of this browser: another part of the embed worker. One stays open for the next call. */
export class TeacherService {
  private readonly ports: TeacherPorts;
  private open: { readonly id: string; readonly model: Promise<InstructModel> } | undefined;

  constructor(ports: TeacherPorts) {
    this.ports = ports;
  }

  readonly write: Handlers<EmbedMethods>["writeQuestions"] = async (
    { projectId, modelId, perPassage, template },
    control,
  ) => {
    const model = await this.model(modelId);
    const open = () => chatGenerator(model, template);
    return writeQuestions(this.ports.workspace, projectId, { perPassage, concurrency: 1, open }, control);
  };

  /** Loads a model and has it say something, so that a folder that does not run is found out at once. */
  readonly tryOut: Handlers<EmbedMethods>["tryTeacher"] = async ({ modelId }) => {
    const model = await this.model(modelId);
    return model.ask("Say yes.");
  };

  private async model(id: string): Promise<InstructModel> {
    if (this.open?.id === id) return this.open.model;
    await (await this.open?.model.catch(() => undefined))?.close();
    const model = this.load(id);
    this.open = { id, model };
    model.catch(() => (this.open = undefined)); // so that the next call tries again
    return model;
  }

  private async load(id: string): Promise<InstructModel> {
    const { workspace, folders, runtime } = this.ports;
    const record = await workspace.model(id);
    if (record?.kind !== "instruct") {
      throw new RetuneError(
        "model-missing",
        "This instruct model is not here any more. Add its folder again.",
      );
    }
    const paths = new Set(record.paths);
    return InstructModel.open({ ...folders.open(id, record.name), id, paths }, await runtime());
  }
}
