// adapter_config.json. PEFT adds keys with every release; most of them are off by default. A key we do not know is listed
// where it is on, and one that changes what is computed is refused by its name.
import type { FolderReader } from "./folder-reader.ts";
import type { JsonFields } from "./json-fields.ts";

/** What an adapter's base is for, and PEFT's word for it. */
export const TASK_TYPES = {
  encoder: "FEATURE_EXTRACTION",
  "cross-encoder": "SEQ_CLS",
  decoder: "CAUSAL_LM",
} as const;

export type PeftTask = keyof typeof TASK_TYPES;

export interface PeftConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly rsLora: boolean;
  readonly targets: readonly string[];
  readonly base: string;
  readonly task: PeftTask; // "encoder" where the file says nothing we know
  readonly notes: readonly string[];
}

const READ = [
  "peft_type",
  "task_type",
  "base_model_name_or_path",
  "r",
  "lora_alpha",
  "use_rslora",
  "target_modules",
  "bias",
  "fan_in_fan_out",
];
/** Keys that say how an adapter was trained or stored, and nothing about what it computes. */
const HARMLESS = [
  "inference_mode",
  "lora_dropout",
  "modules_to_save",
  "init_lora_weights",
  "peft_version",
  "revision",
  "auto_mapping",
  "loftq_config",
  "eva_config",
  "corda_config",
  "lora_ga_config",
  "ensure_weight_tying",
  "exclude_modules",
  "layers_to_transform",
  "layers_pattern",
  "megatron_config",
  "megatron_core",
  "qalora_group_size",
  "runtime_config",
];
/** Keys that change the function where they are on. */
const REFUSED: Readonly<Record<string, string>> = {
  use_dora: "DoRA",
  use_qalora: "QA-LoRA",
  use_bdlora: "block-diagonal LoRA",
  lora_bias: "LoRA with a bias",
  rank_pattern: "ranks by pattern",
  alpha_pattern: "alphas by pattern",
  layer_replication: "replicated layers",
  trainable_token_indices: "trained tokens",
  target_parameters: "LoRA on bare parameters",
  alora_invocation_tokens: "activated LoRA",
  arrow_config: "Arrow routing",
  kasa_config: "KaSA",
  velora_config: "VeLoRA",
  monteclora_config: "MonteCLoRA",
};

/** Errors: those of JSON, E_FIELD, "unsupported" naming the variant. */
export function readPeftConfig(reader: FolderReader, path: string): PeftConfig {
  const fields = reader.fields(path);
  const type = fields.text("peft_type");
  if (type !== "LORA") throw refused(fields, "peft_type", `the tuner ${JSON.stringify(type.slice(0, 40))}`);
  if (fields.text("bias", "none") !== "none") throw refused(fields, "bias", "LoRA that trains biases");
  if (fields.flag("fan_in_fan_out", false))
    throw refused(fields, "fan_in_fan_out", "LoRA of transposed layers");
  const values = fields.plain();
  for (const [key, name] of Object.entries(REFUSED)) {
    if (isOn(values[key])) throw refused(fields, key, name);
  }
  const known = new Set([...READ, ...HARMLESS, ...Object.keys(REFUSED)]);
  const unknown = fields.keys.filter((key) => !known.has(key) && isOn(values[key]));
  const note = `${path}: ${unknown.map((key) => key.slice(0, 60)).join(", ")} not known here and left out`;
  return {
    rank: fields.size("r"),
    alpha: fields.number("lora_alpha"),
    rsLora: fields.flag("use_rslora", false),
    targets: fields.texts("target_modules", []),
    base: fields.text("base_model_name_or_path", ""),
    task: taskOf(fields.text("task_type", "")),
    notes: unknown.length > 0 ? [note] : [],
  };
}

function taskOf(type: string): PeftTask {
  const tasks: readonly PeftTask[] = ["cross-encoder", "decoder"];
  return tasks.find((task) => TASK_TYPES[task] === type) ?? "encoder";
}

function isOn(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

function refused(fields: JsonFields, key: string, name: string) {
  return fields.error(
    key,
    `${name} (${key}) cannot be computed here; plain LoRA and rsLoRA can`,
    "unsupported",
  );
}
