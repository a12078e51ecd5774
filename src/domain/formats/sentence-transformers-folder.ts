// An encoder as a sentence-transformers folder: Transformer → Pooling [→ Normalize].
import type { EncoderModel, Pooling } from "../models/encoder-model.ts";
import type { FolderFiles } from "./adapter-folder.ts";
import { FolderReader, jsonFile } from "./folder-reader.ts";
import {
  MODULES,
  readModules,
  readPooling,
  readSettings,
  SETTINGS,
  writeModules,
  writePooling,
  writeSettings,
  type ModuleEntry,
} from "./sentence-transformers-config.ts";
import { readTransformerFiles, writeTransformerFiles } from "./transformer-files.ts";

export interface ReadEncoder {
  readonly model: EncoderModel;
  readonly notes: readonly string[]; // what the folder says that is not used, for the person
}

/** Transformer, Pooling and, where vectors have length 1, Normalize. */
export function encoderModules(model: EncoderModel): readonly ModuleEntry[] {
  const modules: ModuleEntry[] = [
    { kind: "Transformer", path: "" },
    { kind: "Pooling", path: "1_Pooling" },
  ];
  return model.normalize ? [...modules, { kind: "Normalize", path: "2_Normalize" }] : modules;
}

/**
 * The folder that sentence-transformers 2.x–6.x load, README excepted (`writeModelCard`). Files of Normalize hold "{}":
 * ≤ 5.x leaves its folder empty, which a list of files cannot say.
 */
export function writeSentenceTransformersFolder(
  model: EncoderModel,
  modules: readonly ModuleEntry[] = encoderModules(model),
): Map<string, Uint8Array> {
  const files = new Map([
    [MODULES, writeModules(modules)],
    ...writeSettings(model),
    ...writeTransformerFiles(model, "BertModel"),
  ]);
  for (const { kind, path } of modules) {
    if (kind === "Pooling")
      files.set(`${path}/config.json`, writePooling(model.pooling, model.config.hiddenSize));
    if (kind === "Normalize") files.set(`${path}/config.json`, jsonFile({}));
  }
  return files;
}

/**
 * Reads the layouts of 2.x–6.x, and a plain transformers folder (then with mean pooling, as sentence-transformers does,
 * and a note). `name` is what the model is called here. Errors: those of the readers, "unsupported" naming a module or
 * pooling that we cannot compute, E_UNKNOWN_FORMAT for a cross-encoder.
 */
export function readSentenceTransformersFolder(
  files: FolderFiles,
  name: string,
  folder?: string,
): ReadEncoder {
  const reader = new FolderReader(files, folder);
  if (!reader.has(MODULES)) return readPlainFolder(reader, name);
  const modules = readModules(reader);
  const kinds = modules.map(({ kind }) => kind).join(" → ");
  if (kinds !== "Transformer → Pooling" && kinds !== "Transformer → Pooling → Normalize") {
    const what = `the modules are ${kinds}; an encoder is Transformer → Pooling [→ Normalize]`;
    throw reader.refusal("unsupported", MODULES, what);
  }
  return readEncoderModules(reader, modules, name);
}

/** The encoder at the front of a module list. */
export function readEncoderModules(
  reader: FolderReader,
  modules: readonly ModuleEntry[],
  name: string,
): ReadEncoder {
  const settings = reader.optionalFields(SETTINGS);
  if (settings?.text("model_type", "SentenceTransformer") === "CrossEncoder") {
    throw reader.refusal("E_UNKNOWN_FORMAT", SETTINGS, "this is a cross-encoder; import it as a re-ranker");
  }
  const path = modules[0]!.path === "" ? "" : `${modules[0]!.path}/`;
  const { prompts, maxTokens, notes } = readSettings(reader, path);
  const pooling = readPooling(reader, modules[1]!.path, prompts);
  const normalize = modules.some(({ kind }) => kind === "Normalize");
  return assembled(reader, path, { name, pooling, normalize, prompts, maxTokens, notes });
}

interface Assembly {
  readonly name: string;
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly prompts: EncoderModel["prompts"];
  readonly maxTokens: number | undefined;
  readonly notes: readonly string[];
}

function assembled(reader: FolderReader, path: string, given: Assembly): ReadEncoder {
  const read = readTransformerFiles(reader, path);
  const { name, pooling, normalize, prompts } = given;
  const maxTokens = Math.min(given.maxTokens ?? read.tokenizerMaxTokens, read.config.maxPositions);
  const { config, weights, tokenizer } = read;
  const model = { name, config, weights, tokenizer, pooling, normalize, maxTokens, prompts };
  return { model, notes: given.notes };
}

function readPlainFolder(reader: FolderReader, name: string): ReadEncoder {
  const note = `no ${MODULES}: mean pooling without normalisation is assumed, as sentence-transformers does`;
  const prompts = { query: "", document: "" };
  return assembled(reader, "", {
    name,
    pooling: "mean",
    normalize: false,
    prompts,
    maxTokens: undefined,
    notes: [note],
  });
}
