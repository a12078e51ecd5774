// A LoRA adapter as PEFT's folder: adapter_config.json with the ten keys that every PEFT version knows (an unknown key
// crashes older ones; use_rslora and modules_to_save only where they are needed) and adapter_model.safetensors with
// "base_model.model." before the names. trainers.md §6.
import type { TensorData } from "../matrix.ts";
import { CLASSIFIER, LAYER_LINEARS, layerPart, POOLER } from "../models/bert/names.ts";
import type { LoraAdapter, NamedWeights } from "../models/encoder-model.ts";
import { loraLayers, replacedTensors } from "../models/merge-lora.ts";
import type { FolderFiles } from "./adapter-folder.ts";
import { FolderReader, jsonFile } from "./folder-reader.ts";
import { readPeftConfig, TASK_TYPES, type PeftTask } from "./peft-config.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { headedName } from "./transformer-files.ts";

export const PEFT_CONFIG = "adapter_config.json";
const PEFT_WEIGHTS = "adapter_model.safetensors";
const PREFIX = "base_model.model.";

export interface PeftTarget {
  readonly base: string; // base_model_name_or_path: a name, never a path of this machine
  readonly task: PeftTask;
  readonly layers: number; // transformer layers of the base
}

export interface ReadPeft {
  readonly adapter: LoraAdapter;
  readonly base: string; // as the folder names it, or ""
  readonly task: PeftTask;
  readonly notes: readonly string[]; // keys that were not understood and change nothing here
}

/**
 * The folder without its README. Heads among the weights become modules_to_save; a decoder's adapter that leaves the lower layers as
 * they are says so in layers_to_transform.
 */
export function writePeftFolder(adapter: LoraAdapter, target: PeftTarget): Map<string, Uint8Array> {
  const heads = [...new Set([...replacedTensors(adapter).keys()].map((name) => name.split(".")[0]!))];
  const decoder = target.task === "decoder";
  const some = decoder ? someLayers(adapter, target.layers) : undefined;
  const config = {
    peft_type: "LORA",
    task_type: TASK_TYPES[target.task],
    base_model_name_or_path: target.base,
    r: adapter.rank,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    target_modules: decoder ? decoderTargets(adapter) : targetModules(adapter, target.layers),
    ...(some ? { layers_to_transform: some } : {}),
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    ...(adapter.rsLora ? { use_rslora: true } : {}),
    ...(heads.length > 0 ? { modules_to_save: heads } : {}),
  };
  const named = new Map(
    Array.from(adapter.weights, ([name, tensor]): [string, TensorData] => [
      PREFIX + (target.task === "cross-encoder" ? headedName(name) : name),
      tensor,
    ]),
  );
  return new Map([
    [PEFT_CONFIG, jsonFile(config)],
    [PEFT_WEIGHTS, writeSafetensors(named, new Map([["format", "pt"]]))],
  ]);
}

/** Ends of a decoder's layers ("q_proj"), each of which is the name of one linear layer of a transformer layer. */
function decoderTargets(adapter: LoraAdapter): readonly string[] {
  return [...new Set(loraLayers(adapter).map((layer) => layer.slice(layer.lastIndexOf(".") + 1)))];
}

/** The transformer layers that a decoder's adapter changes, where they are not all. */
function someLayers(adapter: LoraAdapter, count: number): readonly number[] | undefined {
  const changed = new Set(
    loraLayers(adapter).map((layer) => Number(/^model\.layers\.(\d+)\./.exec(layer)?.[1])),
  );
  return changed.size === count ? undefined : [...changed].sort((a, b) => a - b);
}

/**
 * Ends of layer names that match the adapter's layers and no other linear layer of a BERT: PEFT takes every module whose
 * name ends in one, so "dense" would also catch the pooler's.
 */
