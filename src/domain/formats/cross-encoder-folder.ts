// A cross-encoder as the plain folder of sentence-transformers ≤ 5.x (config.json, weights, tokenizer), which every version
// loads. The function that turns the logit into a score stands in config.json: "sentence_transformers" {activation_fn}
// for ≥ 4, "sbert_ce_default_activation_function" for older ones; 6.x writes config_sentence_transformers.json.
import { checkNamedWeights, crossEncoderShapes } from "../models/bert/names.ts";
import type { CrossEncoderModel } from "../models/encoder-model.ts";
import type { FolderFiles } from "./adapter-folder.ts";
import { FolderReader } from "./folder-reader.ts";
import { SETTINGS } from "./sentence-transformers-config.ts";
import { readTransformerFiles, writeTransformerFiles } from "./transformer-files.ts";

const CLASSES = {
  sigmoid: "torch.nn.modules.activation.Sigmoid",
  identity: "torch.nn.modules.linear.Identity",
} as const;

/** The folder without its README (`writeModelCard`). */
export function writeCrossEncoderFolder(model: CrossEncoderModel): Map<string, Uint8Array> {
  const activation = CLASSES[model.activation];
  return writeTransformerFiles(model, "BertForSequenceClassification", {
    id2label: { "0": "LABEL_0" },
    label2id: { LABEL_0: 0 },
    sentence_transformers: { activation_fn: activation, version: "5.1.0" },
    sbert_ce_default_activation_function: activation,
  });
}

/**
 * Reads the plain folder and the one of 6.x. "unsupported" for another number of labels than one and for an activation that
 * is neither Sigmoid nor Identity; E_MISMATCH where pooler or classifier are missing.
 */
export function readCrossEncoderFolder(files: FolderFiles, name: string, folder?: string): CrossEncoderModel {
  const reader = new FolderReader(files, folder);
  const read = readTransformerFiles(reader, "");
  const { config, weights, tokenizer } = read;
  const labels = weights.get("classifier.weight")?.shape[0] ?? 1;
  if (labels !== 1) {
    const what = `the classifier has ${labels} labels; a re-ranker has one`;
    throw reader.refusal("unsupported", "config.json", what);
  }
  checkNamedWeights(crossEncoderShapes(config), weights, folder ?? name);
  const maxTokens = read.tokenizerMaxTokens;
  const activation = readActivation(reader);
  return { name, config, weights, tokenizer, maxTokens, activation };
}

function readActivation(reader: FolderReader): CrossEncoderModel["activation"] {
  const config = reader.fields("config.json");
  const settings = reader.optionalFields(SETTINGS);
  const own = config.fields("sentence_transformers");
  const given = settings?.has("activation_fn")
    ? settings.text("activation_fn")
    : own?.text("activation_fn", "") || config.text("sbert_ce_default_activation_function", "");
  if (given === "" || given.endsWith(".Sigmoid")) return "sigmoid";
  if (given.endsWith(".Identity")) return "identity";
  const what = `the activation ${JSON.stringify(given.slice(0, 80))}; Sigmoid and Identity can be computed`;
  throw reader.refusal("unsupported", "config.json", what);
}
