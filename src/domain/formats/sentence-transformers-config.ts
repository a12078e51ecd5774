// The small JSON files of a sentence-transformers folder. Written in the layout of 2.x–5.x, which 6.x still loads; read in
// both: 6.x says "pooling_mode": "cls" and "embedding_dimension" where ≤ 5.x has one flag a mode and
// "word_embedding_dimension", and keeps the length limit in tokenizer_config.json alone. trainers.md §0.8, §1.
import type { EncoderModel, Pooling, Prompts } from "../models/encoder-model.ts";
import { jsonFile, type FolderReader } from "./folder-reader.ts";
import { JsonFields } from "./json-fields.ts";

export const MODULES = "modules.json";
export const SETTINGS = "config_sentence_transformers.json";
const LENGTH = "sentence_bert_config.json";

export type ModuleKind = "Transformer" | "Pooling" | "Normalize" | "Dense" | "Router";
const KINDS: readonly ModuleKind[] = ["Transformer", "Pooling", "Normalize", "Dense", "Router"];

export interface ModuleEntry {
  readonly kind: ModuleKind;
  readonly path: string; // "" or "1_Pooling", no slash at the end
}

/** modules.json with the module paths of 2.x–5.x. */
export function writeModules(modules: readonly ModuleEntry[]): Uint8Array {
  return jsonFile(
    modules.map(({ kind, path }, idx) => ({ idx, name: String(idx), path, type: moduleType(kind) })),
  );
}

export function moduleType(kind: ModuleKind): string {
  return `sentence_transformers.models.${kind}`;
}

/** The modules in order. "unsupported" names a module that we cannot compute. */
export function readModules(folder: FolderReader): readonly ModuleEntry[] {
  return JsonFields.parseList(folder.text(MODULES), folder.shown(MODULES)).map((entry) => {
    const type = entry.text("type");
    const kind = KINDS.find((known) => type === known || type.endsWith(`.${known}`));
    if (kind) return { kind, path: entry.text("path", "").replace(/\/$/, "") };
    const what = `the module ${JSON.stringify(type.slice(0, 120))} cannot be computed here; ${KINDS.join(", ")} can`;
    throw entry.error("type", what, "unsupported");
  });
}

/** config_sentence_transformers.json, sentence_bert_config.json of a model. */
export function writeSettings(model: EncoderModel): ReadonlyMap<string, Uint8Array> {
  const settings = {
    __version__: { sentence_transformers: "5.1.0", transformers: "4.56.0", pytorch: "2.8.0" },
    model_type: "SentenceTransformer",
    prompts: { query: model.prompts.query, document: model.prompts.document },
    default_prompt_name: null,
    similarity_fn_name: "cosine",
  };
  return new Map([
    [SETTINGS, jsonFile(settings)],
    [LENGTH, jsonFile({ max_seq_length: model.maxTokens, do_lower_case: false })],
  ]);
}

export interface ReadSettings {
  readonly prompts: Prompts;
  readonly maxTokens: number | undefined;
  readonly notes: readonly string[];
}

/** Both files, either may be missing. */
export function readSettings(folder: FolderReader, transformerPath: string): ReadSettings {
  const settings = folder.optionalFields(SETTINGS);
  const prompts = settings?.fields("prompts");
  const length = folder.optionalFields(`${transformerPath}${LENGTH}`);
  const notes: string[] = [];
  const usual = settings?.has("default_prompt_name") ? settings.text("default_prompt_name") : "";
  if (usual !== "") notes.push(`${SETTINGS}: the default prompt "${usual}" is used for that side only`);
  if (length?.flag("do_lower_case", false)) notes.push(`${LENGTH}: do_lower_case is left to the tokenizer`);
  const first = (...keys: string[]): string => {
    const key = keys.find((name) => prompts?.has(name));
    return key === undefined ? "" : prompts!.text(key);
  };
  return {
    prompts: { query: first("query"), document: first("document", "passage") },
    maxTokens: length?.has("max_seq_length") ? length.size("max_seq_length") : undefined,
    notes,
  };
}

/** 1_Pooling/config.json of 2.x–5.x. */
export function writePooling(pooling: Pooling, dimension: number): Uint8Array {
  return jsonFile({
    word_embedding_dimension: dimension,
    pooling_mode_cls_token: pooling === "cls",
    pooling_mode_mean_tokens: pooling === "mean",
    pooling_mode_max_tokens: false,
    pooling_mode_mean_sqrt_len_tokens: false,
    pooling_mode_weightedmean_tokens: false,
    pooling_mode_lasttoken: false,
    include_prompt: true,
  });
}

/** Either layout. "unsupported" names a mode other than CLS or mean, and several at once. */
export function readPooling(folder: FolderReader, path: string, prompts: Prompts): Pooling {
  const fields = folder.fields(`${path}/config.json`);
  const modes = fields.has("pooling_mode") ? fields.texts("pooling_mode") : flaggedModes(fields);
  const [mode] = modes;
  if (modes.length !== 1 || (mode !== "cls" && mode !== "mean")) {
    const shown = modes.join(" + ") || "none";
    throw fields.error(undefined, `the pooling is ${shown}; "cls" and "mean" can be computed`, "unsupported");
  }
  const hasPrompt = prompts.query !== "" || prompts.document !== "";
  if (mode === "mean" && hasPrompt && !fields.flag("include_prompt", true)) {
    const what = "include_prompt is false: a mean without the instruction's tokens cannot be computed here";
    throw fields.error("include_prompt", what, "unsupported");
  }
  return mode;
}

function flaggedModes(fields: JsonFields): readonly string[] {
  const names = { cls_token: "cls", mean_tokens: "mean" } as Readonly<Record<string, string>>;
  return fields.keys
    .filter((key) => key.startsWith("pooling_mode_") && fields.flag(key, false))
    .map((key) => key.slice("pooling_mode_".length))
    .map((key) => names[key] ?? key);
}
