import { RetuneError } from "../../engine/errors.ts";
import { DEFAULT_ENCODER, encoderById, knownEncoders, NANO_ENCODER } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { recipeOffers } from "../jobs/recipe-offers.ts";
import type { SentFile } from "../protocol/calls.ts";
import type { ModelRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ModelView } from "../studio-models.ts";
import type { RecipeOffer } from "../studio-training.ts";
import { folderFiles } from "./files.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ModelShelfPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly folders: ModelFolders;
  readonly modelReady: () => boolean; // the site's
}

/** What runs can start from: everything with weights, and the recipes that these allow. */
export class ModelShelf {
  private readonly ports: ModelShelfPorts;

  constructor(ports: ModelShelfPorts) {
    this.ports = ports;
  }

  /** Encoders that may have weights, then cross-encoders. */
  async list(): Promise<readonly ModelView[]> {
    const { workspace } = this.ports;
    const records = (await workspace.models()).filter(hasWeights);
    const known = new Map(records.map((record) => [record.id, record]));
    const encoders = (await knownEncoders(workspace)).flatMap((facts) => {
      const view = this.encoderView(facts, known.get(facts.id));
      return view ? [view] : [];
    });
    const others = [...known.values()].filter(({ kind }) => kind === "cross-encoder").map(viewOf);
    return [...encoders, ...others];
  }

  async offers(projectId: string): Promise<readonly RecipeOffer[]> {
    const { workspace, workers } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { dimension } = await encoderById(workspace, encoderId);
    const { split } = await workers.data.call("facts", { projectId });
    const models = await this.list();
    const usable = (kind: ModelView["kind"]): string[] =>
      models.filter((model) => model.kind === kind && model.obstacle === null).map(({ id }) => id);
    const router = await workspace.parts.router(projectId);
    return recipeOffers({
      ...{ dimension, encoderId },
      weights: models.find(({ id }) => id === encoderId)?.obstacle ?? null,
      encoders: usable("encoder"),
      crossEncoders: usable("cross-encoder"),
      trainQuestions: split.train.questions,
      pairs: (await workspace.parts.pairs(projectId))?.rows.length ?? 0,
      choices: router?.dataset.choices.length ?? 0,
      routedQuestions: router?.dataset.examples.length ?? 0,
      losses: await workers.data.call("lossNeeds", { projectId }),
    });
  }

  /** Reads the weights of a picked folder, then keeps its files in this browser. */
  async addFolder(files: readonly File[]): Promise<ModelView> {
    const { workspace, workers, folders } = this.ports;
    const { name, kept } = folderFiles(files);
    const sent: SentFile[] = [...kept].map(([path, blob]) => ({ name: path, blob }));
    const facts = await workers.embed.call("inspectWeights", { files: sent, name });
    const { kind, identity, parameters, layers, hidden } = facts;
    const id = `folder-${identity.hash.slice(0, 16)}`;
    await folders.keep(id, kept);
    const bytes = [...kept.values()].reduce((sum, { size }) => sum + size, 0);
    const record: WeightsRecord = {
      ...{ id, name, kind, parameters, layers, hidden, bytes },
      ...{ origin: "folder", obstacle: null },
    };
    await workspace.saveModel(record);
    if (kind === "encoder") {
      const { dimension, hash, queryInstruction } = identity;
      const encoder = { id, name, origin: "folder", dimension, queryInstruction, hash, own: true } as const;
      await workspace.saveEncoder({ ...encoder, precision: "fp32" });
    }
    return viewOf(record);
  }

  async remove(id: string): Promise<void> {
    const { workspace, folders } = this.ports;
    if (id === DEFAULT_ENCODER.id || id === NANO_ENCODER.id) {
      throw new RetuneError("usage", "A model of the site cannot be removed.");
    }
    const using = (await workspace.projects.list()).find(({ encoderId }) => encoderId === id);
    if (using) {
      throw new RetuneError(
        "usage",
        `The project “${using.name}” uses this model; choose another one there first.`,
      );
    }
    const known = await workspace.model(id);
    await workspace.removeModel(id);
    if (known?.runId === undefined) await folders.remove(id).catch(() => undefined); // it may have had no files
  }

  private encoderView(facts: EncoderFacts, known: WeightsRecord | undefined): ModelView | null {
    const { id, name, origin, runId, precision } = facts;
    if (origin === "imported-vectors" || origin === "endpoint") return null;
    if (known) return viewOf(known);
    const fetched = id !== DEFAULT_ENCODER.id || this.ports.modelReady();
    const missing = fetched ? null : "The model was not fetched yet.";
    const int8 = precision === "int8" ? "int8 weights cannot be trained; take the fp32 model." : null;
    const sizes = SITE_SIZES[id] ?? { parameters: null, layers: null, hidden: null, bytes: null };
    return {
      ...{ id, name, origin, kind: "encoder" },
      ...sizes,
      obstacle: missing ?? int8,
      ...(runId === undefined ? {} : { runId }),
    };
  }
}

/** A model that runs can start from; instruct models only write questions. */
type WeightsRecord = ModelRecord & { readonly kind: ModelView["kind"] };

function hasWeights(record: ModelRecord): record is WeightsRecord {
  return record.kind !== "instruct";
}

type Sizes = Pick<ModelView, "parameters" | "layers" | "hidden" | "bytes">;

/** Of the site's models, known without opening them. */
const SITE_SIZES: Readonly<Record<string, Sizes>> = {
  [DEFAULT_ENCODER.id]: { parameters: 33_212_160, layers: 12, hidden: 384, bytes: 133_093_490 },
  [NANO_ENCODER.id]: { parameters: 3_699_264, layers: 3, hidden: 192, bytes: 3_800_976 },
};

function viewOf({
  id,
  name,
  kind,
  origin,
  runId,
  parameters,
  layers,
  hidden,
  bytes,
  obstacle,
}: WeightsRecord): ModelView {
  return {
    ...{ id, name, kind, origin, parameters, layers, hidden, bytes, obstacle },
    ...(runId === undefined ? {} : { runId }),
  };
}