export function targetModules(adapter: LoraAdapter, layerCount: number): readonly string[] {
  const layers = loraLayers(adapter);
  const chosen = new Set(layers);
  const others = everyLinear(layerCount).filter((name) => !chosen.has(name));
  const ends = layers.map((layer) => {
    const parts = layer.replace(/^encoder\.layer\.\d+\./, "").split(".");
    for (let from = parts.length - 1; from >= 0; from--) {
      const end = parts.slice(from).join(".");
      if (!others.some((name) => name.endsWith(`.${end}`))) return end;
    }
    return layer;
  });
  const unique = [...new Set(ends)];
  return unique.filter((end) => !unique.some((other) => end.endsWith(`.${other}`)));
}

/** All linear layers of a BERT with a head. */
function everyLinear(layerCount: number): readonly string[] {
  const inside = Array.from({ length: layerCount }, (_, index) =>
    LAYER_LINEARS.map((part) => layerPart(index, part)),
  );
  return [...inside.flat(), `bert.${POOLER}`, `bert.${CLASSIFIER}`];
}

/**
 * Reads a folder of PEFT's or ours, whatever number of keys its config has. "unsupported" names a variant that computes
 * something else (DoRA, another tuner, ranks by pattern); E_MISMATCH where matrices do not fit together.
 */
export function readPeftFolder(files: FolderFiles, folder?: string): ReadPeft {
  const reader = new FolderReader(files, folder);
  const config = readPeftConfig(reader, PEFT_CONFIG);
  const { tensors } = readSafetensors(reader.bytes(PEFT_WEIGHTS), reader.shown(PEFT_WEIGHTS));
  const task = [...tensors.keys()].some((name) => DECODER_LAYER.test(name)) ? "decoder" : config.task;
  const weights = new Map(Array.from(tensors, ([name, tensor]) => [ourName(reader, name, task), tensor]));
  const { rank, alpha, rsLora, targets } = config;
  const named = { rank, alpha, rsLora, targets, weights };
  checkPairs(reader, weights, rank);
  const adapter = task === "decoder" ? { ...named, targets: decoderTargets(named) } : named; // a pattern is spelt out
  return { adapter, base: config.base, task, notes: config.notes };
}

/** Names say more than task_type, which some trainers leave out. */
const DECODER_LAYER = /^base_model\.model\.model\.layers\.\d+\.(?:self_attn|mlp)\.\w+_proj\.lora_/;

function ourName(reader: FolderReader, name: string, task: PeftTask): string {
  const bare = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
  if (bare === undefined || /lora_(?:embedding|magnitude)/.test(name)) {
    const what = `the tensor ${JSON.stringify(name.slice(0, 120))} belongs to no LoRA of linear layers`;
    throw reader.refusal("unsupported", PEFT_WEIGHTS, what);
  }
  const own = task === "decoder" ? bare : bare.replace(/^(?:bert|0\.auto_model|model)\./, "");
  return own.replace(/\.modules_to_save(?:\.default)?\./, ".").replace(/\.(lora_[AB])\.default\./, ".$1.");
}

/** Every A has its B, both of the config's rank. */
function checkPairs(reader: FolderReader, weights: NamedWeights, rank: number): void {
  const flaw = (what: string) =>
    reader.refusal("E_MISMATCH", PEFT_WEIGHTS, `${what}; export the adapter again`);
  let pairs = 0;
  for (const [name, { shape }] of weights) {
    const [layer, side] = name.split(/\.(?=lora_[AB]\.weight$)/);
    if (!layer || !side) continue;
    const other = `${layer}.${side === "lora_A.weight" ? "lora_B" : "lora_A"}.weight`;
    if (!weights.has(other)) throw flaw(`${name} is there without ${other}`);
    const found = side === "lora_A.weight" ? shape[0] : shape[1];
    if (shape.length !== 2 || found !== rank)
      throw flaw(`${name} is [${shape.join(", ")}], the rank is ${rank}`);
    pairs++;
  }
  if (pairs === 0) throw flaw("no lora_A and lora_B in it");
}
