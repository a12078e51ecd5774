// The part that all Hugging Face folders of a BERT share: config.json, model.safetensors, tokenizer files.
import type { Weights } from "../matrix.ts";
import type { BertConfig } from "../models/bert/config.ts";
import { CLASSIFIER } from "../models/bert/names.ts";
import type { NamedWeights, TokenizerFiles } from "../models/encoder-model.ts";
import { jsonFile, type FolderReader } from "./folder-reader.ts";
import { bertWeightsFrom } from "../models/weights/bert-weights.ts";
import { writeSafetensors } from "./safetensors.ts";
import { writeTokenizerFiles } from "./tokenizer-files.ts";

export interface TransformerParts {
  readonly config: BertConfig;
  readonly weights: NamedWeights;
  readonly tokenizer: TokenizerFiles;
  readonly maxTokens: number;
}

export interface ReadTransformer {
  readonly config: BertConfig;
  readonly weights: NamedWeights;
  readonly tokenizer: TokenizerFiles;
  readonly tokenizerMaxTokens: number; // model_max_length, at most the positions there are
}

const NOT_WRITTEN = ["_name_or_path", "dtype", "transformers_version"];

/** config.json, model.safetensors (metadata {"format": "pt"}, names after `prefix`) and the tokenizer's files. */
export function writeTransformerFiles(
  { config, weights, tokenizer, maxTokens }: TransformerParts,
  architecture: "BertModel" | "BertForSequenceClassification",
  more: Readonly<Record<string, unknown>> = {},
): Map<string, Uint8Array> {
  return new Map([
    ["config.json", jsonFile(writtenConfig(config, architecture, more))],
    ["model.safetensors", writeModelWeights(weights, architecture)],
    ...writeTokenizerFiles(tokenizer, maxTokens),
  ]);
}

/** The state dict of the architecture: BertModel has bare names, with a head "bert." stands before all but the head. */
export function writeModelWeights(
  weights: NamedWeights,
  architecture: "BertModel" | "BertForSequenceClassification",
): Uint8Array {
  const named: Weights = new Map(
    [...weights]
      .filter(([name]) => architecture !== "BertModel" || !name.startsWith(`${CLASSIFIER}.`))
      .map(([name, tensor]) => [architecture === "BertModel" ? name : headedName(name), tensor]),
  );
  return writeSafetensors(named, new Map([["format", "pt"]]));
}

/** "encoder.…" as BertForSequenceClassification names it. */
export function headedName(name: string): string {
  return name.startsWith(`${CLASSIFIER}.`) ? name : `bert.${name}`;
}

/** config.json as it was read, without traces of the machine, for float32 weights of the given architecture. */
export function writtenConfig(
  config: BertConfig,
  architecture: string,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const kept = Object.entries(config.raw).filter(([key]) => !NOT_WRITTEN.includes(key));
  return {
    ...Object.fromEntries(kept),
    model_type: "bert",
    architectures: [architecture],
    torch_dtype: "float32",
    ...more,
  };
}

/**
 * Reads those files below `path` ("" or "0_Transformer/"); weights may also be an ONNX file's. Errors: those of
 * `bertWeightsFrom` and of the readers.
 */
export function readTransformerFiles(folder: FolderReader, path: string): ReadTransformer {
  const below = new Map(
    [...folder.files].flatMap(([name, bytes]) =>
      name.startsWith(path) ? [[name.slice(path.length), bytes] as const] : [],
    ),
  );
  const { config, weights } = bertWeightsFrom(below, folder.shown(path.replace(/\/$/, "")) || undefined);
  const tokenizerConfig = `${path}tokenizer_config.json`;
  const given = folder.optionalFields(tokenizerConfig);
  const longest = given?.has("model_max_length") ? given.number("model_max_length") : config.maxPositions;
  return {
    config,
    weights,
    tokenizer: {
      tokenizerJson: folder.text(`${path}tokenizer.json`),
      tokenizerConfigJson: given ? folder.text(tokenizerConfig) : "{}",
    },
    tokenizerMaxTokens: Math.max(1, Math.min(longest, config.maxPositions)),
  };
}
