import { EQUAL_WEIGHTS, fusionOf } from "../../domain/eval/fusion.ts";
import type { FolderFiles } from "../../domain/formats/adapter-folder.ts";
import { PEFT_CONFIG, readPeftFolder } from "../../domain/formats/peft-folder.ts";
import { interpolateWeights } from "../../domain/models/interpolate.ts";
import { mergeLora } from "../../domain/models/merge-lora.ts";
import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import { CROSS_ENCODER_DEFAULTS } from "../../domain/recipes/cross-encoder/cross-encoder-job.ts";
import type { TrainedCrossEncoder } from "../../domain/recipes/cross-encoder/cross-encoder-job.ts";
import { RetuneError } from "../../engine/errors.ts";
import { memoryModelFiles } from "../encoders/model-files.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import { isCrossEncoder, readCrossEncoderModel, readEncoderModel } from "../encoders/own-models.ts";
import type { Recipe } from "../studio-training.ts";
import type { KeptByTask, KeptEncoder } from "./trained-store.ts";

/** What was tuned elsewhere, as a run of this project would have kept it. */
export type ImportedModel =
  | {
      readonly kind: "encoder";
      readonly recipe: Extract<Recipe, { readonly task: "encoder" | "lora" }>;
      readonly kept: KeptByTask["encoder"];
    }
  | {
      readonly kind: "re-ranker";
      readonly recipe: Extract<Recipe, { readonly task: "cross-encoder" }>;
      readonly kept: TrainedCrossEncoder;
    };

/** What a folder is read onto: the models here by their names, and the project's own. */
export interface ImportGround {
  readonly models: ModelSource;
  readonly named: readonly { readonly id: string; readonly name: string }[];
  readonly encoderId: string; // of the project: the base that a whole model is judged beside
}

/**
 * A PEFT folder (onto the model that it names), or a tuned encoder or re-ranker with all its weights: as sentence-transformers
 * saves them, or an fp32 ONNX file. Errors: "model-missing" where the base is not here, E_MISMATCH where the weights are not
 * its, and those of the readers.
 */
export async function readTunedFolder(
  files: FolderFiles,
  name: string,
  ground: ImportGround,
): Promise<ImportedModel> {
  if (files.has(PEFT_CONFIG)) return ontoBase(files, name, ground);
  const folder = memoryModelFiles(name, new Map([...files].map(([path, bytes]) => [path, bytes.slice()])));
  const base = await ground.models.either(ground.encoderId);
  if (await isCrossEncoder(folder)) return reranker(await readCrossEncoderModel(folder), undefined);
  const model = await readEncoderModel(folder);
  requireCommonBase(base, model);
  const { query } = model.prompts;
  const settings = { recipe: "encoder", mode: "recommended", seed: 0 } as const;
  return {
    kind: "encoder",
    recipe: { task: "encoder", settings, ...(query === "" ? {} : { queryInstruction: query }) },
    kept: keptEncoder({ kind: "encoder", model }),
  };
}

async function ontoBase(files: FolderFiles, name: string, ground: ImportGround): Promise<ImportedModel> {
  const { adapter, base: named, task, notes } = readPeftFolder(files, name);
  const base = baseFor(named, ground);
  if (task === "decoder") {
    const text = "This is a LoRA of a language model; search has no use for it.";
    throw new RetuneError("unsupported", `${text} Load it with peft beside its base.`);
  }
  if (task === "cross-encoder") {
    const model = await ground.models.either(base);
    if ("pooling" in model && !adapter.weights.has("classifier.weight")) {
      throw new RetuneError(
        "E_MISMATCH",
        `${name} changes a re-ranker, and ${model.name} has no head. Add its base first.`,
      );
    }
    const { config, tokenizer, maxTokens } = model;
    const activation = "activation" in model ? model.activation : "sigmoid";
    const weights = mergeLora(model.weights, adapter);
    return reranker({ name, config, tokenizer, maxTokens, activation, weights }, base);
  }
  const model = await ground.models.encoder(base);
  mergeLora(model.weights, adapter); // E_MISMATCH where it is not this base's
  const { rank, alpha, rsLora } = adapter;
  const settings = {
    ...({ recipe: "lora", mode: "recommended", seed: 0 } as const),
    lora: { rank, alpha, rsLora, targets: adapter.targets },
  };
  return {
    kind: "encoder",
    recipe: { task: "lora", settings, base },
    kept: { ...keptEncoder({ kind: "lora", adapter }), notes },
  };
}

/** The model here that a PEFT folder names ("BAAI/bge-small-en-v1.5"); the project's where it names none. */
function baseFor(named: string, { named: models, encoderId }: ImportGround): string {
  const last = (path: string): string => path.replace(/\/+$/, "").split("/").at(-1)!.toLowerCase();
  if (named === "") return encoderId;
  const fitting = models.filter(({ name }) => last(name) === last(named));
  const found = fitting.find(({ id }) => id === encoderId) ?? fitting[0];
  if (found) return found.id;
  const text = `The adapter belongs to ${named}, which is not here. Add that model's folder under Models first.`;
  throw new RetuneError("model-missing", text);
}

function keptEncoder(tuned: KeptEncoder["tuned"]): KeptEncoder {
  const equal = fusionOf(EQUAL_WEIGHTS);
  return {
    tuned,
    chosen: { epochs: 0, learningRate: 0, batchSize: 0, step: 0, totalSteps: 0 },
    fusion: { base: equal, tuned: equal },
    ...{ losses: [], looks: [], heldOut: null, guards: [], clipped: 0, notes: [] },
  };
}

function reranker(model: CrossEncoderModel, base: string | undefined): ImportedModel {
  const { learningRate, pairs: batchSize } = CROSS_ENCODER_DEFAULTS;
  const chosen = { loss: "bce", epochs: 0, learningRate, batchSize, positiveWeight: 1 } as const;
  const settings = { mode: "recommended", seed: 0 } as const;
  return {
    kind: "re-ranker",
    recipe: { task: "cross-encoder", settings, ...(base === undefined ? {} : { base }) },
    kept: { model, chosen, losses: [], looks: [], heldOut: null, notes: [] },
  };
}

/** A whole model joins a project as a run only where it is its encoder, tuned: only then is there a way between the two. */
function requireCommonBase(base: EncoderModel | CrossEncoderModel, model: EncoderModel): void {
  const missing = [...model.weights.keys()].find((name) => !base.weights.has(name));
  try {
    if (missing !== undefined) throw new RetuneError("E_MISMATCH", `${base.name} has no ${missing}`);
    interpolateWeights(base.weights, model.weights, 0);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    const text = `${model.name} is not ${base.name} tuned (${error.message}).`;
    throw new RetuneError(
      "E_MISMATCH",
      `${text} Choose its base under Data first, or add it as a model of its own under Models.`,
    );
  }
}
