import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import { loadTrained, wholeEncoder } from "../jobs/trained-store.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ModelFolders } from "./folder-store.ts";
import { encoderById, siteModelUrl } from "./known-encoders.ts";
import type { ModelFiles } from "./model-files.ts";
import { servedModelFiles } from "./model-files.ts";
import { readCrossEncoderModel, readEncoderModel } from "./own-models.ts";

/** Where the weights of models come from, by the ids that a person chooses them by. */
export interface ModelSource {
  encoder(id: string): Promise<EncoderModel>;
  /** A cross-encoder, or an encoder that gets a head. */
  either(id: string): Promise<EncoderModel | CrossEncoderModel>;
  /** The encoder that a run started from, with the run's instruction as its prompt. */
  baseOf(run: RunRecord): Promise<EncoderModel>;
  /** The tuned encoder of an encoder or lora run. */
  tunedEncoder(run: RunRecord): Promise<EncoderModel>;
  /** The ONNX file of a run's base, where it came as one. */
  onnxOf(run: RunRecord): Promise<Uint8Array | undefined>;
}

export interface ModelPlaces {
  readonly workspace: Workspace;
  readonly site: string;
  readonly folders: ModelFolders;
}

/** Models of the site, of the browser's private file system, and what runs have kept. */
export class WorkspaceModels implements ModelSource {
  private readonly places: ModelPlaces;

  constructor(places: ModelPlaces) {
    this.places = places;
  }

  async encoder(id: string): Promise<EncoderModel> {
    const { workspace } = this.places;
    const facts = await encoderById(workspace, id);
    if (facts.runId !== undefined) return this.tunedEncoder(await workspace.runs.get(facts.runId));
    const model = await readEncoderModel(this.filesOf(facts));
    return { ...model, prompts: { query: facts.queryInstruction, document: model.prompts.document } };
  }

  async either(id: string): Promise<EncoderModel | CrossEncoderModel> {
    const { workspace, folders } = this.places;
    const known = await workspace.model(id);
    if (known?.kind !== "cross-encoder") return this.encoder(id);
    if (known.runId === undefined) return readCrossEncoderModel(folders.open(id, known.name));
    return (await loadTrained(workspace.checkpoints, known.runId, "cross-encoder")).model;
  }

  async baseOf(run: RunRecord): Promise<EncoderModel> {
    const { recipe, encoderId } = run;
    if (recipe.task !== "encoder" && recipe.task !== "lora") throw noEncoder(run);
    const model = await this.encoder(recipe.base ?? encoderId);
    return { ...model, prompts: { query: recipe.queryInstruction ?? "", document: "" } };
  }

  async tunedEncoder(run: RunRecord): Promise<EncoderModel> {
    const { recipe, id, number } = run;
    if (recipe.task !== "encoder" && recipe.task !== "lora") throw noEncoder(run);
    const kept = await loadTrained(this.places.workspace.checkpoints, id, recipe.task);
    const model = await wholeEncoder(kept, () => this.baseOf(run));
    return { ...model, name: `${model.name}-run-${number}` };
  }

  async onnxOf({ recipe, encoderId }: RunRecord): Promise<Uint8Array | undefined> {
    const base = "base" in recipe && recipe.base !== undefined ? recipe.base : encoderId;
    const facts = await encoderById(this.places.workspace, base);
    return facts.runId === undefined ? this.filesOf(facts).read("onnx/model.onnx") : undefined;
  }

  private filesOf({ id, name, origin }: Awaited<ReturnType<typeof encoderById>>): ModelFiles {
    if (origin === "folder" || origin === "hub") return this.places.folders.open(id, name);
    if (origin === "site") {
      return servedModelFiles(name, siteModelUrl(id, this.places.site));
    }
    const text = `${name} has no weights here (${origin}); train an adapter, or choose a model with weights.`;
    throw new RetuneError("unsupported", text);
  }
}

function noEncoder({ number, recipe }: RunRecord): RetuneError {
  return new RetuneError("usage", `Run ${number} trained a ${recipe.task}, not an encoder.`);
}
