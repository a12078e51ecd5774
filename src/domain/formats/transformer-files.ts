// The part that all Hugging Face folders of a BERT share: config.json, model.safetensors, tokenizer files.
import type { RetuneError } from "../../engine/errors.ts";
import type { Weights } from "../matrix.ts";
import { bertConfigOf, type BertConfig } from "../models/bert/config.ts";
import { CLASSIFIER, encoderShapes, POOLER } from "../models/bert/names.ts";
import type { NamedWeights, TokenizerFiles } from "../models/encoder-model.ts";
import { jsonFile, type FolderReader } from "./folder-reader.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { readTorchZip } from "./torch-zip.ts";
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
  readonly notes: readonly string[]; // what was left out, for the person
}

const TORCH_PREFIX = /^(?:bert|model|auto_model)\./;
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
 * Reads those files below `path` ("" or "0_Transformer/"). Weights may be model.safetensors or pytorch_model.bin. Errors:
 * those of the readers, E_MISMATCH where the weights do not fit config.json.
 */
export function readTransformerFiles(folder: FolderReader, path: string): ReadTransformer {
  const raw = folder.fields(`${path}config.json`);
  const config = bertConfigOf(raw.plain(), folder.shown(`${path}config.json`));
  const tokenizerConfig = `${path}tokenizer_config.json`;
  const given = folder.optionalFields(tokenizerConfig);
  const longest = given?.has("model_max_length") ? given.number("model_max_length") : config.maxPositions;
  const { weights, notes } = readModelWeights(folder, path, config);
  return {
    config,
    weights,
    tokenizer: {
      tokenizerJson: folder.text(`${path}tokenizer.json`),
      tokenizerConfigJson: given ? folder.text(tokenizerConfig) : "{}",
    },
    tokenizerMaxTokens: Math.max(1, Math.min(longest, config.maxPositions)),
    notes,
  };
}

function readModelWeights(
  folder: FolderReader,
  path: string,
  config: BertConfig,
): { weights: NamedWeights; notes: string[] } {
  const torch = `${path}pytorch_model.bin`;
  const file =
    folder.has(torch) && !folder.has(`${path}model.safetensors`) ? torch : `${path}model.safetensors`;
  const bytes = folder.bytes(file);
  const read =
    file === torch
      ? readTorchZip(bytes, folder.shown(file))
      : readSafetensors(bytes, folder.shown(file)).tensors;
  const shapes = encoderShapes(config);
  const weights = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  const left: string[] = [];
  for (const [given, tensor] of read) {
    const name = given.replace(TORCH_PREFIX, "");
    const wanted = shapes.has(name) || name.startsWith(`${POOLER}.`) || name.startsWith(`${CLASSIFIER}.`);
    if (wanted) weights.set(name, tensor);
    else if (!name.endsWith("position_ids")) left.push(given);
  }
  requireShapes(folder, file, shapes, weights);
  const shown = `${left.slice(0, 5).join(", ")}${left.length > 5 ? ` and ${left.length - 5} more` : ""}`;
  return { weights, notes: left.length > 0 ? [`${file}: ${shown} belong to no layer; left out`] : [] };
}

/** Throws E_MISMATCH naming up to five tensors that are missing or of another shape. */
export function requireShapes(
  folder: FolderReader,
  file: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  weights: NamedWeights,
): void {
  const flaws = [...shapes].flatMap(([name, shape]) => {
    const found = weights.get(name)?.shape;
    if (found?.join() === shape.join()) return [];
    return [`${name} ${found ? `is [${found.join(", ")}]` : "is missing"}, not [${shape.join(", ")}]`];
  });
  if (flaws.length === 0) return;
  const more = flaws.length > 5 ? ` and ${flaws.length - 5} more` : "";
  const what = `the tensors do not fit config.json: ${flaws.slice(0, 5).join("; ")}${more}; choose the files of one model`;
  const error: RetuneError = folder.refusal("E_MISMATCH", file, what);
  throw error;
}
