import type { FolderFiles } from "../../domain/formats/adapter-folder.ts";
import { readCrossEncoderFolder } from "../../domain/formats/cross-encoder-folder.ts";
import { readSentenceTransformersFolder } from "../../domain/formats/sentence-transformers-folder.ts";
import type { CrossEncoderModel, EncoderModel, TokenizerFiles } from "../../domain/models/encoder-model.ts";
import { WEIGHT_FILES, bertWeightsFrom } from "../../domain/models/weights/bert-weights.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { WeightFacts } from "../protocol/calls.ts";
import { readEncoderSettings } from "./encoder-settings.ts";
import { requiredFile } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";
import { identityOf, modelHash } from "./own-encoder.ts";

const SMALL_FILES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "modules.json",
  "sentence_bert_config.json",
  "config_sentence_transformers.json",
  "special_tokens_map.json",
  "vocab.txt",
  "1_Pooling/config.json",
  "2_Normalize/config.json",
] as const;

/** The small files of a model folder and the first weights it has. "model-missing" where there are none. */
async function folderOf(files: ModelFiles): Promise<FolderFiles> {
  const found = new Map<string, Uint8Array>();
  for (const path of SMALL_FILES) {
    const bytes = await files.read(path);
    if (bytes) found.set(path, bytes);
  }
  for (const path of WEIGHT_FILES) {
    const bytes = await files.read(path);
    if (!bytes) continue;
    found.set(path, bytes);
    return found;
  }
  const text = `The model ${files.name} has no weights to train from: ${WEIGHT_FILES.join(" or ")} is needed.`;
  throw new RetuneError("model-missing", text);
}

/**
 * The weights of an encoder folder: a sentence-transformers folder, or any BERT with safetensors or an fp32 ONNX file.
 * Its prompts are the folder's; a run puts its own in their place.
 */
export async function readEncoderModel(files: ModelFiles): Promise<EncoderModel> {
  const folder = await folderOf(files);
  if (folder.has("modules.json") && folder.has("model.safetensors")) {
    return readSentenceTransformersFolder(folder, files.name).model;
  }
  const { config, weights } = bertWeightsFrom(folder, files.name);
  const settings = await readEncoderSettings(files);
  return {
    ...{ name: files.name, config, weights, normalize: true, pooling: settings.pooling },
    tokenizer: await readTokenizer(files),
    maxTokens: Math.min(settings.maxTokens, config.maxPositions),
    prompts: { query: settings.queryInstruction, document: "" },
  };
}

export async function readCrossEncoderModel(files: ModelFiles): Promise<CrossEncoderModel> {
  return readCrossEncoderFolder(await folderOf(files), files.name);
}

/** Whether a folder's config names a model with a classifier. */
export async function isCrossEncoder(files: ModelFiles): Promise<boolean> {
  const config = new TextDecoder().decode(await requiredFile(files, "config.json"));
  return config.includes("ForSequenceClassification");
}

async function readTokenizer(files: ModelFiles): Promise<TokenizerFiles> {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const config = await files.read("tokenizer_config.json");
  return {
    tokenizerJson: text(await requiredFile(files, "tokenizer.json")),
    tokenizerConfigJson: config ? text(config) : "{}",
  };
}

/** How many numbers a model consists of. */
export function parameterCount({ weights }: EncoderModel | CrossEncoderModel): number {
  return [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
}

/** Reads the weights of a folder, to learn what they are. */
export async function factsOfWeights(files: ModelFiles): Promise<WeightFacts> {
  const cross = await isCrossEncoder(files);
  const model = cross ? await readCrossEncoderModel(files) : await readEncoderModel(files);
  const { name, config, maxTokens } = model;
  const identity =
    "pooling" in model
      ? await identityOf(model)
      : {
          ...{ name, maxTokens, dimension: 1, precision: "fp32" as const, queryInstruction: "" },
          hash: await modelHash(model, [maxTokens, model.activation]),
        };
  const { layers, hiddenSize: hidden } = config;
  return {
    kind: cross ? "cross-encoder" : "encoder",
    identity,
    parameters: parameterCount(model),
    layers,
    hidden,
  };
}
