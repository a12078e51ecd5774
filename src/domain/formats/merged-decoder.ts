// A decoder with its adapter merged in, as transformers loads it: config.json, one model.safetensors and the tokenizer's files as they
// came.  W' = W + s·B·A  by rows, from the base's own files, so that a merge loses nothing to a quantised base and no more than a few
// million numbers are in memory at once.
import { RetuneError } from "../../engine/errors.ts";
import { halvesOf } from "../../engine/half.ts";
import { decoderInMemory, type DecoderModel } from "../models/decoder-model.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import type { TensorData, Weights } from "../matrix.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { llamaShapes } from "../models/llama/names.ts";
import { loraLayers, mergedRows } from "../models/merge-lora.ts";
import type { DecoderFolder } from "../models/weights/llama-weights.ts";
import { jsonFile } from "./folder-reader.ts";
import { firstNotFinite } from "./floats.ts";
import { safetensorsHeader } from "./safetensors-header.ts";

/** Bytes that follow those of the same file that came before. */
export interface FilePart {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export type MergedPrecision = "f32" | "f16";

/** What was learnt: low-rank changes, or all weights. */
export type LearntWeights =
  | { readonly kind: "lora"; readonly adapter: LoraAdapter }
  | { readonly kind: "full"; readonly weights: Weights };

const AS_THEY_CAME = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];
const NOT_WRITTEN = ["_name_or_path", "transformers_version", "torch_dtype", "dtype", "quantization_config"];
const ARCHITECTURES: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
};
const NUMBERS_AT_ONCE = 2 ** 21;

/** Bytes of model.safetensors, for the room it needs before it is written. */
export function mergedBytes(config: LlamaConfig, precision: MergedPrecision): number {
  const { head, dataBytes } = headerOf(config, precision);
  return head.length + dataBytes;
}

/**
 * The folder as a stream of parts, each file's in their order, one file after the other. Throws E_MISMATCH for an adapter of another
 * base, and "unsupported" where a number is too large for a half.
 */
export async function* mergedDecoder(
  base: DecoderModel,
  learnt: LearntWeights,
  precision: MergedPrecision,
): AsyncGenerator<FilePart, void, void> {
  const { config, files } = base;
  yield { path: "config.json", bytes: jsonFile(writtenConfig(config, precision)) };
  for (const path of AS_THEY_CAME) {
    const source = files.get(path);
    if (source) yield { path, bytes: await source.read(0, source.size) };
  }
  const weights = learnt.kind === "full" ? decoderInMemory(config, learnt.weights) : base.weights;
  const adapter = learnt.kind === "lora" ? learnt.adapter : undefined;
  for await (const bytes of mergedWeights(weights, adapter, precision)) {
    yield { path: "model.safetensors", bytes };
  }
}

/** model.safetensors in parts. */
export async function* mergedWeights(
  folder: DecoderFolder,
  adapter: LoraAdapter | undefined,
  precision: MergedPrecision,
): AsyncGenerator<Uint8Array, void, void> {
  const shapes = llamaShapes(folder.config);
  if (adapter) checkAdapter(adapter, shapes);
  yield headerOf(folder.config, precision).head;
  for (const [name, shape] of shapes) {
    const [rows, columns] = shape.length === 2 ? (shape as [number, number]) : [1, shape[0]!];
    const atOnce = Math.max(1, Math.floor(NUMBERS_AT_ONCE / columns));
    const whole = folder.rows ? undefined : await folder.tensor(name);
    for (let from = 0; from < rows; from += atOnce) {
      const to = Math.min(rows, from + atOnce);
      const own = whole
        ? whole.values.slice(from * columns, to * columns)
        : await folder.rows!(name, from, to);
      yield stored(name, adapter ? mergedRows(adapter, name, own, from) : own, precision);
    }
  }
}

function headerOf(config: LlamaConfig, precision: MergedPrecision): ReturnType<typeof safetensorsHeader> {
  const dtype = precision === "f16" ? ("F16" as const) : ("F32" as const);
  const shapes = llamaShapes(config);
  const tensors = new Map(Array.from(shapes, ([name, shape]) => [name, { dtype, shape }] as const));
  return safetensorsHeader(tensors, new Map([["format", "pt"]]));
}

function stored(name: string, values: Float32Array, precision: MergedPrecision): Uint8Array {
  const kept = precision === "f16" ? halvesOf(values) : values;
  const bad =
    precision === "f16" ? values.findIndex((value) => !(Math.abs(value) < 65_520)) : firstNotFinite(values);
  if (bad >= 0) {
    const text = `${name}: ${values[bad]} cannot be kept in ${precision}; export in f32, or look at the training's losses`;
    throw new RetuneError("unsupported", text);
  }
  return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
}

function checkAdapter(adapter: LoraAdapter, shapes: ReadonlyMap<string, readonly number[]>): void {
  for (const layer of loraLayers(adapter)) {
    const [a, b] = ["A", "B"].map((side) =>
      adapter.weights.get(`${layer}.lora_${side}.weight`),
    ) as TensorData[];
    const shape = shapes.get(`${layer}.weight`);
    if (shape && b?.shape[0] === shape[0] && a?.shape[1] === shape[1]) continue;
    const got = shape ? `is [${shape.join(", ")}]` : "is missing";
    const text = `${layer}.weight ${got}, the adapter changes [${b?.shape[0] ?? "?"}, ${a?.shape[1] ?? "?"}]`;
    throw new RetuneError("E_MISMATCH", `${text}; choose the base it was trained on`);
  }
}

/** config.json as it was read, without traces of the machine, for weights of the given precision. */
function writtenConfig({ raw }: LlamaConfig, precision: MergedPrecision): Readonly<Record<string, unknown>> {
  const kept = Object.entries(raw).filter(([key]) => !NOT_WRITTEN.includes(key));
  const type = String(raw["model_type"]);
  return {
    ...Object.fromEntries(kept),
    architectures: [ARCHITECTURES[type]],
    torch_dtype: precision === "f16" ? "float16" : "float32",
  };
}
